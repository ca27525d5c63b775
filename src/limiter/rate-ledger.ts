import { PrefixTable } from './prefix-table.ts'
import { quotaAt, wholeQuota } from './quota.ts'
import { isSameRate } from './rate.ts'
import { rateSteps } from './rate-steps.ts'
import { SteadyTime } from './steady-time.ts'
import { TextTable } from './text-table.ts'
import { extend } from './word-index.ts'
import type { Ip } from '../address/ip.ts'
import type { PrefixTableInit } from './prefix-table.ts'
import type { Quota } from './quota.ts'
import type { RateSteps } from './rate-strategies/steps.ts'
import type { Rate } from './rate.ts'
import type { SlotTable } from './slot-table.ts'

/** Answer of a ledger that has no place for a key it does not know. Take the quota of a coarser key instead. */
export const NO_PLACE = -1

/** Entries looked at to make room for one, which makes a newcomer at a full ledger cost less than a microsecond. */
const SWEEP = 16

/**
 * One rate over many keys, bounded.
 *
 * A key that is equal to a new one is not worth remembering, so at capacity such leave first; then the one that is nearest to it, those that
 * would be refused now last. Never an offender, whom rotating addresses would free: one that `pinned` holds or, where nobody is given to tell,
 * one that would be refused now. Where nobody may leave, a newcomer has no place; it is the caller's to take the quota of a coarser key.
 *
 * `now` may jump back: see `SteadyTime`.
 */
export interface RateLedger<Key> {
  readonly rate: Rate

  /** Keys that are remembered. */
  readonly size: number

  readonly capacity: number

  /**
   * @returns 0 when `cost` was taken; else how many ms until it may be, or `Infinity` when it is more than the limit, or -1 when there is no place
   * for the key; then nothing was taken
   */
  take (key: Key, now: number, cost?: number): number

  /** What `take` would answer. Takes and remembers nothing; may forget what `take` would forget. */
  wait (key: Key, now: number, cost?: number): number

  /** How much of the limit is in use. */
  used (key: Key, now: number): number

  /** What the key has left of its limit, and in how many ms all of it. Remembers nothing. */
  quota (key: Key, now: number): Quota

  /** @returns whether the key was remembered */
  reset (key: Key): boolean

  /** Converts what every key has used, up to the new limit, and frees none. Windows begin anew. */
  setRate (rate: Rate, now: number): void
}

/** Whether an entry must not leave: its client has live connections, a score or a ban. `now` is the caller's, which may jump back. */
export type Pinned<Key> = (key: Key, now: number) => boolean

export function prefixRateLedger (rate: Rate, init: PrefixTableInit, pinned?: Pinned<Ip>): RateLedger<Ip> {
  return new Ledger(rate, new PrefixTable(init), pinned)
}

export function textRateLedger (rate: Rate, capacity: number, pinned?: Pinned<string>): RateLedger<string> {
  return new Ledger(rate, new TextTable(capacity), pinned)
}

class Ledger<Key> implements RateLedger<Key> {
  readonly #table: SlotTable<Key>
  readonly #pinned: Pinned<Key> | undefined
  readonly #time = new SteadyTime()
  #steps: RateSteps
  #limit: number
  #width: number
  #cells: Float64Array

  constructor (rate: Rate, table: SlotTable<Key>, pinned: Pinned<Key> | undefined) {
    this.#table = table
    this.#pinned = pinned
    this.#steps = rateSteps(rate)
    this.#limit = rate.limit
    this.#width = this.#steps.width
    this.#cells = new Float64Array(table.slots * this.#width)
  }

  get rate (): Rate {
    return this.#steps.rate
  }

  get size (): number {
    return this.#table.size
  }

  get capacity (): number {
    return this.#table.capacity
  }

