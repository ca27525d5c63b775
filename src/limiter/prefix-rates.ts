import { waitForBoth } from './quota.ts'
import { NO_PLACE, prefixRateLedger } from './rate-ledger.ts'
import { scaleRate } from './rate.ts'
import { OVERFLOW_FACTOR, OVERFLOW_LENGTH } from './prefix-ledger.ts'
import { SHARED_RATE_FACTOR } from './rate-limiter.ts'
import type { Ip } from '../address/ip.ts'
import type { Quota } from './quota.ts'
import type { RateLedger } from './rate-ledger.ts'
import type { Rate } from './rate.ts'

/** Prefix length → how often. */
export type LevelRates = ReadonlyMap<number, Rate>

export interface FamilyRates {
  readonly ipv4: LevelRates
  readonly ipv6: LevelRates
}

export interface PrefixRatesInit extends FamilyRates {
  /** Of each level. */
  readonly capacity: number

  /** Whether the prefix has live connections, a score or a ban, so that its entry must stay. */
  readonly pinned?: (ip: Ip, length: number, now: number) => boolean
}

export interface RateShortage {
  /** 0 for the one bucket that all share who find no place. */
  readonly length: number
  readonly limit: number
  readonly wait: number
  readonly overflow: boolean
}

interface Level {
  readonly length: number
  readonly ledger: RateLedger<Ip>
}

interface Family {
  readonly levels: readonly Level[] // longest prefix first: the specific refuses before the general
  readonly overflow: Level | undefined
  readonly shared: Level | undefined
}

/**
 * How often each prefix may come, at every level of both families: all levels are asked, then all are taken from, so that one abuser cannot
 * drain the quota of its neighbourhood with what is refused.
 */
export class PrefixRates {
  readonly #init: PrefixRatesInit
  #families: Record<4 | 6, Family>

  constructor (init: PrefixRatesInit) {
    this.#init = init
    this.#families = { 4: family(4, init.ipv4, init), 6: family(6, init.ipv6, init) }
  }

  /** @returns undefined when one more may be taken */
  check (ip: Ip, now: number): RateShortage | undefined {
    const family = this.#families[ip.family]
    let placeless = false
    let short: RateShortage | undefined

    for (const { length, ledger } of family.levels) {
      const wait = ledger.wait(ip, now)
      if (wait === NO_PLACE) placeless = true
      else if (wait > 0) short = waitForBoth(short, { length, limit: ledger.rate.limit, wait, overflow: false })
    }

    return placeless ? waitForBoth(short, overflowShortage(family, ip, now)) : short
  }

  /** Takes at every level that has something left. */
  take (ip: Ip, now: number): void {
    const { levels, overflow, shared } = this.#families[ip.family]
    let placeless = false

    for (const { ledger } of levels) {
      if (ledger.take(ip, now) === NO_PLACE) placeless = true
    }

    if (placeless && (overflow?.ledger.take(ip, now) ?? NO_PLACE) === NO_PLACE) shared?.ledger.take(ip, now)
  }

  /** What the address's own prefix has left, the longest there is; undefined where no level is limited. */
  quota (ip: Ip, now: number): Quota | undefined {
    return this.#families[ip.family].levels[0]?.ledger.quota(ip, now)
  }

  /** What is used of a level that stays, stays used. */
  setRates ({ ipv4, ipv6 }: FamilyRates, now: number): void {
    const { 4: old4, 6: old6 } = this.#families

    this.#families = {
      4: converted(family(4, ipv4, this.#init), old4, now),
      6: converted(family(6, ipv6, this.#init), old6, now)
    }
  }

  /** Entries of all levels. */
  get size (): number {
    return [...this.#families[4].levels, ...this.#families[6].levels].reduce((sum, { ledger }) => sum + ledger.size, 0)
  }
}

function overflowShortage ({ overflow, shared }: Family, ip: Ip, now: number): RateShortage | undefined {
  const wait = overflow?.ledger.wait(ip, now) ?? NO_PLACE
  if (wait !== NO_PLACE) return shortage(overflow, wait)

  return shortage(shared, shared?.ledger.wait(ip, now) ?? 0)
}

function shortage (level: Level | undefined, wait: number): RateShortage | undefined {
  return level == null || wait === 0 ? undefined : { length: level.length, limit: level.ledger.rate.limit, wait, overflow: true }
}

function family (of: 4 | 6, rates: LevelRates, { capacity, pinned }: PrefixRatesInit): Family {
  const level = (length: number, rate: Rate, room = capacity): Level => ({
    length,
    ledger: prefixRateLedger(rate, { family: of, length, capacity: room }, pinned == null ? undefined : (ip, now) => pinned(ip, length, now))
  })

  const lengths = [...rates.keys()].sort((a, b) => b - a)
  const first = rates.get(lengths[0] ?? 0)

  return {
    levels: lengths.map(length => level(length, rates.get(length)!)),
    overflow: first == null ? undefined : level(OVERFLOW_LENGTH[of], overflowRate(of, lengths, rates)),
    // Of length 0, so that all addresses are one.
    shared: first == null ? undefined : level(0, scaleRate(first, SHARED_RATE_FACTOR), 1)
  }
}

/** Its own where that is given, or a wider prefix's where no longer one has a rate; else eight clients' worth. */
function overflowRate (of: 4 | 6, lengths: readonly number[], rates: LevelRates): Rate {
  const own = rates.get(OVERFLOW_LENGTH[of])
  const first = rates.get(lengths[0]!)!

  return own ?? (lengths[0]! > OVERFLOW_LENGTH[of] ? scaleRate(first, OVERFLOW_FACTOR) : first)
}

/** The new family with the old one's ledgers where it has the same level. */
function converted (to: Family, from: Family, now: number): Family {
  const kept = (level: Level, old: Level | undefined): Level => {
    if (old == null) return level
    old.ledger.setRate(level.ledger.rate, now)
    return old
  }

  return {
    levels: to.levels.map(level => kept(level, from.levels.find(({ length }) => length === level.length))),
    overflow: to.overflow == null ? undefined : kept(to.overflow, from.overflow),
    shared: to.shared == null ? undefined : kept(to.shared, from.shared)
  }
}
