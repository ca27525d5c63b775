import { wordMask } from '../address/prefix.ts'
import { CapacityError } from './errors.ts'
import { sortedRows } from './range-sort.ts'
import { MAX_ROWS, RangeTable, rowMeta } from './range-table.ts'
import { segmentsOf } from './segments.ts'
import type { Pause } from './range-sort.ts'

/** Rows written between two turns of the event loop. */
const SLICE = 65_536

const FIRST_ROWS = 64

/** Collects ranges in any order; `build` sorts them and drops those that are there twice. */
export class RangeTableBuilder {
  readonly #words: 1 | 4
  #size = 0
  #columns: Uint32Array[]
  #lengths = new Uint32Array(FIRST_ROWS)

  constructor (words: 1 | 4) {
    this.#words = words
    this.#columns = Array.from({ length: words }, () => new Uint32Array(FIRST_ROWS))
  }

  get size (): number {
    return this.#size
  }

  /** Host bits must be clear. Words that are not used are left out. */
  add (length: number, a: number, b = 0, c = 0, d = 0): void {
    if (this.#size === MAX_ROWS) throw new CapacityError('load the list', MAX_ROWS)
    const at = this.#size++
    if (at === this.#lengths.length) this.#grow()
    const columns = this.#columns

    this.#lengths[at] = length
    columns[0]![at] = a
    if (this.#words === 4) {
      columns[1]![at] = b
      columns[2]![at] = c
      columns[3]![at] = d
    }
  }

  /** @param pause - awaited between slices of the work */
  async build (pause: Pause): Promise<RangeTable> {
    const order = await sortedRows([...this.#columns, this.#lengths], this.#size, pause)
    const count = await this.#withoutDoubles(order, pause)
    const width = this.#words + 1
    const rows = new Uint32Array(count * width)
    const open: number[] = []

    for (let row = 0; row < count; row++) {
      const from = order[row]!
      for (let word = 0; word < this.#words; word++) rows[row * width + word] = this.#columns[word]![from]!

      // Ranges nest or are apart: of those that began before, the last that is still open is around this one.
      while (open.length > 0 && !this.#isAround(order[open[open.length - 1]!]!, from)) open.pop()
      rows[row * width + this.#words] = rowMeta(this.#lengths[from]!, open.length > 0 ? row - open[open.length - 1]! : 0)
      open.push(row)
      if (row % SLICE === 0) await pause()
    }

    if (this.#words === 4) return new RangeTable(4, rows)
    const [starts, lengths] = [this.#columns[0]!, this.#lengths]
    return new RangeTable(1, rows, await segmentsOf(count, row => starts[order[row]!]!, row => lengths[order[row]!]!, pause))
  }

  /** Moves the first of each equal rows to the front. @returns how many there are */
  async #withoutDoubles (order: Uint32Array, pause: Pause): Promise<number> {
    let kept = 0

    for (let at = 0; at < order.length; at++) {
      const row = order[at]!
      if (kept === 0 || !this.#isEqual(row, order[kept - 1]!)) order[kept++] = row
      if (at % SLICE === 0) await pause()
    }

    return kept
  }

  #isEqual (row: number, other: number): boolean {
    if (this.#lengths[row] !== this.#lengths[other]) return false
    for (const column of this.#columns) {
      if (column[row] !== column[other]) return false
    }

    return true
  }

  #isAround (outer: number, inner: number): boolean {
    const length = this.#lengths[outer]!

    for (let word = 0; word * 32 < length; word++) {
      const column = this.#columns[word]!
      if (((column[outer]! ^ column[inner]!) & wordMask(length - word * 32)) !== 0) return false
    }

    return true
  }

  #grow (): void {
    const longer = (column: Uint32Array): Uint32Array<ArrayBuffer> => {
      const copy = new Uint32Array(column.length * 2)
      copy.set(column)
      return copy
    }

    this.#lengths = longer(this.#lengths)
    this.#columns = this.#columns.map(longer)
  }
}
