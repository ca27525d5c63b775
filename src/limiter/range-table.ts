import { wordMask } from '../address/prefix.ts'
import { NETWORKS, networkStarts } from './network-starts.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip, Ipv6 } from '../address/ip.ts'
import type { Segments } from './segments.ts'

const NONE = -1

/** Behind a row's address words: its prefix length, and how many rows before it the range around it is, 0 for none. */
const LENGTH_SHIFT = 24
const DISTANCE_MASK = 2 ** LENGTH_SHIFT - 1

/** As many as a distance can tell apart. */
export const MAX_ROWS = 2 ** LENGTH_SHIFT

/** How many 32-bit words of an address are kept: all of IPv4, half of IPv6 where no range is longer than a /64, or all of it. */
export type Words = 1 | 2 | 4

export function rowMeta (length: number, distance: number): number {
  return (length << LENGTH_SHIFT | distance) >>> 0
}

export function lengthOf (meta: number): number {
  return meta >>> LENGTH_SHIFT
}

/**
 * Ranges of one family, frozen: sorted by where they begin, wider before narrower. The last one that begins at or before an address is the
 * narrowest that could hold it; where it does not, one of those around it may, which is why each row knows its parent. A row is its address
 * words and one more, side by side so that looking at one waits for memory once, and no object: 8 bytes for IPv4, 12 for IPv6 up to a /64, 20
 * beyond. IPv4 is looked up in segments, which know the answer at once and cost 5 to 10 bytes more.
 */
export class RangeTable {
  readonly size: number
  readonly #words: Words
  readonly #rows: Uint32Array
  readonly #segments: Segments | undefined
  /** How many rows begin before each /16: a search looks at those of one /16 only. */
  readonly #before: Uint32Array | undefined

  /** @param rows - sorted, without doubles: address words and `rowMeta` of each @param segments - of IPv4 */
  constructor (words: Words, rows: Uint32Array, segments?: Segments) {
    this.#words = words
    this.#rows = rows
    this.#segments = segments
    this.size = rows.length / (words + 1)
    this.#before = words === 1 ? undefined : networkStarts(this.size, row => rows[row * (words + 1)]!)
  }

  /** @returns the length of the longest prefix that holds the address, which is of the table's family; -1 when none does */
  match (ip: Ip): number {
    if (this.size === 0) return NONE
    return ip.family === 4 ? this.#segments!.match(ip.bits) : this.#match6(ip)
  }

  range (row: number): Cidr {
    const [rows, words, base] = [this.#rows, this.#words, row * (this.#words + 1)]
    const ip: Ip = words === 1
      ? { family: 4, bits: rows[base]! }
      : { family: 6, a: rows[base]!, b: rows[base + 1]!, c: words === 4 ? rows[base + 2]! : 0, d: words === 4 ? rows[base + 3]! : 0 }

    return { ip, length: lengthOf(rows[base + words]!) }
  }

  #match6 (ip: Ipv6): number {
    const rows = this.#rows
    const words = this.#words

    for (let row = this.#lastUpTo(ip); row !== NONE;) {
      const base = row * (words + 1)
      const meta = rows[base + words]!
      const length = lengthOf(meta)
      const isIn = ((ip.a ^ rows[base]!) & wordMask(length)) === 0 && ((ip.b ^ rows[base + 1]!) & wordMask(length - 32)) === 0 &&
        (words === 2 || (((ip.c ^ rows[base + 2]!) & wordMask(length - 64)) === 0 && ((ip.d ^ rows[base + 3]!) & wordMask(length - 96)) === 0))

      if (isIn) return length
      row = parentOf(row, meta)
    }

    return NONE
  }

  /** Looks first where the row would be if those of its /16 were spread evenly, then further and further from there: mostly it is near. */
  #lastUpTo (ip: Ipv6): number {
    const network = ip.a >>> 16
    let low = this.#before?.[network] ?? 0
    let high = this.#before?.[network + 1] ?? this.size
    let at = low + Math.floor((high - low) * ((ip.a & 0xffff) / NETWORKS + (ip.b >>> 16) / NETWORKS ** 2))

    for (let step = 2; low < high; step = Math.min(step * 4, this.size)) {
      if (this.#isUpTo(at, ip)) {
        low = at + 1
        at = Math.min(low + step, (low + high) >>> 1)
      } else {
        high = at
        at = Math.max(high - step, (low + high) >>> 1)
      }
    }

    return low - 1
  }

  #isUpTo (row: number, { a, b, c, d }: Ipv6): boolean {
    const rows = this.#rows
    const base = row * (this.#words + 1)
    const order = rows[base]! - a || rows[base + 1]! - b

    if (this.#words === 2 || order !== 0) return order <= 0
    return (rows[base + 2]! - c || rows[base + 3]! - d) <= 0
  }
}

function parentOf (row: number, meta: number): number {
  const distance = meta & DISTANCE_MASK
  return distance === 0 ? NONE : row - distance
}
