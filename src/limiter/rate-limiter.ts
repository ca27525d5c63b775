import { systemClock } from '../clock/system-clock.ts'
import { ALLOWED, deny } from './denial.ts'
import { checkCapacity, checkClock, checkCost, checkNames, checkRate, mergeRate } from './options.ts'
import { NO_PLACE, textRateLedger } from './rate-ledger.ts'
import { scaleRate } from './rate.ts'
import type { Clock } from '../clock/clock.ts'
import type { Quota } from './quota.ts'
import type { RateLedger } from './rate-ledger.ts'
import type { Rate } from './rate.ts'
import type { Denied, Verdict } from './verdict.ts'

/** Every ledger keyed by something a stranger chooses. At 50 to 100 bytes a key it is 5 to 10 MB. */
export const DEFAULT_CAPACITY = 100_000

/** The one bucket of all keys that found no place: 64 clients' worth, so that a full ledger slows strangers down and locks nobody out. */
export const SHARED_RATE_FACTOR = 64

const OVERFLOW_KEY = '(overflow)'

/** Options of a rate limiter besides its rate. */
export interface RateLimiterOptions {
  /**
   * Keys that are remembered at most. At capacity, keys that have their whole quota leave first, then the one that is nearest to it, never one
   * that would be refused now; newcomers that find no place share one quota of 64 times the limit.
   *
   * @default 100_000
   */
  readonly capacity?: number

  /** @default the system's clock */
  readonly clock?: Clock
}

/** One rate for many keys, each with a quota of its own. */
export interface RateLimiter {
  /** Distinct keys that are remembered: those that are not equal to new ones, and some that are. */
  readonly size: number

  readonly rate: Rate

  /**
   * Takes `cost` from the key's quota, or nothing at all.
   *
   * Denials have the reason `rate` and the exact `retryAfter`; `cost-above-limit`, without a `retryAfter`, says that it will never be allowed;
   * `overflow-limit` that the key found no place and the quota of those is used up. Their `action` is `drop`.
   *
   * @param cost - a whole number from 0, which is always allowed to a key that is not in debt; default 1
   * @throws {@link InvalidOptionError} for any other cost
   */
  take (key: string, cost?: number): Verdict

  /** What `take` would answer, without taking. */
  peek (key: string, cost?: number): Verdict

  /** What the key has left now, without taking. */
  quota (key: string): Quota

  /** Gives the key its whole quota back. @returns whether it was remembered */
  reset (key: string): boolean

  /**
   * Changes the rate, also its strategy. What each key has used stays used, up to the new limit: nobody is freed by a change.
   *
   * @throws {@link InvalidOptionError} and nothing is changed
   */
  setRate (rate: Partial<Rate>): void
}

/**
 * Limits how often something may happen, by key. It never waits and never throws for a key; it has no timers and works in any runtime.
 *
 * A limit of `Infinity` allows all and remembers nothing; 0 allows nothing.
 *
 * @throws {@link InvalidOptionError}
 *
 * @example
 *
 * ```ts
 * import { rateLimiter } from 'libp2p-connmgr/limiter'
 *
 * const logins = rateLimiter({ strategy: 'sliding-window', limit: 5, window: 60_000 })
 * const verdict = logins.take('alice')
 *
 * if (!verdict.allow) {
 *   console.log(verdict.reason, verdict.retryAfter)
 * }
 * ```
 */
export function rateLimiter (rate: Rate, options: RateLimiterOptions = {}): RateLimiter {
  const { capacity = DEFAULT_CAPACITY, clock } = checkNames('options', options, { capacity: true, clock: true }) as RateLimiterOptions
  const checked = checkRate('rate', rate)

  return new TextRateLimiter(checked, checkCapacity('capacity', capacity), checkClock(clock ?? systemClock))
}

class TextRateLimiter implements RateLimiter {
  readonly #clock: Clock
  readonly #keys: RateLedger<string>
  readonly #overflow: RateLedger<string>
  #limit: number

  /** What was answered last: a flood asks for one key many times in a ms, and deserves no new object each time. */
  #lastDenial: Denied | undefined

  constructor (rate: Rate, capacity: number, clock: Clock) {
    this.#limit = rate.limit
    this.#clock = clock
    this.#keys = textRateLedger(rate, capacity)
    this.#overflow = textRateLedger(scaleRate(rate, SHARED_RATE_FACTOR), 1)
  }

  get size (): number {
    return this.#keys.size
  }

  get rate (): Rate {
    return this.#keys.rate
  }

  take (key: string, cost = 1): Verdict {
    if (cost !== 1) checkCost(cost)
    const now = this.#clock.now()
    const ms = this.#keys.take(key, now, cost)

    if (ms === 0) return ALLOWED
    if (ms !== NO_PLACE) return this.#denied(key, ms)
    return this.#overflowVerdict(this.#overflow.take(OVERFLOW_KEY, now, cost))
  }

  peek (key: string, cost = 1): Verdict {
    checkCost(cost)
    const now = this.#clock.now()
    const ms = this.#keys.wait(key, now, cost)

    if (ms === 0) return ALLOWED
    if (ms !== NO_PLACE) return this.#denied(key, ms)
    return this.#overflowVerdict(this.#overflow.wait(OVERFLOW_KEY, now, cost))
  }

  quota (key: string): Quota {
    return this.#keys.quota(key, this.#clock.now())
  }

  reset (key: string): boolean {
    return this.#keys.reset(key)
  }

  setRate (change: Partial<Rate>): void {
    const rate = mergeRate('rate', this.rate, change)
    const now = this.#clock.now()

    this.#limit = rate.limit
    this.#lastDenial = undefined
    this.#keys.setRate(rate, now)
    this.#overflow.setRate(scaleRate(rate, SHARED_RATE_FACTOR), now)
  }

  #denied (key: string, ms: number): Denied {
    const limit = this.#limit
    const last = this.#lastDenial

    if (ms === Infinity) return { allow: false, action: 'drop', reason: 'cost-above-limit', limit, key }
    if (last != null && last.key === key && last.retryAfter === ms) return last
    return this.#lastDenial = Object.freeze<Denied>({ allow: false, action: 'drop', reason: 'rate', limit, retryAfter: ms, key })
  }

  #overflowVerdict (ms: number): Verdict {
    if (ms === 0) return ALLOWED
    return deny({ action: 'drop', reason: 'overflow-limit', limit: this.#overflow.rate.limit, retryAfter: ms, key: OVERFLOW_KEY })
  }
}
