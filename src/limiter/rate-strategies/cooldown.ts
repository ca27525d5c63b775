import type { Rate } from '../rate.ts'
import type { RateSteps } from './steps.ts'

const START = 0
const LAST = 1
const COUNT = 2

/**
 * `limit` events, then silence: once a window's quota is used up, nothing is admitted until one window after the last event that was. What
 * was refused is not counted, so asking during the silence does not lengthen it.
 *
 * The gate this comes from counts a *burst session*, in which events add up as long as each follows the last within one window, however slow
 * they are: at 3 per 10 s, one event every 9 s is refused at every fourth, though there are never more than two in 10 s. Here a window that
 * ends before its quota is used up is over, and the next event begins a new one: who stays within the quota of each window is never refused,
 * and a burst is, exactly as there.
 *
 * At most `2 × limit − 1` events pass in any window: `limit − 1` at the end of one and `limit` at the beginning of the next.
 */
export class Cooldown implements RateSteps {
  readonly rate: Rate
  readonly width = 3
  readonly #limit: number
  readonly #window: number

  constructor (rate: Rate) {
    this.rate = rate
    this.#limit = rate.limit
    this.#window = rate.window
  }

  wait (cells: Float64Array, at: number, now: number, cost: number): number {
    if (cost > this.#limit) return Infinity
    return cells[at + COUNT]! + cost <= this.#limit ? 0 : this.settles(cells, at, now)
  }

  take (cells: Float64Array, at: number, now: number, cost: number): number {
    const ms = this.wait(cells, at, now, cost)
    if (ms !== 0 || cost === 0) return ms

    if (this.settles(cells, at, now) === 0) {
      cells[at + START] = now
      cells[at + COUNT] = cost
    } else {
      cells[at + COUNT]! += cost
    }

    cells[at + LAST] = now
    return 0
  }

  used (cells: Float64Array, at: number, now: number): number {
    return this.settles(cells, at, now) === 0 ? 0 : cells[at + COUNT]!
  }

  settles (cells: Float64Array, at: number, now: number): number {
    const count = cells[at + COUNT]!
    if (count === 0) return 0
    const since = cells[at + (count >= this.#limit ? LAST : START)]!
    return Math.max(since + this.#window - now, 0)
  }

  seed (cells: Float64Array, at: number, now: number, used: number): void {
    cells[at + START] = now
    cells[at + LAST] = now
    cells[at + COUNT] = Math.min(used, this.#limit)
  }

  clear (cells: Float64Array, at: number): void {
    cells[at + COUNT] = 0
  }
}
