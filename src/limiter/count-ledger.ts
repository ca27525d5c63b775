import { PrefixTable } from './prefix-table.ts'
import { TextTable } from './text-table.ts'
import { extend } from './word-index.ts'
import type { Ip } from '../address/ip.ts'
import type { PrefixTableInit } from './prefix-table.ts'
import type { SlotTable } from './slot-table.ts'

const NONE = -1

/** Of prefixes of one family and length. */
export function prefixCounts (init: PrefixTableInit): CountLedger<Ip> {
  return new CountLedger(new PrefixTable(init))
}

/** Of what is known by a text: relays, transports, peers, protocols. */
export function textCounts (capacity: number): CountLedger<string> {
  return new CountLedger(new TextTable(capacity))
}

/**
 * How many things each key has. An entry is live by being there, so none ever leaves for another; it goes when
 * its count is back at zero.
 */
export class CountLedger<Key> {
  readonly #table: SlotTable<Key>
  #counts: Int32Array

  /**
   * The slot whose count went to zero last. It stays until another one's does, because who comes and goes is mostly the same client, and an
   * entry costs more to make than to count.
   */
  #empty = NONE

  constructor (table: SlotTable<Key>) {
    this.#table = table
    this.#counts = new Int32Array(this.#table.slots)
  }

  /** Keys that have any. */
  get size (): number {
    return this.#table.size - (this.#empty === NONE ? 0 : 1)
  }

  count (key: Key): number {
    const slot = this.#table.find(key)

    return slot === -1 ? 0 : this.#counts[slot]!
  }

  /** @returns the count; -1 when the key has none and there is no place for it */
  countOrNoPlace (key: Key): number {
    const slot = this.#table.find(key)

    if (slot !== NONE) return this.#counts[slot]!
    return this.#hasRoom(key) ? 0 : -1
  }

  /** @returns the place, to be given back to `release`; -1 when there is none */
  take (key: Key): number {
    let slot = this.#table.find(key)

    if (slot === NONE) {
      if (!this.#hasRoom(key)) return NONE
      slot = this.#table.add(key)
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

  forEach (visit: (key: Key, count: number) => void): void {
    this.#dropEmpty()
    this.#table.forEach(slot => { visit(this.#table.keyAt(slot), this.#counts[slot]!) })
  }

  #hasRoom (key: Key): boolean {
    if (this.#table.hasRoom(key)) return true
    if (this.#empty === NONE) return false

    this.#dropEmpty()
    return this.#table.hasRoom(key)
  }

  #dropEmpty (): void {
    if (this.#empty === NONE) return

    this.#table.remove(this.#empty)
    this.#empty = NONE
  }
}
