import { EventPool } from './event-pool.ts'
import type { Rate } from '../rate.ts'
import type { RateSteps } from './steps.ts'

/** The newest entry of the key's list in the pool; while there is but one entry, its time, as `inPlace` writes it; 0 when there is none. */
const NEWEST = 0
const USED = 1

/** Up to this limit every event is remembered with its own time. */
const EXACT_LIMIT = 64

/**
 * Above it, events of one hundredth of a window, in whole ms, are remembered as one, at the time of the last: late by at most 1 % and never
 * early.
 */
const GRAINS = 100

/**
 * Never more than `limit` events in any window: an event counts until it is exactly one window old. Refused events are not remembered.
 *
 * Exact up to a limit of 64. Above, an event may count up to 1 % of a window longer, so that no key remembers more than 101 entries.
 */
export class SlidingWindow implements RateSteps {
  readonly rate: Rate
  readonly width = 2
  readonly #limit: number
  readonly #window: number
  readonly #grain: number
  readonly #pool = new EventPool()

  constructor (rate: Rate) {
    this.rate = rate
    this.#limit = rate.limit
    this.#window = rate.window
    this.#grain = rate.limit <= EXACT_LIMIT ? 1 : Math.ceil(rate.window / GRAINS)
  }

  wait (cells: Float64Array, at: number, now: number, cost: number): number {
    if (cost > this.#limit) return Infinity
    const used = this.used(cells, at, now)
    return used + cost <= this.#limit ? 0 : this.#freed(cells[at + NEWEST]!, now, used + cost - this.#limit)
  }

  take (cells: Float64Array, at: number, now: number, cost: number): number {
    const ms = this.wait(cells, at, now, cost)
    if (ms !== 0 || cost === 0) return ms

    this.#add(cells, at, now, cost)
    return 0
  }

  /** Forgets what is a window old: asking changes nothing else. */
  used (cells: Float64Array, at: number, now: number): number {
    const pool = this.#pool
    const edge = now - this.#window
    let newest = cells[at + NEWEST]!
    let used = cells[at + USED]!

    if (newest === 0) return used
    if (newest < 0) return timeOf(newest) > edge ? used : this.#forget(cells, at)
    if (pool.oldest(newest) > edge) return used

    while (newest !== 0 && pool.oldest(newest) <= edge) {
      used -= pool.oldestCount(newest)
      newest = pool.shift(newest)
    }

    cells[at + NEWEST] = newest
    cells[at + USED] = used
    return used
  }

  settles (cells: Float64Array, at: number, now: number): number {
    if (this.used(cells, at, now) === 0) return 0
    const newest = cells[at + NEWEST]!
    return (newest < 0 ? timeOf(newest) : this.#pool.time[newest]!) + this.#window - now
  }

  seed (cells: Float64Array, at: number, now: number, used: number): void {
    if (used > 0 && this.#limit > 0) this.#add(cells, at, now, Math.min(used, this.#limit))
  }

  clear (cells: Float64Array, at: number): void {
    for (let newest = cells[at + NEWEST]!; newest > 0;) {
      newest = this.#pool.shift(newest)
    }

    this.#forget(cells, at)
  }

  #forget (cells: Float64Array, at: number): 0 {
    cells[at + NEWEST] = 0
    cells[at + USED] = 0
    return 0
  }

  /** When enough of the oldest will be gone. */
  #freed (newest: number, now: number, needed: number): number {
    if (newest < 0) return timeOf(newest) + this.#window - now
    const { count, next, time } = this.#pool
    let entry = next[newest]!

    while (needed > count[entry]!) {
      needed -= count[entry]!
      entry = next[entry]!
    }

    return time[entry]! + this.#window - now
  }

  #add (cells: Float64Array, at: number, now: number, cost: number): void {
    const newest = cells[at + NEWEST]!

    if (newest === 0 || (newest < 0 && this.#isSameGrain(timeOf(newest), now))) {
      cells[at + NEWEST] = inPlace(now)
    } else if (newest < 0) {
      cells[at + NEWEST] = this.#pool.append(this.#pool.append(0, timeOf(newest), cells[at + USED]!), now, cost)
    } else if (this.#isSameGrain(this.#pool.time[newest]!, now)) {
      this.#pool.time[newest] = now
      this.#pool.count[newest]! += cost
    } else {
      cells[at + NEWEST] = this.#pool.append(newest, now, cost)
    }

    cells[at + USED]! += cost
  }

  #isSameGrain (time: number, now: number): boolean {
    return time === now || (this.#grain > 1 && Math.floor(time / this.#grain) === Math.floor(now / this.#grain))
  }
}

/** Most strangers come once: their only entry needs no place in the pool. */
function inPlace (time: number): number {
  return -1 - time
}

function timeOf (inPlace: number): number {
  return -1 - inPlace
}
