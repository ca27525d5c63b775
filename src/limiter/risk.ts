import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { BanLedger } from './ban-ledger.ts'
import { CapacityError } from './errors.ts'
import { Listeners } from './listeners.ts'
import { RiskLedger } from './risk-ledger.ts'
import type { Ip } from '../address/ip.ts'
import type { Ban } from './ban-ledger.ts'
import type { Offence, RiskConfig } from './risk-options.ts'

/** Why a ban is no more. */
export interface Unban extends Ban {
  readonly cause: 'ended' | 'lifted'
}

export interface RiskParts {
  /** Undefined scores nothing; bans can be set by hand all the same. */
  readonly config: RiskConfig | undefined
  readonly capacity: number
}

/**
 * Offences make a score, a score a ban, each ban a longer one. Only for clients with an IP address: relays, transports and coarser keys
 * stand for many, and are never banned.
 */
export class Risk {
  #config: RiskConfig | undefined
  readonly #capacity: number
  readonly #scores: RiskLedger
  readonly #bans: BanLedger
  readonly onBan = new Listeners<Ban>()
  readonly onUnban = new Listeners<Unban>()

  constructor ({ config, capacity }: RiskParts) {
    this.#config = config
    this.#capacity = capacity
    this.#scores = new RiskLedger(capacity, config?.halfLife ?? Infinity)
    this.#bans = new BanLedger(capacity, ban => { this.onUnban.emit({ ...ban, cause: 'ended' }) })
  }

  /** Scores and bans stay as they are: the new rules hold from the next offence on. Undefined scores nothing any more; scores go on fading. */
  setConfig (config: RiskConfig | undefined, now: number): void {
    if (config != null) this.#scores.setHalfLife(config.halfLife, now)
    this.#config = config
  }

  /**
   * Scores one offence; one of weight 0 is none. While a client is banned nothing is scored: what it does then is the ban's business.
   *
   * @returns the ban that it led to
   */
  offend (ip: Ip, offence: Offence, now: number): Ban | undefined {
    const config = this.#config
    const weight = config?.weights[offence] ?? 0
    if (config == null || weight === 0 || this.#bans.left(ip, now) > 0) return undefined
    if (this.#scores.add(ip, weight, now) < config.threshold) return undefined

    const length = Math.min(config.banTime * 2 ** this.#scores.bans(ip), config.maxBanTime)
    this.#scores.settleAfter(ip, length, config.threshold / 2, now)
    return this.#ban(ip, length, now, offence, true)
  }

  /**
   * @param ms - `Infinity` for ever
   * @returns whether anything changed: a ban is never shortened
   * @throws {@link CapacityError} where there is no place for one more: nobody shall think that it holds
   */
  ban (ip: Ip, ms: number, now: number, reason?: string): boolean {
    if (this.#ban(ip, ms, now, reason, false) != null) return true
    if (this.#bans.left(ip, now) > 0) return false

    const key = formatPrefix(ip, CLIENT_PREFIX_LENGTH[ip.family])
    throw new CapacityError(`ban ${key}, whose /${ip.family === 4 ? 16 : 32} may have a sixteenth of all bans`, this.#capacity)
  }

  /** Puts an automatic ban of an earlier run back in force, of which nobody is told again. */
  restore (ip: Ip, ms: number, now: number, reason?: string): boolean {
    return this.#bans.ban(ip, ms, now, reason, true) != null
  }

  /** @returns whether it was banned. Its score stays, and fades from now on */
  lift (ip: Ip, now: number): boolean {
    const ban = this.#bans.lift(ip, now)
    if (ban == null) return false

    this.#scores.resume(ip, now)
    this.onUnban.emit({ ...ban, cause: 'lifted' })
    return true
  }

  /** Milliseconds that are left of a ban; 0 without one. */
  banLeft (ip: Ip, now: number): number {
    return this.#bans.left(ip, now)
  }

  banOf (ip: Ip, now: number): Ban | undefined {
    return this.#bans.find(ip, now)
  }

  score (ip: Ip, now: number): number {
    return this.#scores.score(ip, now)
  }

  /** Whether the client has a score or a ban, so that what else is known of it must stay. Tells nobody of a ban that has ended. */
  isNoted (ip: Ip, now: number): boolean {
    return this.#scores.score(ip, now) > 0 || this.#bans.has(ip, now)
  }

  /** Clients with a score. */
  scored (now: number): number {
    return this.#scores.scored(now)
  }

  bans (now: number): Ban[] {
    return this.#bans.list(now)
  }

  /** Notices which bans have ended. @returns when the next one ends, in epoch ms; `Infinity` where none does */
  sweep (now: number): number {
    return this.#bans.sweep(now)
  }

  #ban (ip: Ip, ms: number, now: number, reason: string | undefined, automatic: boolean): Ban | undefined {
    const ban = this.#bans.ban(ip, ms, now, reason, automatic)
    if (ban != null) this.onBan.emit(ban)
    return ban
  }
}
