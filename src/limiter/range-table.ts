import { wordMask } from '../address/prefix.ts'
import { sortedRows } from './range-sort.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip } from '../address/ip.ts'

/** Rows checked between two turns of the event loop. */
const SLICE = 65_536

const NO_PARENT = -1

/**
 * Of each so many rows, the top of the first one's address is also in an index small enough to stay in a processor's cache: a search through a
 * million rows waits for memory ten times, one through the index and then 32 rows twice.
 */
const STRIDE = 32

/**
 * Ranges of one family, frozen: sorted by where they begin, wider before narrower. The last one that begins at or before an address is the
 * narrowest that could hold it; where it does not, one of those around it may, which is why each row knows its parent. 9 bytes for an IPv4
 * range, 21 for an IPv6 one, and no object.
 */
export class RangeTable {
  readonly words: 1 | 4
  readonly size: number
  readonly #columns: readonly Uint32Array[]
  readonly #lengths: Uint8Array
  readonly #parents: Int32Array
  readonly #tops: Float64Array

  constructor (columns: readonly Uint32Array[], lengths: Uint8Array, parents: Int32Array) {
    this.words = columns.length === 1 ? 1 : 4
    this.size = lengths.length
    this.#columns = columns
    this.#lengths = lengths
    this.#parents = parents
    this.#tops = new Float64Array(Math.ceil(lengths.length / STRIDE))

    const [a, b] = columns
    for (let at = 0; at < this.#tops.length; at++) {
      this.#tops[at] = b == null ? a![at * STRIDE]! : topOf(a![at * STRIDE]!, b[at * STRIDE]!)
    }
  }

