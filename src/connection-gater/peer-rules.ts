import { CapacityError } from '../limiter/errors.ts'
import { SteadyTime } from '../limiter/steady-time.ts'
import type { PeerId } from '@libp2p/interface'

export interface PeerRule {
  readonly peer: PeerId
  /** Epoch ms; `Infinity` has no end. */
  readonly until: number
  readonly reason: string | undefined
}

/**
 * Peers that are not let in, each with an end and a reason. Bounded; a rule never leaves before its end, and a later end wins over an earlier
 * one. That one has ended is noticed when its peer is asked about, or when its place is needed.
 */
export class PeerRules {
  readonly #capacity: number
  readonly #time = new SteadyTime()
  readonly #rules = new Map<string, PeerRule>() // `until` is steady in here
  readonly #onEnd: (rule: PeerRule) => void

  /** @param onEnd - told of each rule that has ended, when that is noticed */
  constructor (capacity: number, onEnd: (rule: PeerRule) => void = () => {}) {
    this.#capacity = capacity
    this.#onEnd = onEnd
  }

  get size (): number {
    return this.#rules.size
  }

  /** @returns whether anything changed @throws CapacityError */
  add (peer: PeerId, ms: number, now: number, reason: string | undefined): boolean {
    const text = peer.toString()
    const time = this.#time.at(now)
    const known = this.#rules.get(text)

    if (known != null && known.until > time && known.until >= time + ms) return false
    if (known != null && known.until <= time) this.#end(text, known)
    if (!this.#rules.has(text) && this.#rules.size >= this.#capacity) this.#makeRoom(text, now)

    this.#rules.set(text, { peer, until: time + ms, reason })
    return true
  }

  /** @returns whether it was there and had not ended */
  delete (peer: string, now: number): boolean {
    return this.find(peer, now) != null && this.#rules.delete(peer)
  }

  find (peer: string, now: number): PeerRule | undefined {
    if (this.#rules.size === 0) return undefined
    const rule = this.#rules.get(peer)
    if (rule == null) return undefined

    if (rule.until > this.#time.at(now)) return this.#describe(rule)
    this.#end(peer, rule)
    return undefined
  }

  list (now: number): PeerRule[] {
    this.sweep(now)
    return [...this.#rules.values()].map(rule => this.#describe(rule))
  }

  /** Forgets what has ended. @returns when the next one ends, in epoch ms; `Infinity` where none does */
  sweep (now: number): number {
    const time = this.#time.at(now)
    let next = Infinity

    for (const [text, rule] of this.#rules) {
      if (rule.until <= time) this.#end(text, rule)
      else next = Math.min(next, rule.until)
    }
    return this.#time.toClock(next)
  }

  #end (peer: string, rule: PeerRule): void {
    this.#rules.delete(peer)
    this.#onEnd(this.#describe(rule))
  }

  #makeRoom (peer: string, now: number): void {
    this.sweep(now)
    if (this.#rules.size >= this.#capacity) throw new CapacityError(`block peer ${peer}`, this.#capacity)
  }

  #describe ({ peer, until, reason }: PeerRule): PeerRule {
    return { peer, until: until === Infinity ? Infinity : this.#time.toClock(until), reason }
  }
}
