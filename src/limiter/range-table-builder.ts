import { wordMask } from '../address/prefix.ts'
import { CapacityError } from './errors.ts'
import { inSlices, sortRows } from './range-sort.ts'
import { lengthOf, MAX_ROWS, RangeTable, rowMeta } from './range-table.ts'
import { SegmentsBuilder } from './segments.ts'
import { extend } from './word-index.ts'
import type { Pause } from './range-sort.ts'
import type { Words } from './range-table.ts'

const FIRST_ROWS = 64

/** Collects ranges in any order; `build`, once, sorts them and drops those that are there twice. */
export class RangeTableBuilder {
  readonly #words: Words
  readonly #width: number
  #size = 0
  /** Address words and length of each. */
  #rows: Uint32Array

  constructor (words: Words) {
    this.#words = words
    this.#width = words + 1
    this.#rows = new Uint32Array(FIRST_ROWS * this.#width)
  }

  /** Ranges that were added. */
  get size (): number {
    return this.#size
  }

  /** Host bits must be clear. Words that are not used are left out. */
  add (length: number, a: number, b = 0, c = 0, d = 0): void {
    if (this.#size === MAX_ROWS) throw new CapacityError('load the list', MAX_ROWS)
    const words = this.#words
    const base = this.#size++ * this.#width
    if (base === this.#rows.length) this.#rows = extend(this.#rows, base * 2, Uint32Array)
    const rows = this.#rows

    rows[base] = a
    if (words > 1) rows[base + 1] = b
    if (words === 4) {
      rows[base + 2] = c
      rows[base + 3] = d
    }
    rows[base + words] = length
  }

  /** @param pause - awaited between slices of the work */
  async build (pause: Pause): Promise<RangeTable> {
    const rows = await sortRows(this.#rows, this.#width, this.#size, pause)
    let count = 0
    await inSlices(this.#size, pause, (begin, end) => { count = this.#dropDoubles(rows, count, begin, end) })

    const segments = this.#words === 1 ? new SegmentsBuilder(count) : undefined
    if (segments != null) await inSlices(count, pause, (begin, end) => { addSegments(segments, rows, begin, end) })

    const open: number[] = []
    await inSlices(count, pause, (begin, end) => { this.#addParents(rows, open, begin, end) })
    return new RangeTable(this.#words, rows.slice(0, count * this.#width), segments?.build())
  }

  /** Moves the first of each equal rows to the front. @returns how many there are */
  #dropDoubles (rows: Uint32Array, kept: number, begin: number, end: number): number {
    const width = this.#width

    for (let row = begin; row < end; row++) {
      if (kept === 0 || !this.#isEqual(rows, row, kept - 1)) {
        for (let at = 0; at < width; at++) rows[kept * width + at] = rows[row * width + at]!
        kept++
      }
    }

    return kept
  }

  /** @param open - rows whose ranges may be around the next one, the widest first */
  #addParents (rows: Uint32Array, open: number[], begin: number, end: number): void {
    for (let row = begin; row < end; row++) {
      const meta = row * this.#width + this.#words

      // Ranges nest or are apart: of those that began before, the last that is still open is around this one.
      while (open.length > 0 && !this.#isAround(rows, open[open.length - 1]!, row)) open.pop()
      rows[meta] = rowMeta(rows[meta]!, open.length > 0 ? row - open[open.length - 1]! : 0)
      open.push(row)
    }
  }

  #isEqual (rows: Uint32Array, row: number, other: number): boolean {
    for (let at = 0; at < this.#width; at++) {
      if (rows[row * this.#width + at] !== rows[other * this.#width + at]) return false
    }

    return true
  }

  /** @param outer - has its parent, and so its length in its upper bits */
  #isAround (rows: Uint32Array, outer: number, inner: number): boolean {
    const length = lengthOf(rows[outer * this.#width + this.#words]!)

    for (let word = 0; word * 32 < length; word++) {
      const difference = rows[outer * this.#width + word]! ^ rows[inner * this.#width + word]!
      if ((difference & wordMask(length - word * 32)) !== 0) return false
    }

    return true
  }
}

function addSegments (segments: SegmentsBuilder, rows: Uint32Array, begin: number, end: number): void {
  for (let row = begin; row < end; row++) segments.add(rows[row * 2]!, rows[row * 2 + 1]!)
}
