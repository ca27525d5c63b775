import { quotaAt, wholeQuota } from './quota.ts'
import { isSameRate } from './rate.ts'
import { rateSteps } from './rate-steps.ts'
import { extend } from './word-index.ts'
import type { Quota } from './quota.ts'
import type { RateSteps } from './rate-strategies/steps.ts'
import type { Rate } from './rate.ts'

const FIRST_ROWS = 16

/** One rate over rows that the caller takes and gives back, such as connections: no keys to look up. `now` never goes back. */
export class RowRates {
  #steps: RateSteps
  #cells: Float64Array
  #rows = 0
  readonly #free: number[] = []

  constructor (rate: Rate) {
    this.#steps = rateSteps(rate)
    this.#cells = new Float64Array(FIRST_ROWS * this.#steps.width)
  }

  get rate (): Rate {
    return this.#steps.rate
  }

  add (): number {
    const row = this.#free.pop() ?? this.#rows++
    const needed = (row + 1) * this.#steps.width

    if (needed > this.#cells.length) this.#cells = extend(this.#cells, needed * 2, Float64Array)
    return row
  }

  remove (row: number): void {
    this.#steps.clear(this.#cells, row * this.#steps.width)
    this.#free.push(row)
  }

  wait (row: number, now: number): number {
    return this.rate.limit === Infinity ? 0 : this.#steps.wait(this.#cells, row * this.#steps.width, now, 1)
  }

  take (row: number, now: number): number {
    return this.rate.limit === Infinity ? 0 : this.#steps.take(this.#cells, row * this.#steps.width, now, 1)
  }

  quota (row: number, now: number): Quota {
    return this.rate.limit === Infinity ? wholeQuota(this.rate) : quotaAt(this.#steps, this.#cells, row * this.#steps.width, now)
  }

  /** What each row has used stays used, up to the new limit. */
  setRate (rate: Rate, now: number): void {
    const from = this.#steps
    const cells = this.#cells
    // as in `rate-ledger.ts`: a rate that is converted to itself rounds up
    if (isSameRate(rate, from.rate)) return

    this.#steps = rateSteps(rate)
    this.#cells = new Float64Array(Math.max(this.#rows, FIRST_ROWS) * this.#steps.width)
    if (from.rate.limit === Infinity || rate.limit === Infinity) return

    for (let row = 0; row < this.#rows; row++) {
      const used = from.used(cells, row * from.width, now)
      if (used > 0) this.#steps.seed(this.#cells, row * this.#steps.width, now, used)
    }
  }
}