  /** @returns the length of the longest prefix that holds the address; -1 when none does */
  match (ip: Ip): number {
    if (this.size === 0) return NO_PARENT
    let row = ip.family === 4 ? this.#lastBefore4(ip.bits) : this.#lastBefore(ip.a, ip.b, ip.c, ip.d)

    while (row !== NO_PARENT && !this.#holds(row, ip)) row = this.#parents[row]!
    return row === NO_PARENT ? NO_PARENT : this.#lengths[row]!
  }

  range (row: number): Cidr {
    const [a, b, c, d] = this.#columns
    const ip: Ip = b == null || c == null || d == null
      ? { family: 4, bits: a![row]! }
      : { family: 6, a: a![row]!, b: b[row]!, c: c[row]!, d: d[row]! }

    return { ip, length: this.#lengths[row]! }
  }

  #lastBefore4 (bits: number): number {
    const starts = this.#columns[0]!
    const after = this.#samplesUpTo(bits)
    let low = Math.max(after - 1, 0) * STRIDE
    let high = Math.min(after * STRIDE, this.size)

    while (low < high) {
      const middle = (low + high) >>> 1
      if (starts[middle]! <= bits) low = middle + 1
      else high = middle
    }

    return low - 1
  }

  #lastBefore (a: number, b: number, c: number, d: number): number {
    const [as, bs, cs, ds] = this.#columns as [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
    const top = topOf(a, b)
    // Many rows may have the same top: the last one is among them, or just before the first of them.
    let low = Math.max(this.#samplesUpTo(top - 1) - 1, 0) * STRIDE
    let high = Math.min(this.#samplesUpTo(top) * STRIDE, this.size)

    while (low < high) {
      const middle = (low + high) >>> 1
      const order = as[middle]! - a || bs[middle]! - b || cs[middle]! - c || ds[middle]! - d
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

  #holds (row: number, ip: Ip): boolean {
    const length = this.#lengths[row]!
    const [as, bs, cs, ds] = this.#columns

    if (ip.family === 4) return ((ip.bits ^ as![row]!) & wordMask(length)) === 0
    return ((ip.a ^ as![row]!) & wordMask(length)) === 0 && (length <= 32 ||
      (((ip.b ^ bs![row]!) & wordMask(length - 32)) === 0 && (length <= 64 ||
        (((ip.c ^ cs![row]!) & wordMask(length - 64)) === 0 && ((ip.d ^ ds![row]!) & wordMask(length - 96)) === 0))))
  }
}

/** The first 52 bits of an IPv6 address, which a number holds exactly. */
function topOf (a: number, b: number): number {
  return a * 2 ** 20 + (b >>> 12)
}

function emptyTable (words: number): RangeTable {
  return new RangeTable(Array.from({ length: words }, () => new Uint32Array(0)), new Uint8Array(0), new Int32Array(0))
}

export const EMPTY_TABLE = { 4: emptyTable(1), 6: emptyTable(4) } as const

/** Collects ranges in any order; `build` sorts them and drops those that are there twice. */
export class RangeTableBuilder {
  #size = 0
  #columns: Uint32Array[]
  #lengths = new Uint8Array(64)

  constructor (words: 1 | 4) {
    this.#columns = Array.from({ length: words }, () => new Uint32Array(64))
  }

  get size (): number {
    return this.#size
  }

  /** Host bits must be clear. Words that are not used are left out. */
  add (length: number, a: number, b = 0, c = 0, d = 0): void {
    const at = this.#size++
    if (at === this.#lengths.length) this.#grow()
    const columns = this.#columns

    this.#lengths[at] = length
    columns[0]![at] = a
    if (columns.length > 1) {
      columns[1]![at] = b
      columns[2]![at] = c
      columns[3]![at] = d
    }
  }

  async build (pause: () => Promise<void>): Promise<RangeTable> {
    const rows = await sortedRows([...this.#columns, Uint32Array.from(this.#lengths)], this.#size, pause)
    const unique = await this.#withoutDoubles(rows, pause)
    const columns: Uint32Array[] = []

    for (const column of this.#columns) {
      columns.push(await gathered(column, rows, unique, pause))
    }

    const lengths = new Uint8Array(unique)
    for (let at = 0; at < unique; at++) lengths[at] = this.#lengths[rows[at]!]!
    await pause()
    return new RangeTable(columns, lengths, await parentsOf(columns, lengths, pause))
  }

  /** Moves the first of each equal rows to the front. @returns how many there are */
  async #withoutDoubles (rows: Uint32Array, pause: () => Promise<void>): Promise<number> {
    let kept = 0

    for (let at = 0; at < rows.length; at++) {
      const row = rows[at]!
      if (kept === 0 || !this.#isEqual(row, rows[kept - 1]!)) rows[kept++] = row
      if (at % SLICE === 0) await pause()
    }

    return kept
  }

  #isEqual (row: number, other: number): boolean {
    return this.#lengths[row] === this.#lengths[other] && this.#columns.every(column => column[row] === column[other])
  }

  #grow (): void {
    const size = this.#lengths.length * 2
    const lengths = new Uint8Array(size)

    lengths.set(this.#lengths)
    this.#lengths = lengths
    this.#columns = this.#columns.map(column => {
      const longer = new Uint32Array(size)
      longer.set(column)
      return longer
    })
  }
}

async function gathered (column: Uint32Array, rows: Uint32Array, count: number, pause: () => Promise<void>): Promise<Uint32Array> {
  const sorted = new Uint32Array(count)

  for (let at = 0; at < count; at++) {
    sorted[at] = column[rows[at]!]!
    if (at % SLICE === 0) await pause()
  }

  return sorted
}

/** Ranges nest or are apart. Of those that began before a row, the last that is still open is around it. */
async function parentsOf (columns: readonly Uint32Array[], lengths: Uint8Array, pause: () => Promise<void>): Promise<Int32Array> {
  const parents = new Int32Array(lengths.length)
  const open: number[] = []

  for (let row = 0; row < lengths.length; row++) {
    while (open.length > 0 && !isAround(columns, lengths, open[open.length - 1]!, row)) open.pop()
    parents[row] = open.length > 0 ? open[open.length - 1]! : NO_PARENT
    open.push(row)
    if (row % SLICE === 0) await pause()
  }

  return parents
}

function isAround (columns: readonly Uint32Array[], lengths: Uint8Array, outer: number, inner: number): boolean {
  const length = lengths[outer]!
  for (let word = 0; word < columns.length && word * 32 < length; word++) {
    const column = columns[word]!
    if (((column[outer]! ^ column[inner]!) & wordMask(length - word * 32)) !== 0) return false
  }

  return true
}
