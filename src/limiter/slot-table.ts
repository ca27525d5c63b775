/**
 * From keys to slots, within a capacity: what a ledger's columns stand beside. It counts nothing and knows no time.
 */
export interface SlotTable<Key> {
  readonly size: number

  readonly capacity: number

  /** All slots are below it. It only grows, and only in `add`. */
  readonly slots: number

  /** @returns -1 when the key is not in */
  find (key: Key): number

  /** Only for a key that is not in. */
  hasRoom (key: Key): boolean

  /** Only for a key that is not in. @returns its slot; -1 when there is no room for this key until some other one leaves */
  add (key: Key): number

  /** Only for a slot in use. */
  remove (slot: number): void

  /** Only where there is no room for `key`: among whom somebody has to leave to make it. For `candidate`. */
  ring (key: Key): number

  /** The next of a ring, round and round, so that making room never costs more than the caller wants to look at. */
  candidate (ring: number): number

  keyAt (slot: number): Key

  forEach (visit: (slot: number) => void): void
}
