import type { Rate } from '../rate.ts'
import type { RateSteps } from './steps.ts'

const START = 0
const USED = 1

/**
 * At most `limit` in a window that begins with the first event after the last window's end: each key has its own, so that keys do not
 * renew all at once. Around a boundary up to twice the limit may pass in less than one window; where that matters, take `sliding-window`.
 */
export class FixedWindow implements RateSteps {
  readonly rate: Rate
  readonly width = 2
  readonly #limit: number
  readonly #window: number

  constructor (rate: Rate) {
    this.rate = rate
    this.#limit = rate.limit
    this.#window = rate.window
  }

  wait (cells: Float64Array, at: number, now: number, cost: number): number {
    if (cost > this.#limit) return Infinity
    return cells[at + USED]! + cost <= this.#limit ? 0 : this.settles(cells, at, now)
  }

  take (cells: Float64Array, at: number, now: number, cost: number): number {
    const ms = this.wait(cells, at, now, cost)
    if (ms !== 0) return ms

    if (this.settles(cells, at, now) === 0) {
      cells[at + START] = now
      cells[at + USED] = cost
    } else {
      cells[at + USED]! += cost
    }

    return 0
  }

  used (cells: Float64Array, at: number, now: number): number {
    return this.settles(cells, at, now) === 0 ? 0 : cells[at + USED]!
  }

  settles (cells: Float64Array, at: number, now: number): number {
    return cells[at + USED] === 0 ? 0 : Math.max(cells[at + START]! + this.#window - now, 0)
  }

  seed (cells: Float64Array, at: number, now: number, used: number): void {
    cells[at + START] = now
    cells[at + USED] = Math.min(used, this.#limit)
  }

  clear (cells: Float64Array, at: number): void {
    cells[at + USED] = 0
  }
}
