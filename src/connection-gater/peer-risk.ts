import { PeerRules } from './peer-rules.ts'
import { SteadyTime } from '../limiter/steady-time.ts'
import type { PeerRule } from './peer-rules.ts'
import type { Offence, RiskConfig } from '../limiter/risk-options.ts'
import type { PeerId } from '@libp2p/interface'

/** A score below it is none, as in the limiter's own ledger. */
const FORGOTTEN = 1 / 1_024

/** Entries looked at to make room for one. */
const SWEEP = 32

interface Score {
  readonly score: number
  /** Steady; the score fades from then on. */
  readonly at: number
  readonly bans: number
}

/**
 * The limiter's risk for peers, who have no address of their own: a relayed connection comes from its relay, which must not pay for it. A score
 * halves every half-life; at the threshold the peer is banned, each time for longer. Bounded; only forgotten scores leave.
 */
export class PeerRisk {
  #config: RiskConfig | undefined
  #halfLife: number
  readonly #capacity: number
  readonly #time = new SteadyTime()
  readonly #scores = new Map<string, Score>()
  readonly #bans: PeerRules

  /** @param onEnd - told of each ban that has ended, when that is noticed */
  constructor (config: RiskConfig | undefined, capacity: number, onEnd: (ban: PeerRule) => void) {
    this.#config = config
    this.#halfLife = config?.halfLife ?? Infinity
    this.#capacity = capacity
    this.#bans = new PeerRules(capacity, onEnd)
  }

  /** As the limiter's own: scores and bans stay, and scores fade at the new pace from here on. */
  setConfig (config: RiskConfig | undefined, now: number): void {
    const time = this.#time.at(now)

    if (config != null) {
      for (const [peer, score] of this.#scores) this.#scores.set(peer, { ...score, score: this.#fade(score, time), at: Math.max(score.at, time) })
      this.#halfLife = config.halfLife
    }
    this.#config = config
  }

  /** Peers with a score. */
  scored (now: number): number {
    const time = this.#time.at(now)

    return [...this.#scores.values()].filter(score => this.#fade(score, time) > 0).length
  }

  /** Scores one offence; one of weight 0 is none. @returns the ban that it led to */
  offend (peer: PeerId, offence: Offence, now: number): PeerRule | undefined {
    const config = this.#config
    const text = peer.toString()
    const weight = config?.weights[offence] ?? 0
    if (config == null || weight === 0 || this.banOf(text, now) != null) return undefined

    const time = this.#time.at(now)
    const known = this.#scores.get(text)
    const before = known == null ? 0 : this.#fade(known, time)
    const score = before + weight
    const bans = before === 0 ? 0 : known!.bans

    if (score < config.threshold) {
      this.#write(text, { score, at: time, bans }, time)
      return undefined
    }

    const length = Math.min(config.banTime * 2 ** bans, config.maxBanTime)
    this.#write(text, { score: config.threshold / 2, at: time + length, bans: bans + 1 }, time)
    return this.restore(peer, length, now, offence) ? this.#bans.find(text, now) : undefined
  }

  /** Puts a ban in force without a score. @returns whether anything changed */
  restore (peer: PeerId, ms: number, now: number, reason?: string): boolean {
    try {
      return this.#bans.add(peer, ms, now, reason)
    } catch {
      // As many are banned as may be; who is one more is refused by the other limits.
      return false
    }
  }

  banOf (peer: string, now: number): PeerRule | undefined {
    return this.#bans.find(peer, now)
  }

  /** @returns what it was */
  lift (peer: string, now: number): PeerRule | undefined {
    const ban = this.#bans.find(peer, now)
    this.#bans.delete(peer, now)

    const score = this.#scores.get(peer)
    if (score != null) this.#scores.set(peer, { ...score, at: Math.min(score.at, this.#time.at(now)) })
    return ban
  }

  bans (now: number): PeerRule[] {
    return this.#bans.list(now)
  }

  /** Notices which bans have ended. @returns when the next one ends, in epoch ms; `Infinity` where none does */
  sweep (now: number): number {
    return this.#bans.sweep(now)
  }

  #fade ({ score, at }: Score, time: number): number {
    const faded = time > at ? score * 2 ** (-(time - at) / this.#halfLife) : score
    return faded < FORGOTTEN ? 0 : faded
  }

  #write (peer: string, score: Score, time: number): void {
    if (!this.#scores.has(peer) && this.#scores.size >= this.#capacity) this.#makeRoom(time)
    // Who finds no place is not scored: a stranger's peer ids are free, what is known of others is not.
    if (!this.#scores.has(peer) && this.#scores.size >= this.#capacity) return

    this.#moveToEnd(peer, score)
  }

  /** Looks at those who were not looked at, nor written, for longest: some who offend again and again do not hide the forgotten behind them. */
  #makeRoom (time: number): void {
    let looked = 0

    for (const [peer, score] of this.#scores) {
      if (looked++ === SWEEP) break
      if (this.#fade(score, time) === 0) this.#scores.delete(peer)
      else this.#moveToEnd(peer, score)
    }
  }

  #moveToEnd (peer: string, score: Score): void {
    this.#scores.delete(peer)
    this.#scores.set(peer, score)
  }
}
