import { withDeadline } from '../clock/deadline.ts'
import { QuietLog } from './quiet-log.ts'
import type { RuleStore, StoredRule } from './rule-store.ts'
import type { Clock } from '../clock/clock.ts'
import type { Logger } from '@libp2p/interface'

/** What has ended is looked for once in that many ms, at most: all rules are looked at. */
const TIDY = 60_000

export type RuleKey = Pick<StoredRule, 'list' | 'kind' | 'value'>

/** How long, and why. */
export type RuleTerms = Pick<StoredRule, 'until' | 'reason'>

export interface PersistenceInit {
  readonly store: RuleStore | undefined
  readonly timeout: () => number
  readonly clock: Clock
  readonly log: Logger

  /** Puts stored rules in force. */
  readonly apply: (rules: readonly StoredRule[], onUnusable: (rule: StoredRule, error: unknown) => void) => void
}

/**
 * Keeps rules in a store, without letting it decide anything: what is in force is so before it is stored, a store that fails or hangs fails
 * the call and nothing else. Changes of one rule reach the store in their order; what has ended leaves it in the background, when the store is
 * used anyway: without a timer a gater that nobody uses any more leaves alone what may be closed, or another gater's, by now.
 */
export class Persistence {
  readonly #init: PersistenceInit

  /** Of the store, which strangers make us ask: each ban is stored. */
  readonly #failures: QuietLog

  /** What is in the store. */
  readonly #stored = new Map<string, StoredRule>()

  /** What the store was last given of a rule, and had not done when its time was over. */
  readonly #late = new Map<string, Promise<void>>()

  /** When the last change under way of each rule is over. */
  readonly #turns = new Map<string, Promise<void>>()

  /** What was lifted while the store was still being read, past its time: it may yet say that it is there. */
  readonly #lifted = new Set<string>()
  /** The same of what nobody knows by name, until the store has been read, be it by a later start. */
  #liftedAlike: Array<(rule: RuleKey) => boolean> = []
  #reading: 'to come' | 'under way' | 'done'
  #isTidying = false
  #tidied = -Infinity
  #loading: Promise<void> | undefined
  #isLoaded: boolean

  constructor (init: PersistenceInit) {
    this.#init = init
    this.#failures = new QuietLog((format, ...args) => { init.log.error(format, ...args) })
    this.#isLoaded = init.store == null
    this.#reading = init.store == null ? 'done' : 'to come'
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

  /** The same, and again where the store failed: whoever asked before the node started may have found it not open yet. */
  async loadAtStart (): Promise<void> {
    if (this.#reading === 'to come') {
      this.#isLoaded = false
      this.#loading = undefined
    }
    await this.load()
  }

  /** What is in the store, in force or not. */
  get stored (): StoredRule[] {
    return [...this.#stored.values()]
  }

  /** Whether the store holds it until then. */
  isStored (rule: RuleKey, until = Infinity): boolean {
    const stored = this.#stored.get(keyOf(rule))
    return stored != null && (stored.until ?? Infinity) >= until
  }

  /**
   * Never shortens what is stored: what is in force ends at the later of both ends, too.
   *
   * @param inForce - asked when its turn has come: what the store is to say of the rule, if there is anything to say
   * @throws what the store threw, or that it took too long; without a store it does nothing
   */
  async put (key: RuleKey, inForce: () => RuleTerms | undefined): Promise<void> {
    const { store } = this.#init
    if (store == null) return

    await this.#inTurn(key, async () => {
      const terms = inForce()
      if (terms == null || this.isStored(key, terms.until)) return

      await this.#store({ ...key, ...terms })
      this.#tidy()
    })
  }

