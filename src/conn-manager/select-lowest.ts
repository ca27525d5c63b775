/**
 * Moves the `count` lowest of `items` to its front, unsorted. Expected linear time: a quickselect in three parts and one flat loop, as in
 * `separate`.
 */
export function selectLowest (items: Int32Array, count: number, compare: (a: number, b: number) => number): void {
  if (count < 1 || count >= items.length) return

  const place = count - 1
  let from = 0
  let to = items.length - 1
  let pivot = middleOf(items, from, to, compare)
  let below = from
  let at = from
  let above = to

  for (;;) {
    if (at > above) {
      if (place < below) to = below - 1
      else if (place > above) from = above + 1
      else return

      pivot = middleOf(items, from, to, compare)
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
function middleOf (items: Int32Array, from: number, to: number, compare: (a: number, b: number) => number): number {
  const a = items[somewhere(from, to)]!
  const b = items[somewhere(from, to)]!
  const c = items[somewhere(from, to)]!

  if (compare(a, b) < 0) {
    if (compare(b, c) < 0) return b
    return compare(a, c) < 0 ? c : a
  }

  if (compare(a, c) < 0) return a
  return compare(b, c) < 0 ? c : b
}

/**
 * A place between `from` and `to`, by lot: who is the lowest does not depend on it, how long it takes to find out does. Strangers choose the order
 * in which they come and go, and with it where in memory their connections stand: of places that can be known, the lowest would stand there each time.
 */
export function somewhere (from: number, to: number): number {
  return from + Math.floor(Math.random() * (to - from + 1))
}
