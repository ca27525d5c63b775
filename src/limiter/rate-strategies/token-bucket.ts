import type { Rate } from '../rate.ts'
import type { RateSteps } from './steps.ts'

const DEBT = 0
const AT = 1

/**
 * A bucket of `limit` tokens, full at first, that gets one back every `window / limit` ms: at most `limit + elapsed × limit / window` events
 * in any time. go-libp2p's "0.2 per s, burst 16" is `{ limit: 16, window: 80_000 }`.
 *
 * What is kept is the debt, the tokens that are missing, in units of which each ms gives back a whole number and each token is a whole number:
 * nothing is ever rounded, and decisions are those of exact fractions.
 */
export class TokenBucket implements RateSteps {
  readonly rate: Rate
  readonly width = 2
  readonly #limit: number
  readonly #token: number // units of a token
  readonly #perMs: number // units that come back in a ms
  readonly #full: number

  constructor (rate: Rate) {
    const { limit, window } = rate
    const divisor = limit === Infinity ? 1 : greatestCommonDivisor(limit, window)

    this.rate = rate
    this.#limit = limit
    this.#token = window / divisor
    this.#perMs = limit / divisor
    this.#full = limit * this.#token
  }

  wait (cells: Float64Array, at: number, now: number, cost: number): number {
    if (cost > this.#limit) return Infinity
    return this.#untilFree(cost * this.#token, this.#full - this.#debt(cells, at, now))
  }

  take (cells: Float64Array, at: number, now: number, cost: number): number {
    if (cost > this.#limit) return Infinity
    const debt = this.#debt(cells, at, now)
    const needed = cost * this.#token
    const free = this.#full - debt
    if (needed > free) return this.#untilFree(needed, free)

    cells[at + DEBT] = debt + needed
    cells[at + AT] = now
    return 0
  }

  used (cells: Float64Array, at: number, now: number): number {
    return Math.ceil(this.#debt(cells, at, now) / this.#token)
  }

  settles (cells: Float64Array, at: number, now: number): number {
    return this.#untilFree(this.#debt(cells, at, now), 0)
  }

  seed (cells: Float64Array, at: number, now: number, used: number): void {
    cells[at + DEBT] = Math.min(used, this.#limit) * this.#token
    cells[at + AT] = now
  }

  clear (cells: Float64Array, at: number): void {
    cells[at + DEBT] = 0
  }

  /** Compared with what is free: the sum of a cost and a debt may be beyond 2^53. At a limit of 0 nothing comes back, and nothing is missing. */
  #untilFree (needed: number, free: number): number {
    return needed > free ? Math.ceil((needed - free) / this.#perMs) : 0
  }

  #debt (cells: Float64Array, at: number, now: number): number {
    const left = cells[at + DEBT]!
    // The product may be beyond 2^53 and inexact, but only where it is far beyond any debt.
    return left === 0 ? 0 : Math.max(left - (now - cells[at + AT]!) * this.#perMs, 0)
  }
}

/** Of 0 and n it is n. */
function greatestCommonDivisor (a: number, b: number): number {
  while (a !== 0) {
    [a, b] = [b % a, a]
  }

  return b
}