  /** @param lift - called once the rule has left the store, at once without one @returns what that returns @throws as `put` does, and then nothing is lifted */
  async delete<T> (rule: RuleKey, lift: () => T): Promise<T> {
    const { store } = this.#init
    if (store == null) return lift()

    return this.#inTurn(rule, async () => {
      await this.#takeOut(rule)
      if (this.#reading === 'under way') this.#lifted.add(keyOf(rule))
      this.#tidy()
      return lift()
    })
  }

  /** Of what could not be read yet nothing comes into force that is like this: it leaves the store instead. */
  liftUnread (isAlike: (rule: RuleKey) => boolean): void {
    if (this.#reading !== 'done') this.#liftedAlike.push(isAlike)
  }

  /** For what nobody waits for. */
  inBackground (change: Promise<unknown>): void {
    change.catch(error => { this.#failures.write(this.#init.clock.now(), () => 'could not store a rule, or take one out', error) })
  }

  /**
   * One after the other for each rule, as they were called, and none before stored rules are in force. Each has its own time: one that hangs
   * holds up the next for as long, and not for ever.
   */
  async #inTurn<T> (rule: RuleKey, change: () => Promise<T>): Promise<T> {
    const key = keyOf(rule)
    const turn = (this.#turns.get(key) ?? this.load()).then(change)
    const over = turn.then(() => {}, () => {})

    this.#turns.set(key, over)
    over.then(() => { if (this.#turns.get(key) === over) this.#turns.delete(key) })
    return turn
  }

  async #inTime<T> (promise: Promise<T>): Promise<T> {
    return withDeadline(promise, this.#init.timeout(), this.#init.clock)
  }

  async #load (): Promise<void> {
    const { store, log } = this.#init

    // It may come late: what it then says is in force from then on.
    this.#reading = 'under way'
    const loading = store!.load((key, error) => { log.error('could not read the stored rule %s, it is skipped - %e', key, error) }).then(rules => {
      this.#applyStored(rules.filter(rule => !this.#wasLifted(rule)))
      this.#reading = 'done'
      this.#liftedAlike = []
      this.#tidy()
    }).finally(() => {
      if (this.#reading === 'under way') this.#reading = 'to come'
      this.#lifted.clear()
    })

    try {
      await this.#inTime(loading)
    } catch (error) {
      loading.catch(() => {})
      log.error('could not load stored blocks and bans - %e', error)
    } finally {
      this.#isLoaded = true
    }
  }

  #wasLifted (rule: StoredRule): boolean {
    if (this.#lifted.has(keyOf(rule))) return true
    if (!this.#liftedAlike.some(isAlike => isAlike(rule))) return false

    this.inBackground(this.#inTurn(rule, async () => {
      // It may have been set again since.
      if (!this.#stored.has(keyOf(rule))) await this.#takeOut(rule)
    }))
    return true
  }

  #applyStored (rules: readonly StoredRule[]): void {
    const { clock, log, apply } = this.#init
    const now = clock.now()

    for (const rule of rules) {
      // A shorter one may have been stored over it since it was read, and be on its way out by now.
      if (this.#stored.has(keyOf(rule))) this.inBackground(this.put(rule, () => this.#stored.has(keyOf(rule)) ? rule : undefined))
      else this.#stored.set(keyOf(rule), rule)
    }

    apply(rules.filter(({ until }) => until == null || until > now), (rule, error) => {
      log.error('could not use the stored rule %s, it is skipped - %e', keyOf(rule), error)
    })
  }

  #tidy (): void {
    const { clock } = this.#init
    // A clock that jumped back puts nothing off.
    if (this.#isTidying || Math.abs(clock.now() - this.#tidied) < TIDY) return

    this.#isTidying = true
    this.#takeOutEnded().finally(() => {
      this.#isTidying = false
      this.#tidied = clock.now()
    })
  }

  /** One after the other: nobody waits for it. What fails holds up no other, and is tried again the next time. */
  async #takeOutEnded (): Promise<void> {
    const { clock, log } = this.#init
    const isOver = (rule: StoredRule | undefined): boolean => rule?.until != null && rule.until <= clock.now()
    const failures: unknown[] = []

    for (const rule of this.stored.filter(isOver)) {
      try {
        await this.#inTurn(rule, async () => {
          // It may have been made longer, or lifted, meanwhile.
          if (isOver(this.#stored.get(keyOf(rule)))) await this.#takeOut(rule)
        })
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) log.error('could not take %d rules that have ended out of the store - %e', failures.length, failures[0])
  }

  async #store ({ list, kind, value, until, reason }: StoredRule): Promise<void> {
    const rule = { list, kind, value, ...until != null && { until }, ...reason != null && { reason } }
    await this.#write(rule, this.#init.store!.put(rule), () => { this.#stored.set(keyOf(rule), rule) })
  }

  async #takeOut (rule: RuleKey): Promise<void> {
    await this.#write(rule, this.#init.store!.delete(rule))
    this.#stored.delete(keyOf(rule))
  }

  /** @param note - that it is stored, in time or late; without it a rule is taken out, and what is late shall not have been */
  async #write (rule: RuleKey, write: Promise<void>, note?: () => void): Promise<void> {
    const key = keyOf(rule)

    try {
      await this.#inTime(write)
      this.#late.delete(key)
      note?.()
    } catch (error) {
      this.#late.set(key, write)
      write.then(
        () => { this.inBackground(this.#inTurn(rule, async () => this.#amend(rule, write, note))) },
        () => { if (this.#late.get(key) === write) this.#late.delete(key) }
      )
      throw error
    }
  }

  /** What the store did late may undo what it has done since, or what was told to who called: it is given once more what holds. */
  async #amend (rule: RuleKey, write: Promise<void>, note: (() => void) | undefined): Promise<void> {
    const key = keyOf(rule)
    const isLast = this.#late.get(key) === write
    const stored = this.#stored.get(key)

    if (isLast) this.#late.delete(key)
    if (isLast && note != null) note()
    else if (stored != null) await this.#store(stored)
    else if (!isLast) await this.#takeOut(rule)
  }
}

function keyOf ({ list, kind, value }: RuleKey): string {
  return `${list}/${kind}/${value}`
}
