import { formatPrefix } from '../address/prefix.ts'
import { deny } from '../limiter/denial.ts'
import { NO_PLACE, prefixRateLedger } from '../limiter/rate-ledger.ts'
import type { Client } from '../address/client-key.ts'
import type { Ip } from '../address/ip.ts'
import type { RateLedger } from '../limiter/rate-ledger.ts'
import type { Rate } from '../limiter/rate.ts'
import type { Denied } from '../limiter/verdict.ts'

/** How much of a network is one neighbourhood: it may have a quarter of all tries. */
const WIDE = { 4: 24, 6: 48 } as const
const SHARE = 1 / 4

const CAPACITY = 10_000

/** All tries together are those of the one prefix that has no bits. */
const EVERYBODY: Ip = { family: 4, bits: 0 }

export interface Contest {
  /** Counts one stranger's try at a full house. @returns why not */
  mayContest (client: Client, now: number): Denied | undefined
}

/**
 * How many upgrades strangers may start while the house is full: at most `rate` together, at most a quarter of it from one IPv4 /24 or IPv6
 * /48. Both are asked, then both are taken. Who has no address, and neighbourhoods that find no place, have the common rate only.
 */
export function contest (rate: Rate): Contest {
  const share = { ...rate, limit: rate.limit === Infinity ? Infinity : Math.ceil(rate.limit * SHARE) }
  const everybody = prefixRateLedger(rate, { family: 4, length: 0, capacity: 1 })
  const neighbourhoods: Record<4 | 6, RateLedger<Ip>> = {
    4: prefixRateLedger(share, { family: 4, length: WIDE[4], capacity: CAPACITY }),
    6: prefixRateLedger(share, { family: 6, length: WIDE[6], capacity: CAPACITY })
  }

  return {
    mayContest (client, now) {
      const neighbourhood = client.kind === 'ip' ? neighbourhoods[client.ip.family] : undefined
      const ip = client.kind === 'ip' ? client.ip : EVERYBODY
      const theirs = neighbourhood?.wait(ip, now) ?? 0

      if (theirs > 0) return refuse(theirs, share.limit, formatPrefix(ip, WIDE[ip.family]))
      const ours = everybody.wait(EVERYBODY, now)
      if (ours > 0) return refuse(ours, rate.limit)

      if (theirs !== NO_PLACE) neighbourhood?.take(ip, now)
      everybody.take(EVERYBODY, now)
      return undefined
    }
  }
}

function refuse (retryAfter: number, limit: number, key?: string): Denied {
  return deny({ action: 'close', reason: 'contest-rate', limit, retryAfter, key })
}
