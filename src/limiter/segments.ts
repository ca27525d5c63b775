import { BITS } from '../address/ip.ts'
import type { Pause } from './range-sort.ts'

/** Segments written between two turns of the event loop. */
const SLICE = 65_536

const NOBODY = 255
const NETWORKS = 65_536

/**
 * The whole of IPv4 cut where a range begins or ends, each piece with the length of the narrowest range that covers it: one search answers,
 * however deep ranges nest. At most two pieces a range, of 5 bytes.
 */
export class Segments {
  readonly #starts: Uint32Array
  readonly #lengths: Uint8Array
  /** How many segments begin before each /16: a search looks at those of one /16 only. */
  readonly #before: Uint32Array

  constructor (starts: Uint32Array, lengths: Uint8Array) {
    this.#starts = starts
    this.#lengths = lengths
    this.#before = new Uint32Array(starts.length === 0 ? 0 : NETWORKS + 1)

    for (let network = 0, at = 0; network < this.#before.length; network++) {
      while (at < starts.length && starts[at]! < network * NETWORKS) at++
      this.#before[network] = at
    }
  }

  /** @returns the length of the longest prefix that holds the address; -1 when none does */
  match (bits: number): number {
    if (this.#starts.length === 0) return -1
    let low = this.#before[bits >>> 16]!
    let high = this.#before[(bits >>> 16) + 1]!

    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#starts[middle]! <= bits) low = middle + 1
      else high = middle
    }

    const length = low === 0 ? NOBODY : this.#lengths[low - 1]!
    return length === NOBODY ? -1 : length
  }
}

/** @param range - the range of a row, in the order of a `RangeTable`: by start, wider before narrower */
export async function segmentsOf (count: number, startOf: (row: number) => number, lengthOf: (row: number) => number, pause: Pause): Promise<Segments> {
  const starts = new Uint32Array(count * 2)
  const lengths = new Uint8Array(count * 2)
  const open: number[] = []
  let size = 0

  function cut (start: number, length: number): void {
    // What begins where the last piece began leaves nothing of it.
    if (size > 0 && starts[size - 1] === start) size--
    starts[size] = start
    lengths[size++] = length
  }

  function closeUpTo (start: number): void {
    for (let row = open.at(-1); row !== undefined && endOf(row) <= start; row = open.at(-1)) {
      open.pop()
      const around = open.at(-1)
      if (endOf(row) < 2 ** BITS[4]) cut(endOf(row), around === undefined ? NOBODY : lengthOf(around))
    }
  }

  function endOf (row: number): number {
    return startOf(row) + 2 ** (BITS[4] - lengthOf(row))
  }

  for (let row = 0; row < count; row++) {
    closeUpTo(startOf(row))
    cut(startOf(row), lengthOf(row))
    open.push(row)
    if (row % SLICE === 0) await pause()
  }

  closeUpTo(2 ** BITS[4])
  return new Segments(starts.slice(0, size), lengths.slice(0, size))
}