  take (key: Key, now: number, cost = 1): number {
    if (this.#limit === Infinity) return 0
    const time = this.#time.at(now)
    let slot = this.#table.find(key)

    if (slot === -1) {
      // A new key has its whole quota, so nothing else can refuse it: who is refused is never remembered.
      if (cost > this.#limit) return Infinity
      if (cost === 0) return 0
      slot = this.#place(key, time)
      if (slot === -1) return NO_PLACE
    }

    return this.#steps.take(this.#cells, slot * this.#width, time, cost)
  }

  wait (key: Key, now: number, cost = 1): number {
    if (this.#limit === Infinity) return 0
    const time = this.#time.at(now)
    const slot = this.#table.find(key)

    if (slot !== -1) return this.#steps.wait(this.#cells, slot * this.#width, time, cost)
    if (cost > this.#limit) return Infinity
    return cost === 0 || this.#roomFor(key, time) ? 0 : NO_PLACE
  }

  used (key: Key, now: number): number {
    const slot = this.#table.find(key)

    return slot === -1 ? 0 : this.#steps.used(this.#cells, slot * this.#width, this.#time.at(now))
  }

  quota (key: Key, now: number): Quota {
    const slot = this.#table.find(key)

    return slot === -1 ? wholeQuota(this.rate) : quotaAt(this.#steps, this.#cells, slot * this.#width, this.#time.at(now))
  }

  reset (key: Key): boolean {
    const slot = this.#table.find(key)

    if (slot === -1) return false
    this.#forget(slot)
    return true
  }

  setRate (rate: Rate, now: number): void {
    const time = this.#time.at(now)
    const from = this.#steps
    const fromCells = this.#cells
    // What is used is whole: to convert it to what it is would round it up, and begin its window anew.
    if (isSameRate(rate, from.rate)) return

    this.#steps = rateSteps(rate)
    this.#limit = rate.limit
    this.#width = this.#steps.width
    this.#cells = new Float64Array(this.#table.slots * this.#width)
    if (rate.limit === Infinity || from.rate.limit === Infinity) return

    this.#table.forEach(slot => {
      const used = from.used(fromCells, slot * from.width, time)
      if (used > 0) this.#steps.seed(this.#cells, slot * this.#width, time, used)
    })
  }

  #place (key: Key, time: number): number {
    let slot = this.#table.add(key)

    if (slot === -1 && this.#roomFor(key, time)) slot = this.#table.add(key)
    if (slot !== -1 && slot * this.#width >= this.#cells.length) {
      this.#cells = extend(this.#cells, this.#table.slots * this.#width, Float64Array)
    }

    return slot
  }

  /** Makes room where there is none, by what may leave. */
  #roomFor (key: Key, time: number): boolean {
    if (this.#table.hasRoom(key)) return true
    const slot = this.#leaver(key, time)

    if (slot === -1) return false
    this.#forget(slot)
    return true
  }

  #leaver (key: Key, time: number): number {
    const steps = this.#steps
    const ring = this.#table.ring(key)
    let nearest = -1
    let least = Infinity

    for (let looked = Math.min(SWEEP, this.#table.size); looked > 0; looked--) {
      const slot = this.#table.candidate(ring)
      const at = slot * this.#width
      const left = steps.settles(this.#cells, at, time)
      // A key with its whole quota is the same in or out; what else is known of its client lives elsewhere.
      if (left === 0) return slot

      const isRefused = steps.wait(this.#cells, at, time, 1) > 0
      // Nobody settles later than in a window: who is refused is farther from new than anybody else.
      const distance = isRefused ? left + steps.rate.window : left

      if (distance < least && !this.#isOffender(slot, isRefused, time)) {
        nearest = slot
        least = distance
      }
    }

    return nearest
  }

  #isOffender (slot: number, isRefused: boolean, time: number): boolean {
    return this.#pinned == null ? isRefused : this.#pinned(this.#table.keyAt(slot), this.#time.toClock(time))
  }

  #forget (slot: number): void {
    this.#steps.clear(this.#cells, slot * this.#width)
    this.#table.remove(slot)
  }
}
