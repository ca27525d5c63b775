import { withDeadline } from '../clock/deadline.ts'
import type { RuleStore, StoredRule } from './rule-store.ts'
import type { Clock } from '../clock/clock.ts'
import type { Logger } from '@libp2p/interface'

type RuleKey = Pick<StoredRule, 'list' | 'kind' | 'value'>

export interface PersistenceInit {
  readonly store: RuleStore | undefined
  readonly timeout: () => number
  readonly clock: Clock
  readonly log: Logger

  /** Puts a stored rule in force. */
  readonly apply: (rule: StoredRule) => void
}

/**
 * Keeps rules in a store, without letting it decide anything: what is in force is so before it is stored, a store that fails or hangs fails
 * the call and nothing else. Changes of one rule reach the store in their order.
 */
export class Persistence {
  readonly #init: PersistenceInit
  readonly #stored = new Set<string>()

  /** The last change under way of each rule. */
  readonly #changes = new Map<string, Promise<void>>()
  #loading: Promise<void> | undefined
  #isLoaded: boolean

  constructor (init: PersistenceInit) {
    this.#init = init
    this.#isLoaded = init.store == null
  }

  /** Whether all there is to know is known, as far as the store lets us. */
  get isLoaded (): boolean {
    return this.#isLoaded
  }

  /** Loads once. Resolves when stored rules are in force or the store has had its time; never rejects. */
  async load (): Promise<void> {
    if (this.#isLoaded) return
    await (this.#loading ??= this.#load())
  }

  isStored (rule: RuleKey): boolean {
    return this.#stored.has(keyOf(rule))
  }

  /** @throws what the store threw, or that it took too long; without a store it does nothing */
  async put (rule: StoredRule): Promise<void> {
    const { store } = this.#init
    if (store == null) return

    await this.#change(rule, async () => {
      await store.put(rule)
      this.#stored.add(keyOf(rule))
    })
  }

  async delete (rule: RuleKey): Promise<void> {
    const { store } = this.#init
    if (store == null) return

    await this.#change(rule, async () => {
      await store.delete(rule)
      this.#stored.delete(keyOf(rule))
    })
  }

  /** For what nobody waits for. */
  inBackground (change: Promise<void>): void {
    change.catch(error => { this.#init.log.error('could not store a ban - %e', error) })
  }

  async #change (rule: RuleKey, make: () => Promise<void>): Promise<void> {
    const key = keyOf(rule)
    const before = this.#changes.get(key) ?? Promise.resolve()
    const change = before.then(make, make)

    this.#changes.set(key, change)
    change.catch(() => {}).finally(() => {
      if (this.#changes.get(key) === change) this.#changes.delete(key)
    })

    await withDeadline(change, this.#init.timeout(), this.#init.clock)
  }

  async #load (): Promise<void> {
    const { store, timeout, clock, log } = this.#init

    // It may come late: what it then says is in force from then on.
    const loading = store!.load((key, error) => { log.error('could not read the stored rule %s, it is skipped - %e', key, error) }).then(rules => {
      for (const rule of rules) this.#applyStored(rule, clock.now())
    })

    try {
      await withDeadline(loading, timeout(), clock)
    } catch (error) {
      loading.catch(() => {})
      log.error('could not load stored blocks and bans - %e', error)
    } finally {
      this.#isLoaded = true
    }
  }

  #applyStored (rule: StoredRule, now: number): void {
    if (rule.until != null && rule.until <= now) {
      this.inBackground(this.delete(rule))
      return
    }

    this.#stored.add(keyOf(rule))

    try {
      this.#init.apply(rule)
    } catch (error) {
      this.#init.log.error('could not use the stored rule %s, it is skipped - %e', keyOf(rule), error)
    }
  }
}

function keyOf ({ list, kind, value }: RuleKey): string {
  return `${list}/${kind}/${value}`
}
