import type { RateSteps } from './rate-strategies/steps.ts'
import type { Rate } from './rate.ts'

/** What a key has left, for response fields such as `RateLimit`. */
export interface Quota {
  readonly limit: number

  readonly remaining: number

  /** Milliseconds until the whole limit is free again; 0 when it is. */
  readonly resetAfter: number

  /** Milliseconds: the rate's. */
  readonly window: number
}

/** Of a key that was never seen. */
export function wholeQuota ({ limit, window }: Rate): Quota {
  return { limit, remaining: limit, resetAfter: 0, window }
}

/** Of the key whose numbers begin at `at`. */
export function quotaAt (steps: RateSteps, cells: Float64Array, at: number, now: number): Quota {
  const { limit, window } = steps.rate
  return { limit, remaining: limit - steps.used(cells, at, now), resetAfter: steps.settles(cells, at, now), window }
}

/** Of two quotas that may be short the first, with the wait for both: who came back earlier would be refused by the other. */
export function waitForBoth<Shortage extends { readonly wait: number }> (first: Shortage | undefined, second: Shortage | undefined): Shortage | undefined {
  if (first == null || second == null) return first ?? second
  return first.wait >= second.wait ? first : { ...first, wait: second.wait }
}
