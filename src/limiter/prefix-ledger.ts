import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { prefixCounts } from './count-ledger.ts'
import type { Ip } from '../address/ip.ts'
import type { CountLedger } from './count-ledger.ts'

/** The coarser key of a client that finds no place in a full ledger, and how many clients' worth it may have. */
export const OVERFLOW_LENGTH = { 4: 24, 6: 48 } as const
export const OVERFLOW_FACTOR = 8

/** Prefix length → how many at most. */
export type LevelLimits = ReadonlyMap<number, number>

export interface PrefixLedgerInit {
  readonly ipv4: LevelLimits
  readonly ipv6: LevelLimits

  /** Of each level. */
  readonly capacity: number

  /** What all together may have that find no place even by the coarser key. */
  readonly sharedLimit: number
}

/** Why nothing more may be taken. */
export interface PrefixShortage {
  readonly length: number
  readonly limit: number
  /** The client has no place of its own, and its coarser key has reached its limit. `length` is 0 for the shared one. */
  readonly overflow: boolean
}

/** What one connection holds: a slot of the family's only level, or those of all of its levels and the overflow's. */
export type PrefixPlaces = number | readonly number[]

const SHARED = -2

interface Level {
  readonly length: number
  readonly limit: number
  readonly counts: CountLedger<Ip>
  /** Whether who finds no place in it is counted by a coarser key: not where it limits nobody and is no client's. */
  readonly isNeeded: boolean
}

interface Family {
  readonly levels: readonly Level[] // longest prefix first
  readonly client: CountLedger<Ip>
  /** Which of the levels that is. */
  readonly clientAt: number
  readonly overflow: Level
}

/**
 * Counts by prefix at every level of both families: all levels are asked, then all are taken from. The level of a client key (IPv4 /32, IPv6
 * /56) is counted even where no limit names it.
 */
export class PrefixLedger {
  readonly #families: Record<4 | 6, Family>
  #shared = 0
  readonly #sharedLimit: number

  constructor ({ ipv4, ipv6, capacity, sharedLimit }: PrefixLedgerInit) {
    this.#families = { 4: family(4, ipv4, capacity), 6: family(6, ipv6, capacity) }
    this.#sharedLimit = sharedLimit
  }

  /** @returns undefined when one more may be taken */
  check (ip: Ip): PrefixShortage | undefined {
    const { levels, overflow } = this.#families[ip.family]
    let placeless = false

    for (const { length, limit, counts, isNeeded } of levels) {
      const count = counts.countOrNoPlace(ip)
      if (count === -1 && isNeeded) placeless = true
      if (Math.max(count, 0) >= limit) return { length, limit, overflow: false }
    }

    return placeless ? this.#checkOverflow(overflow, ip) : undefined
  }

  /** Takes at every level, whatever the limits say. */
  take (ip: Ip): PrefixPlaces {
    const { levels, overflow } = this.#families[ip.family]
    const first = levels[0]!.counts.take(ip)
    if (levels.length === 1 && first !== -1) return first

    const places = [first]
    let placeless = first === -1 && levels[0]!.isNeeded

    for (let at = 1; at < levels.length; at++) {
      const { counts, isNeeded } = levels[at]!
      const place = counts.take(ip)
      if (place === -1 && isNeeded) placeless = true
      places.push(place)
    }

    if (placeless) places.push(this.#takeOverflow(overflow, ip))
    return places
  }

  release (ip: Ip, places: PrefixPlaces): void {
    const { levels, overflow } = this.#families[ip.family]

    if (typeof places === 'number') {
      levels[0]!.counts.release(places)
      return
    }

    for (let at = 0; at < places.length; at++) {
      const place = places[at]!
      if (place === SHARED) this.#shared--
      else if (place !== -1) (at < levels.length ? levels[at]! : overflow).counts.release(place)
    }
  }

  /** What the client of the address has; those in overflow are not in it. */
  count (ip: Ip): number {
    return this.#families[ip.family].client.count(ip)
  }

  /** Whether a prefix of a level has anything. */
  isLive (ip: Ip, length: number): boolean {
    return this.#families[ip.family].levels.some(level => level.length === length && level.counts.count(ip) > 0)
  }

  /** Whether its client has no place of its own, so that `count` does not know of it. */
  isUncounted (ip: Ip, places: PrefixPlaces): boolean {
    return typeof places !== 'number' && places[this.#families[ip.family].clientAt] === -1
  }

  /** Every prefix that has anything, at every level. */
  snapshot (): Record<string, number> {
    const all: Record<string, number> = {}

    for (const { levels } of [this.#families[4], this.#families[6]]) {
      for (const { length, counts } of levels) {
        counts.forEach((ip, count) => { all[formatPrefix(ip, length)] = count })
      }
    }

    return all
  }

  #checkOverflow ({ length, limit, counts }: Level, ip: Ip): PrefixShortage | undefined {
    const count = counts.countOrNoPlace(ip)

    if (count !== -1) return count < limit ? undefined : { length, limit, overflow: true }
    return this.#shared < this.#sharedLimit ? undefined : { length: 0, limit: this.#sharedLimit, overflow: true }
  }

  #takeOverflow ({ counts }: Level, ip: Ip): number {
    const place = counts.take(ip)
    if (place !== -1) return place

    this.#shared++
    return SHARED
  }
}

function family (of: 4 | 6, limits: LevelLimits, capacity: number): Family {
  const clientLength = CLIENT_PREFIX_LENGTH[of]
  const lengths = [...new Set([clientLength, ...limits.keys()])].sort((a, b) => b - a)
  const level = (length: number, limit: number): Level => ({
    length, limit, counts: prefixCounts({ family: of, length, capacity }), isNeeded: limit < Infinity || length === clientLength
  })
  const levels = lengths.map(length => level(length, limits.get(length) ?? Infinity))

  return {
    levels,
    client: levels[lengths.indexOf(clientLength)]!.counts,
    clientAt: lengths.indexOf(clientLength),
    overflow: level(OVERFLOW_LENGTH[of], overflowLimit(of, limits))
  }
}

/** Eight clients' worth, by the longest limited prefix where the client's own is not limited; and never more than the coarser key itself may have. */
function overflowLimit (of: 4 | 6, limits: LevelLimits): number {
  const limited = [...limits].filter(([, limit]) => limit < Infinity).sort(([a], [b]) => b - a)
  const own = limited.find(([length]) => length === CLIENT_PREFIX_LENGTH[of]) ?? limited.find(([length]) => length > OVERFLOW_LENGTH[of])
  const wider = limited.filter(([length]) => length <= OVERFLOW_LENGTH[of]).map(([, limit]) => limit)

  return Math.min(OVERFLOW_FACTOR * (own?.[1] ?? Infinity), ...wider)
}
