const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * Moves the `count` lowest of `items` to its front, unsorted. Expected linear time: a quickselect in three parts and one flat loop, as in
 * `separate`.
 */
export function selectLowest (items: Int32Array, count: number, compare: (a: number, b: number) => number): void {
  if (count < 1 || count >= items.length) return

  const place = count - 1
  let from = 0
  let to = items.length - 1
  let turn = 0
  let pivot = middleOf(items, from, to, turn, compare)
  let below = from
  let at = from
  let above = to

  for (;;) {
    if (at > above) {
      if (place < below) to = below - 1
      else if (place > above) from = above + 1
      else return

      pivot = middleOf(items, from, to, ++turn, compare)
      below = at = from
      above = to
      continue
    }

    const item = items[at]!
    const order = compare(item, pivot)

    if (order < 0) {
      items[at++] = items[below]!
      items[below++] = item
    } else if (order > 0) {
      items[at] = items[above]!
      items[above--] = item
    } else {
      at++
    }
  }
}

/** The median of three. */
function middleOf (items: Int32Array, from: number, to: number, turn: number, compare: (a: number, b: number) => number): number {
  const a = items[somewhere(from, to, 3 * turn)]!
  const b = items[somewhere(from, to, 3 * turn + 1)]!
  const c = items[somewhere(from, to, 3 * turn + 2)]!

  if (compare(a, b) < 0) {
    if (compare(b, c) < 0) return b
    return compare(a, c) < 0 ? c : a
  }

  if (compare(a, c) < 0) return a
  return compare(b, c) < 0 ? c : b
}

/**
 * A place between `from` and `to`, another for each `turn`. Steps of the golden ratio fall in with no pattern: the first, the middle and the
 * last of a saw are its lowest and highest, each time again.
 */
export function somewhere (from: number, to: number, turn: number): number {
  return from + Math.floor((0.5 + turn * GOLDEN) % 1 * (to - from + 1))
}
