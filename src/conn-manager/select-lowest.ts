/**
 * Moves the `count` lowest of `items` to its front and sorts them; the rest follows unsorted. Expected linear time: a trim closes a
 * part of the house, and sorting what stays would cost ten times as much.
 */
export function selectLowest (items: Int32Array, count: number, compare: (a: number, b: number) => number): void {
  if (count < items.length && count > 0) partition(items, count, compare)

  items.subarray(0, Math.min(count, items.length)).sort(compare)
}

/** Quickselect with the median of three as pivot. */
function partition (items: Int32Array, count: number, compare: (a: number, b: number) => number): void {
  let left = 0
  let right = items.length - 1

  while (left < right) {
    const pivot = medianOfThree(items[left]!, items[(left + right) >>> 1]!, items[right]!, compare)
    let i = left
    let j = right

    while (i <= j) {
      while (compare(items[i]!, pivot) < 0) i++
      while (compare(items[j]!, pivot) > 0) j--

      if (i <= j) {
        const swapped = items[i]!
        items[i++] = items[j]!
        items[j--] = swapped
      }
    }

    if (count - 1 <= j) right = j
    else if (count - 1 >= i) left = i
    else return
  }
}

function medianOfThree (a: number, b: number, c: number, compare: (a: number, b: number) => number): number {
  if (compare(a, b) < 0) {
    if (compare(b, c) < 0) return b
    return compare(a, c) < 0 ? c : a
  }

  if (compare(a, c) < 0) return a
  return compare(b, c) < 0 ? c : b
}
