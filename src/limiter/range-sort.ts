/** Elements moved between two turns of the event loop: some 5 ms of work. */
const SLICE = 131_072

const RADIX = 65_536

/** Lets everybody else run. */
export type Pause = () => Promise<void>

/**
 * The order of the rows of a table, given as columns of 32-bit words, the last one deciding least: a radix sort by 16 bits, because a
 * comparison sort of a million rows can not be interrupted. Equal rows stay in the order they came.
 *
 * @param pause - awaited between slices of the work
 */
export async function sortedRows (columns: readonly Uint32Array[], count: number, pause: Pause): Promise<Uint32Array> {
  let from: Uint32Array = new Uint32Array(count)
  let to: Uint32Array = new Uint32Array(count)
  for (let row = 0; row < count; row++) from[row] = row

  for (const column of [...columns].reverse()) {
    for (const shift of [0, 16]) {
      const starts = await bucketStarts(column, count, shift, pause)
      // Every row has the same digit: common, where addresses end in zeros.
      if (starts == null) continue

      for (let begin = 0; begin < count; begin += SLICE) {
        const end = Math.min(begin + SLICE, count)
        for (let at = begin; at < end; at++) {
          const row = from[at]!
          to[starts[column[row]! >>> shift & 0xffff]!++] = row
        }
        await pause()
      }
      [from, to] = [to, from]
    }
  }

  return from
}

/** Where each digit's rows begin; undefined when all have the same. */
async function bucketStarts (column: Uint32Array, count: number, shift: number, pause: Pause): Promise<Uint32Array | undefined> {
  const counts = new Uint32Array(RADIX)

  for (let begin = 0; begin < count; begin += SLICE) {
    const end = Math.min(begin + SLICE, count)
    for (let row = begin; row < end; row++) counts[column[row]! >>> shift & 0xffff]!++
    await pause()
  }

  if (count === 0 || counts[column[0]! >>> shift & 0xffff] === count) return undefined

  let start = 0
  for (let digit = 0; digit < RADIX; digit++) {
    const size = counts[digit]!
    counts[digit] = start
    start += size
  }
  return counts
}
