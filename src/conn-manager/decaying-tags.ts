import { DecayingTagError, InvalidTagError } from './errors.ts'
import { checkPeriod } from './limits.ts'
import { checkFunction, checkPeer, checkTag } from './tag-rules.ts'
import { checkNames } from '../limiter/options.ts'
import { quoted } from '../limiter/quoted.ts'
import { answered } from './user-answer.ts'
import type { DecayingTagInit } from './decay-contract.ts'
import type { DecayingValue } from './decay.ts'
import type { Logger, PeerId } from '@libp2p/interface'

/**
 * After a long sleep of the machine every missed interval is applied, up to this many: with the shortest useful intervals that is
 * hours, and no value worth keeping decays slower.
 */
const MAX_MISSED_INTERVALS = 10_000

const INIT: Readonly<Record<keyof DecayingTagInit, true>> = { interval: true, decay: true, bump: true }

export interface DecayingTagsInit {
  /** The grid of ticks, in ms. */
  readonly resolution: number

  /** Epoch ms of the grid's origin. */
  readonly origin: number
  readonly log: Logger

  /** A tag of this peer came (1), went (-1) or changed (0), and its value moved by `delta`. */
  readonly onChange: (peer: string, tags: -1 | 0 | 1, delta: number) => void
}

interface Registered {
  readonly name: string
  readonly interval: number
  readonly init: DecayingTagInit
  readonly values: Map<string, Value>

  /** Epoch ms from which a tick decays this tag. */
  due: number
  closed: boolean
}

interface Value {
  readonly peer: PeerId
  readonly added: number
  lastBump: number
  value: number
}

/**
 * Tags whose value falls with time. A tag decays at the first tick of the grid at or after each of its intervals. It has no timer:
 * the manager asks `nextTick` and calls `tick`.
 */
export class DecayingTags {
  readonly #init: DecayingTagsInit
  readonly #tags = new Map<string, Registered>()

  constructor (init: DecayingTagsInit) {
    this.#init = init
  }

