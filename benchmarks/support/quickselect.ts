/** The value with `count` lower ones before it; moves the keys about. The least that choosing the lowest can cost. */
export function quickselect (keys: Float64Array, count: number): number {
  let [low, high] = [0, keys.length - 1]

  while (low < high) {
    const pivot = keys[low + high >> 1]!
    let [i, j] = [low, high]

    while (i <= j) {
      while (keys[i]! < pivot) i++
      while (keys[j]! > pivot) j--
      if (i > j) break
      const other = keys[i]!
      keys[i++] = keys[j]!
      keys[j--] = other
    }
    if (count <= j) high = j
    else if (count >= i) low = i
    else break
  }
  return keys[count]!
}
