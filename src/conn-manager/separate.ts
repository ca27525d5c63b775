import { somewhere } from './select-lowest.ts'

/** Where the lowest items are: those before `below` are among them, those from there to `end` tie for the places that are left. */
export interface Separation {
  readonly below: number
  readonly end: number
}

/**
 * Puts in front the items whose key is below that of the `count`-th lowest, behind them those that share that key, and then the rest.
 * Expected linear time. Within each part items keep their order: what is read of them next lies in that order in memory, and out of it
 * takes three times as long.
 *
 * It is `selectLowest` for plain numbers. This one sees every candidate of a trim, the comparators only those that it leaves.
 *
 * @param keys - one per item, in their order
 * @param count - from 1 to the number of items
 */
export function separate (items: Int32Array, keys: Float64Array, count: number): Separation {
  const { length } = items
  const copy = keys.slice()
  const key = keyAt(copy, count - 1)

  // the copy has served, and is as long as both
  const ties = new Int32Array(copy.buffer, 0, length)
  const rest = new Int32Array(copy.buffer, 4 * length, length)
  let [below, tied, others] = [0, 0, 0]

  for (let i = 0; i < length; i++) {
    if (keys[i]! < key) items[below++] = items[i]!
    else if (keys[i] === key) ties[tied++] = items[i]!
    else rest[others++] = items[i]!
  }

  items.set(ties.subarray(0, tied), below)
  items.set(rest.subarray(0, others), below + tied)
  return { below, end: below + tied }
}

/**
 * The key at `place` if they were sorted: a quickselect in three parts, so that equals cost nothing. Leaves them in another order.
 *
 * One flat loop: V8 throws compiled code away when a loop inside a loop that was compiled while it ran comes to its end.
 */
function keyAt (keys: Float64Array, place: number): number {
  let from = 0
  let to = keys.length - 1
  let pivot = middleKey(keys, from, to)
  let below = from
  let at = from
  let above = to

  for (;;) {
    if (at > above) {
      if (place < below) to = below - 1
      else if (place > above) from = above + 1
      else return pivot

      pivot = middleKey(keys, from, to)
      below = at = from
      above = to
      continue
    }

    const key = keys[at]!

    if (key < pivot) {
      keys[at++] = keys[below]!
      keys[below++] = key
    } else if (key > pivot) {
      keys[at] = keys[above]!
      keys[above--] = key
    } else {
      at++
    }
  }
}

function middleKey (keys: Float64Array, from: number, to: number): number {
  const a = keys[somewhere(from, to)]!
  const b = keys[somewhere(from, to)]!
  const c = keys[somewhere(from, to)]!

  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
