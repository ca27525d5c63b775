import { deny } from '../limiter/denial.ts'
import { rateLimiter } from '../limiter/rate-limiter.ts'
import { formatRate } from '../limiter/rate.ts'
import type { Clock } from '../clock/clock.ts'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { Quota } from '../limiter/quota.ts'
import type { RateLimiter } from '../limiter/rate-limiter.ts'
import type { Rate } from '../limiter/rate.ts'
import type { Denied } from '../limiter/verdict.ts'

/**
 * What a rate of `limitRequests` lets each HTTP/2 connection ask whose streams `limitConnections` has counted. The gate is not asked for it: it
 * would take from the client's and the path's quotas a second time.
 */
export class StreamRates {
  readonly #connections: RateLimiter
  readonly #keys = new WeakMap<object, string>()
  #made = 0

  constructor (rate: Rate, clock: Clock) {
    this.#connections = rateLimiter(rate, { clock })
  }

  take (connection: object): Denied | undefined {
    const verdict = this.#connections.take(this.#keyOf(connection))
    if (verdict.allow) return undefined

    // Without the key, which says nothing to anybody.
    return deny({ action: 'drop', reason: 'request-rate', limit: verdict.limit, retryAfter: verdict.retryAfter })
  }

  quota (connection: object): Quota {
    return this.#connections.quota(this.#keyOf(connection))
  }

  #keyOf (connection: object): string {
    const key = this.#keys.get(connection) ?? String(++this.#made)
    this.#keys.set(connection, key)
    return key
  }
}

const ratesByGate = new WeakMap<SecurityGate, Map<string, StreamRates>>()

/** Of all middlewares of a gate: as in the gate, requests of the same rate share a quota. */
export function streamRatesOf (gate: SecurityGate, rate: Rate, clock: Clock): StreamRates {
  const rates = ratesByGate.get(gate) ?? new Map<string, StreamRates>()
  const key = formatRate(rate)
  const known = rates.get(key) ?? new StreamRates(rate, clock)

  ratesByGate.set(gate, rates.set(key, known))
  return known
}
