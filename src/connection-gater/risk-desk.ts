import { formatIp } from '../address/ip.ts'
import { Alarm } from '../clock/alarm.ts'
import { deny } from '../limiter/denial.ts'
import { Listeners } from '../limiter/listeners.ts'
import { Risk } from '../limiter/risk.ts'
import { PeerRisk } from './peer-risk.ts'
import type { GaterBan, GaterUnban } from './contract.ts'
import type { PeerRule } from './peer-rules.ts'
import type { Client } from '../address/client-key.ts'
import type { Ip } from '../address/ip.ts'
import type { Clock } from '../clock/clock.ts'
import type { Ban } from '../limiter/ban-ledger.ts'
import type { Offence, RiskConfig } from '../limiter/risk-options.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { PeerId } from '@libp2p/interface'

/** All bans are looked at once in that many ms, at most. */
const PAUSE = 1_000

/** Whom an offence is scored on. Relays, transports and unknown addresses stand for many, and are nobody. */
export type Offender = { readonly ip: Ip } | { readonly peer: PeerId }

/** @returns undefined for whom nothing is scored */
export function offenderOf (client: Client, peer: PeerId | undefined): Offender | undefined {
  if (client.kind === 'ip') return { ip: client.ip }
  return client.kind === 'relay' && peer != null ? { peer } : undefined
}

/** Offences, scores and automatic bans, of addresses and of relayed peers. */
export class RiskDesk {
  readonly #clock: Clock
  readonly #addresses: Risk
  readonly #peers: PeerRisk
  readonly #alarm: Alarm
  #due = Infinity
  #swept = -Infinity
  readonly onBan = new Listeners<GaterBan>()
  readonly onUnban = new Listeners<GaterUnban>()

  constructor (config: RiskConfig | undefined, capacity: number, clock: Clock) {
    this.#clock = clock
    this.#addresses = new Risk({ config, capacity })
    this.#peers = new PeerRisk(config, capacity, ban => { this.onUnban.emit({ ...this.#ofPeer(ban), cause: 'ended' }) })
    this.#alarm = new Alarm(clock, () => { this.#sweep() })
    this.#addresses.onUnban.add(({ cause, ...ban }) => { this.onUnban.emit({ ...this.#ofAddress(ban), cause }) })
  }

  setConfig (config: RiskConfig | undefined): void {
    const now = this.#clock.now()
    this.#addresses.setConfig(config, now)
    this.#peers.setConfig(config, now)
  }

  /** @returns the ban that it led to */
  offend (offender: Offender, offence: Offence): GaterBan | undefined {
    const now = this.#clock.now()
    const ban = 'ip' in offender
      ? describe(this.#addresses.offend(offender.ip, offence, now), ban => this.#ofAddress(ban))
      : describe(this.#peers.offend(offender.peer, offence, now), ban => this.#ofPeer(ban))
    if (ban == null) return undefined

    this.#watch(ban.until)
    this.onBan.emit(ban)
    return ban
  }

  banned (ip: Ip, now: number): Denied | undefined {
    const retryAfter = this.#addresses.banLeft(ip, now)

    return retryAfter === 0 ? undefined : deny({ action: 'close', reason: 'banned', retryAfter, key: this.#addresses.banOf(ip, now)?.key })
  }

  bannedPeer (peer: string, now: number): Denied | undefined {
    const ban = this.#peers.banOf(peer, now)

    return ban == null ? undefined : deny({ action: 'close', reason: 'banned', retryAfter: ban.until - now, key: peer })
  }

  /** Puts a ban of an earlier run back in force. @returns whether anything changed */
  restore (offender: Offender, until: number, reason: string | undefined): boolean {
    const now = this.#clock.now()
    const isNew = 'ip' in offender
      ? this.#addresses.restore(offender.ip, until - now, now, reason)
      : this.#peers.restore(offender.peer, until - now, now, reason)

    if (isNew) this.#watch(until)
    return isNew
  }

  /** @returns whether it was banned */
  lift (offender: Offender): boolean {
    const now = this.#clock.now()
    if ('ip' in offender) return this.#addresses.lift(offender.ip, now)

    const ban = this.#peers.lift(offender.peer.toString(), now)
    if (ban != null) this.onUnban.emit({ ...this.#ofPeer(ban), cause: 'lifted' })
    return ban != null
  }

  /** Whether what is known of an address's rate must stay. */
  isHeld (ip: Ip): boolean {
    return this.#addresses.isNoted(ip, this.#clock.now())
  }

  bans (): GaterBan[] {
    const now = this.#clock.now()

    return [...this.#addresses.bans(now).map(ban => this.#ofAddress(ban)), ...this.#peers.bans(now).map(ban => this.#ofPeer(ban))]
  }

  get scored (): number {
    const now = this.#clock.now()

    return this.#addresses.scored(now) + this.#peers.scored(now)
  }

  /** One timer for all: what ends then is said then, or, where many end one after the other, a second later. */
  #watch (until: number): void {
    const at = Math.max(until, Math.min(this.#swept, this.#clock.now()) + PAUSE)
    if (this.#alarm.at != null && this.#alarm.at <= at) return

    this.#due = at
    this.#alarm.set(at)
  }

  #sweep (): void {
    const now = this.#clock.now()

    // Timers ring some ms early: what has not ended yet is said at its end, not a pause after this.
    if (now >= this.#due) this.#swept = now
    this.#watch(Math.min(this.#addresses.sweep(now), this.#peers.sweep(now)))
  }

  #ofAddress ({ key, ip, until, reason }: Ban): GaterBan {
    return { key, ip: formatIp(ip), until, ...reason != null && { reason }, at: this.#clock.now() }
  }

  #ofPeer ({ peer, until, reason }: PeerRule): GaterBan {
    return { key: peer.toString(), peer, until, ...reason != null && { reason }, at: this.#clock.now() }
  }
}

function describe<T> (ban: T | undefined, by: (ban: T) => GaterBan): GaterBan | undefined {
  return ban == null ? undefined : by(ban)
}
