import { wordMask } from '../address/prefix.ts'
import { Segments } from './segments.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip } from '../address/ip.ts'

const NONE = -1

/**
 * Of each so many rows, the top of the first one's address is also in an index small enough to stay in a processor's cache: a search through a
 * million rows waits for memory ten times, one through the index and then 16 rows twice.
 */
const STRIDE = 16

/** Behind a row's address words: its prefix length, and how many rows before it the range around it is, 0 for none. */
const LENGTH_SHIFT = 24
const DISTANCE_MASK = 2 ** LENGTH_SHIFT - 1

/** As many as a distance can tell apart. */
export const MAX_ROWS = 2 ** LENGTH_SHIFT

export function rowMeta (length: number, distance: number): number {
  return (length << LENGTH_SHIFT | distance) >>> 0
}

/**
 * Ranges of one family, frozen: sorted by where they begin, wider before narrower. The last one that begins at or before an address is the
 * narrowest that could hold it; where it does not, one of those around it may, which is why each row knows its parent. A row is 8 bytes for
 * IPv4 and 20 for IPv6, side by side so that looking at one waits for memory once, and no object. IPv4 is looked up in segments, which know the
 * answer at once and cost 5 to 10 bytes more.
 */
export class RangeTable {
  readonly size: number
  readonly #words: 1 | 4
  readonly #width: number
  readonly #rows: Uint32Array
  readonly #tops: Float64Array
  readonly #segments: Segments | undefined

  /** @param rows - sorted, without doubles: address words and `rowMeta` of each @param segments - of IPv4 */
  constructor (words: 1 | 4, rows: Uint32Array, segments?: Segments) {
    this.#segments = segments
    this.#words = words
    this.#width = words + 1
    this.#rows = rows
    this.size = rows.length / this.#width
    this.#tops = new Float64Array(words === 1 ? 0 : Math.ceil(this.size / STRIDE))

    for (let at = 0; at < this.#tops.length; at++) {
      const base = at * STRIDE * this.#width
      this.#tops[at] = topOf(rows[base]!, rows[base + 1]!)
    }
  }

  /** @returns the length of the longest prefix that holds the address; -1 when none does */
  match (ip: Ip): number {
    if (this.size === 0) return NONE
    return ip.family === 4 ? this.#segments!.match(ip.bits) : this.#match6(ip.a, ip.b, ip.c, ip.d)
  }

  range (row: number): Cidr {
    const [rows, base] = [this.#rows, row * this.#width]
    const ip: Ip = this.#words === 1
      ? { family: 4, bits: rows[base]! }
      : { family: 6, a: rows[base]!, b: rows[base + 1]!, c: rows[base + 2]!, d: rows[base + 3]! }

    return { ip, length: rows[base + this.#words]! >>> LENGTH_SHIFT }
  }

  #match6 (a: number, b: number, c: number, d: number): number {
    const rows = this.#rows

    for (let row = this.#lastUpTo(a, b, c, d); row !== NONE;) {
      const base = row * 5
      const meta = rows[base + 4]!
      const length = meta >>> LENGTH_SHIFT
      const isIn = ((a ^ rows[base]!) & wordMask(length)) === 0 && ((b ^ rows[base + 1]!) & wordMask(length - 32)) === 0 &&
        ((c ^ rows[base + 2]!) & wordMask(length - 64)) === 0 && ((d ^ rows[base + 3]!) & wordMask(length - 96)) === 0

      if (isIn) return length
      row = parentOf(row, meta)
    }

    return NONE
  }

  #lastUpTo (a: number, b: number, c: number, d: number): number {
    const rows = this.#rows
    const top = topOf(a, b)
    // Many rows may have the same top: the last one is among them, or just before the first of them.
    let low = Math.max(this.#samplesUpTo(top - 1) - 1, 0) * STRIDE
    let high = Math.min(this.#samplesUpTo(top) * STRIDE, this.size)

    while (low < high) {
      const middle = (low + high) >>> 1
      const base = middle * 5
      const order = rows[base]! - a || rows[base + 1]! - b || rows[base + 2]! - c || rows[base + 3]! - d
      if (order <= 0) low = middle + 1
      else high = middle
    }

    return low - 1
  }

  /** How many samples are at or below it. */
  #samplesUpTo (top: number): number {
    const tops = this.#tops
    let low = 0
    let high = tops.length

    while (low < high) {
      const middle = (low + high) >>> 1
      if (tops[middle]! <= top) low = middle + 1
      else high = middle
    }

    return low
  }
}

export const EMPTY_TABLE = { 4: new RangeTable(1, new Uint32Array(0), new Segments(new Uint32Array(0), new Uint8Array(0))), 6: new RangeTable(4, new Uint32Array(0)) } as const

function parentOf (row: number, meta: number): number {
  const distance = meta & DISTANCE_MASK
  return distance === 0 ? NONE : row - distance
}

/** The first 52 bits of an IPv6 address, which a number holds exactly. */
function topOf (a: number, b: number): number {
  return a * 2 ** 20 + (b >>> 12)
}
