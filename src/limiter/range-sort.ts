const DIGITS = 256
const DIGIT_BITS = 8
const WORD_BITS = 32

/** Lets everybody else run. */
export type Pause = () => Promise<void>

/** Rows that are looked at between two turns of the event loop: a ms of work, so that it is not 50 on a machine that has other work, too. */
const SLICE = 16_384

/** @param work - is given the rows from `begin` up to `end`, in order: a function of its own, because compilers give up on loops that wait */
export async function inSlices (count: number, pause: Pause, work: (begin: number, end: number) => void): Promise<void> {
  for (let begin = 0; begin < count; begin += SLICE) {
    work(begin, Math.min(begin + SLICE, count))
    await pause()
  }
}

/**
 * Sorts rows of `width` 32-bit words, the last one deciding least: a radix sort by bytes, because a comparison sort of a million rows can not
 * be interrupted. Rows are moved and not numbered: each pass reads them in the order in which they lie in memory.
 *
 * @param pause - awaited between slices of the work
 * @returns `rows` or another array as long
 */
export async function sortRows (rows: Uint32Array, width: number, count: number, pause: Pause): Promise<Uint32Array> {
  let from = rows
  let to: Uint32Array = new Uint32Array(rows.length)

  for (let word = width - 1; word >= 0; word--) {
    for (let shift = 0; shift < WORD_BITS; shift += DIGIT_BITS) {
      const digit = { width, word, shift }
      const starts = new Uint32Array(DIGITS)
      const [read, write] = [from, to]

      await inSlices(count, pause, (begin, end) => { countDigits(read, digit, starts, begin, end) })
      // Every row has the same digit: common, where addresses end in zeros.
      if (starts.includes(count)) continue

      toStarts(starts)
      await inSlices(count, pause, (begin, end) => { moveRows(read, write, digit, starts, begin, end) });
      [from, to] = [to, from]
    }
  }

  return from
}

interface Digit {
  readonly width: number
  readonly word: number
  readonly shift: number
}

function countDigits (rows: Uint32Array, { width, word, shift }: Digit, counts: Uint32Array, begin: number, end: number): void {
  for (let row = begin; row < end; row++) counts[rows[row * width + word]! >>> shift & DIGITS - 1]!++
}

/** From how many rows each digit has to where they begin. */
function toStarts (counts: Uint32Array): void {
  let start = 0

  for (let digit = 0; digit < DIGITS; digit++) {
    const size = counts[digit]!
    counts[digit] = start
    start += size
  }
}

function moveRows (from: Uint32Array, to: Uint32Array, { width, word, shift }: Digit, starts: Uint32Array, begin: number, end: number): void {
  for (let row = begin; row < end; row++) {
    const source = row * width
    const target = starts[from[source + word]! >>> shift & DIGITS - 1]!++ * width
    for (let at = 0; at < width; at++) to[target + at] = from[source + at]!
  }
}
