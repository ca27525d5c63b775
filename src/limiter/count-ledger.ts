import { PrefixTable } from './prefix-table.ts'
import { extend } from './word-index.ts'
import type { Ip } from '../address/ip.ts'
import type { PrefixTableInit } from './prefix-table.ts'

const NONE = -1

/**
 * How many things each prefix of one family and length has. An entry is live by being there, so none ever leaves for another; it goes when
 * its count is back at zero.
 */
export class CountLedger {
  readonly #table: PrefixTable
  #counts: Int32Array

  /**
   * The slot whose count went to zero last. It stays until another one's does, because who comes and goes is mostly the same client, and an
   * entry costs more to make than to count.
   */
  #empty = NONE

  constructor (init: PrefixTableInit) {
    this.#table = new PrefixTable(init)
    this.#counts = new Int32Array(this.#table.slots)
  }

  get length (): number {
    return this.#table.length
  }

  /** Prefixes that have any. */
  get size (): number {
    return this.#table.size - (this.#empty === NONE ? 0 : 1)
  }

  count (ip: Ip): number {
    const slot = this.#table.find(ip)

    return slot === -1 ? 0 : this.#counts[slot]!
  }

  /** @returns the count; -1 when the prefix has none and there is no place for it */
  countOrNoPlace (ip: Ip): number {
    const slot = this.#table.find(ip)

    if (slot !== NONE) return this.#counts[slot]!
    return this.#hasRoom(ip) ? 0 : -1
  }

  /** @returns the place, to be given back to `release`; -1 when there is none */
  take (ip: Ip): number {
    let slot = this.#table.find(ip)

    if (slot === NONE) {
      if (!this.#hasRoom(ip)) return NONE
      slot = this.#table.add(ip)
      if (slot >= this.#counts.length) this.#counts = extend(this.#counts, this.#table.slots, Int32Array)
    } else if (slot === this.#empty) {
      this.#empty = NONE
    }

    this.#counts[slot]!++
    return slot
  }

  /** Once for each place that was taken. */
  release (slot: number): void {
    if (--this.#counts[slot]! > 0) return

    this.#dropEmpty()
    this.#empty = slot
  }

  forEach (visit: (ip: Ip, count: number) => void): void {
    this.#dropEmpty()
    this.#table.forEach(slot => { visit(this.#table.keyAt(slot), this.#counts[slot]!) })
  }

  #hasRoom (ip: Ip): boolean {
    if (this.#table.hasRoom(ip)) return true
    if (this.#empty === NONE) return false

    this.#dropEmpty()
    return this.#table.hasRoom(ip)
  }

  #dropEmpty (): void {
    if (this.#empty === NONE) return

    this.#table.remove(this.#empty)
    this.#empty = NONE
  }
}
