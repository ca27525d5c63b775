import { BITS } from '../address/ip.ts'
import { networkStarts } from './network-starts.ts'

const NOBODY = 255
const SPACE = 2 ** BITS[4]

/**
 * The whole of IPv4 cut where a range begins or ends, each piece with the length of the narrowest range that covers it: one search answers,
 * however deep ranges nest. At most two pieces a range, of 5 bytes.
 */
export class Segments {
  readonly #starts: Uint32Array
  readonly #lengths: Uint8Array
  /** How many segments begin before each /16: a search looks at those of one /16 only. */
  readonly #before: Uint32Array | undefined

  constructor (starts: Uint32Array, lengths: Uint8Array) {
    this.#starts = starts
    this.#lengths = lengths
    this.#before = networkStarts(starts.length, at => starts[at]!)
  }

  /** @returns the length of the longest prefix that holds the address; -1 when none does */
  match (bits: number): number {
    let low = this.#before?.[bits >>> 16] ?? 0
    let high = this.#before?.[(bits >>> 16) + 1] ?? this.#starts.length

    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#starts[middle]! <= bits) low = middle + 1
      else high = middle
    }

    const length = low === 0 ? NOBODY : this.#lengths[low - 1]!
    return length === NOBODY ? -1 : length
  }
}

/** Takes ranges in the order of a `RangeTable`: by start, wider before narrower. */
export class SegmentsBuilder {
  readonly #starts: Uint32Array
  readonly #lengths: Uint8Array
  #size = 0
  /** Where the ranges end that are around the next one, and how long their prefixes are: the widest first. */
  readonly #openEnds: number[] = []
  readonly #openLengths: number[] = []

  /** @param count - of ranges, at most */
  constructor (count: number) {
    this.#starts = new Uint32Array(count * 2)
    this.#lengths = new Uint8Array(count * 2)
  }

  add (start: number, length: number): void {
    this.#closeUpTo(start)
    this.#cut(start, length)
    this.#openEnds.push(start + 2 ** (BITS[4] - length))
    this.#openLengths.push(length)
  }

  build (): Segments {
    this.#closeUpTo(SPACE)
    return new Segments(this.#starts.slice(0, this.#size), this.#lengths.slice(0, this.#size))
  }

  #closeUpTo (start: number): void {
    for (let end = this.#openEnds.at(-1); end !== undefined && end <= start; end = this.#openEnds.at(-1)) {
      this.#openEnds.pop()
      this.#openLengths.pop()
      if (end < SPACE) this.#cut(end, this.#openLengths.at(-1) ?? NOBODY)
    }
  }

  #cut (start: number, length: number): void {
    // What begins where the last piece began leaves nothing of it.
    if (this.#size > 0 && this.#starts[this.#size - 1] === start) this.#size--
    this.#starts[this.#size] = start
    this.#lengths[this.#size++] = length
  }
}
