import { extend } from './word-index.ts'
import type { SlotTable } from './slot-table.ts'

const FIRST_SLOTS = 16

/** Keys that are text: peer ids, user names, whatever a caller limits by. There are no networks among them, so no shares. */
export class TextTable implements SlotTable<string> {
  readonly capacity: number
  readonly #map = new Map<string, number>()
  readonly #keys: string[] = []
  #free: Int32Array // a list through the unused slots, as slot + 1
  #firstFree = 0
  #hand = 0

  constructor (capacity: number) {
    this.capacity = capacity
    this.#free = new Int32Array(Math.min(FIRST_SLOTS, capacity))
  }

  get size (): number {
    return this.#map.size
  }

  get slots (): number {
    return this.#free.length
  }

  find (key: string): number {
    return this.#map.get(key) ?? -1
  }

  hasRoom (): boolean {
    return this.#map.size < this.capacity
  }

  add (key: string): number {
    if (!this.hasRoom()) return -1
    const slot = this.#allocate()

    this.#map.set(key, slot)
    this.#keys[slot] = key
    return slot
  }

  remove (slot: number): void {
    this.#map.delete(this.#keys[slot]!)
    this.#keys[slot] = ''
    this.#free[slot] = this.#firstFree
    this.#firstFree = slot + 1
  }

  ring (): number {
    return 0
  }

  candidate (): number {
    const slot = this.#hand
    this.#hand = slot + 1 === this.capacity ? 0 : slot + 1
    return slot
  }

  keyAt (slot: number): string {
    return this.#keys[slot]!
  }

  forEach (visit: (slot: number) => void): void {
    this.#map.forEach(visit)
  }

  #allocate (): number {
    const free = this.#firstFree

    if (free !== 0) {
      this.#firstFree = this.#free[free - 1]!
      return free - 1
    }

    const slot = this.#keys.length
    if (slot === this.#free.length) this.#free = extend(this.#free, Math.min(slot * 2, this.capacity), Int32Array)
    return slot
  }
}