  register (name: string, init: DecayingTagInit, now: number): Registered {
    checkTag('register the decaying tag', name)
    checkNames('init', init, INIT)
    checkFunction('register the decaying tag', name, 'decay', init.decay)
    checkFunction('register the decaying tag', name, 'bump', init.bump)
    checkPeriod(`the interval of the decaying tag ${JSON.stringify(name)}`, init.interval, 'above-zero')

    if (this.#tags.has(name)) {
      throw new DecayingTagError(`Could not register the decaying tag ${JSON.stringify(name)}: it is registered already, close it first`, 'ERR_DECAYING_TAG_EXISTS')
    }

    const interval = Math.max(init.interval, this.#init.resolution)
    const tag: Registered = { name, interval, init, values: new Map(), due: this.#gridBefore(now) + interval, closed: false }
    this.#tags.set(name, tag)
    return tag
  }

  bump (tag: Registered, peer: PeerId, delta: number, now: number): void {
    this.#mustBeOpen(tag, 'bump')
    if (!Number.isFinite(delta)) throw new InvalidTagError(`Could not bump the decaying tag ${JSON.stringify(tag.name)}: the delta must be a finite number, received ${String(delta)}`)

    const id = checkPeer(peer)

    // what ended before this bump comes before it, also when the tick is late; nobody pays for intervals before the first bump
    this.#decayUntil(tag, now)

    const fresh: Value = { peer, added: now, lastBump: now, value: 0 }
    const bumped = this.#bumped(tag, tag.values.get(id) ?? fresh, delta)
    if (bumped == null) return

    // the user's function may have closed the tag, and bumped or removed it
    this.#mustBeOpen(tag, 'bump')
    const known = tag.values.get(id)
    const value = known ?? fresh
    const moved = bumped - value.value
    value.value = bumped
    value.lastBump = now
    tag.values.set(id, value)
    this.#init.onChange(id, known == null ? 1 : 0, moved)
  }

  remove (tag: Registered, peer: PeerId): boolean {
    this.#mustBeOpen(tag, 'remove')

    return this.#removeValue(tag, peer.toString())
  }

  close (tag: Registered): void {
    if (tag.closed) return

    tag.closed = true
    this.#tags.delete(tag.name)
    for (const id of [...tag.values.keys()]) this.#removeValue(tag, id)
  }

  /** The ledger has no place for this peer any more, and has forgotten what its tags were worth. */
  forget (id: string): void {
    for (const tag of this.#tags.values()) tag.values.delete(id)
  }

  forEachOf (id: string, visit: (tag: string, value: number) => void): void {
    for (const tag of this.#tags.values()) {
      const known = tag.values.get(id)
      if (known != null) visit(tag.name, known.value)
    }
  }

  /** Epoch ms of the next tick that has something to do; Infinity while nobody has a decaying tag. */
  nextTick (now: number): number {
    let next = Infinity

    for (const tag of this.#tags.values()) {
      this.#notTooLate(tag, now)
      if (tag.values.size > 0) next = Math.min(next, this.#gridFrom(tag.due))
    }

    return next
  }

  /** Applies every interval that ended at or before the last tick of the grid. */
  tick (now: number): void {
    for (const tag of this.#tags.values()) this.#decayUntil(tag, now)
  }

  #decayUntil (tag: Registered, now: number): void {
    this.#notTooLate(tag, now)
    const missed = Math.floor((this.#gridBefore(now) - tag.due) / tag.interval) + 1
    if (missed < 1) return

    const first = tag.due
    tag.due += missed * tag.interval

    for (let i = 0; i < Math.min(missed, MAX_MISSED_INTERVALS) && tag.values.size > 0; i++) {
      this.#decayAll(tag, this.#gridFrom(first + i * tag.interval))
    }
  }

  #decayAll (tag: Registered, now: number): void {
    for (const [id, value] of tag.values) {
      // of a bump before the clock was set back
      value.lastBump = Math.min(value.lastBump, now)
      const decayed = this.#decayed(tag, value, now)
      // the user's function may have removed it
      if (decayed == null || tag.values.get(id) !== value) continue

      if (decayed.remove) {
        this.#removeValue(tag, id)
      } else if (decayed.after !== value.value) {
        const moved = decayed.after - value.value
        value.value = decayed.after
        this.#init.onChange(id, 0, moved)
      }
    }
  }

  #removeValue (tag: Registered, id: string): boolean {
    const known = tag.values.get(id)
    if (known == null) return false

    tag.values.delete(id)
    this.#init.onChange(id, -1, -known.value)
    return true
  }

  /** @returns undefined when the user's function threw */
  #bumped (tag: Registered, value: Value, delta: number): number | undefined {
    let bumped: number

    try {
      bumped = floored(tag.init.bump(copyOf(tag, value), delta))
    } catch (error) {
      this.#init.log.error('bump function of decaying tag %s failed, its value stays - %e', tag.name, error)
      return undefined
    }

    if (!Number.isSafeInteger(bumped)) {
      throw new InvalidTagError(`Could not bump the decaying tag ${JSON.stringify(tag.name)}: the new value must be a safe integer, received ${quoted(bumped)}`)
    }

    return bumped
  }

  /** @returns undefined when the user's function threw or returned no number */
  #decayed (tag: Registered, value: Value, now: number): { after: number, remove: boolean } | undefined {
    try {
      const decayed = answered(tag.init.decay(copyOf(tag, value), now))
      const { remove } = decayed
      const after = floored(decayed.after)
      if (remove || Number.isSafeInteger(after)) return { after, remove }

      throw new InvalidTagError(`Could not decay the tag ${JSON.stringify(tag.name)}: the new value must be a safe integer, received ${quoted(after)}`)
    } catch (error) {
      this.#init.log.error('decay function of decaying tag %s failed, its value stays - %e', tag.name, error)
      return undefined
    }
  }

  /**
   * The next interval of a tag ends at most one interval after the next tick, unless the clock was set back: then it begins anew. After the next and not
   * the last one, or a step back over a tick would decay everybody twice.
   */
  #notTooLate (tag: Registered, now: number): void {
    tag.due = Math.min(tag.due, this.#gridFrom(now) + tag.interval)
  }

  #mustBeOpen (tag: Registered, action: string): void {
    if (tag.closed) throw new DecayingTagError(`Could not ${action} the decaying tag ${JSON.stringify(tag.name)}: it is closed`, 'ERR_DECAYING_TAG_CLOSED')
  }

  #gridBefore (time: number): number {
    return this.#init.origin + Math.floor((time - this.#init.origin) / this.#init.resolution) * this.#init.resolution
  }

  #gridFrom (time: number): number {
    return this.#init.origin + Math.ceil((time - this.#init.origin) / this.#init.resolution) * this.#init.resolution
  }
}

/** What is no number stays what it is, for the error: `Math.floor` would take null for 0 and '7' for 7. */
function floored (value: number): number {
  const answer = answered(value)
  return typeof answer === 'number' ? Math.floor(answer) : answer
}

function copyOf (tag: Registered, { peer, added, lastBump, value }: Value): DecayingValue {
  return { tag: tag.name, peer, added, lastBump, value }
}
