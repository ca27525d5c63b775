import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { selectLowest } from '../../src/conn-manager/select-lowest.ts'

const ascending = (a: number, b: number): number => a - b

describe('selectLowest', () => {
  it.each([
    ['nothing out of nothing', [], 0, []],
    ['more than there are is all of them', [3, 1, 2], 9, [1, 2, 3]],
    ['none', [3, 1, 2], 0, []],
    ['one', [3, 1, 2], 1, [1]],
    ['all of them', [2, 1], 2, [1, 2]],
    ['out of equals', [5, 5, 5, 1, 5], 3, [1, 5, 5]],
    ['out of what is sorted', [1, 2, 3, 4, 5, 6], 2, [1, 2]],
    ['out of what is sorted backwards', [6, 5, 4, 3, 2, 1], 2, [1, 2]]
  ])('%s', (_, items, count, lowest) => {
    const array = Int32Array.from(items)
    selectLowest(array, count, ascending)

    expect([...array.subarray(0, count)].toSorted(ascending)).toEqual(lowest)
  })

  it('has in front what a sort has, and loses nothing', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 300, size: 'max' }), fc.nat(320), (items, count) => {
      const array = Int32Array.from(items)
      selectLowest(array, count, ascending)
      const sorted = items.toSorted(ascending)

      expect([...array.subarray(0, count)].toSorted(ascending)).toEqual(sorted.slice(0, count))
      expect([...array].toSorted(ascending)).toEqual(sorted)
    }), { numRuns: 500 })
  })

  it.each([
    ['sorted', (i: number) => i],
    ['sorted backwards', (i: number) => 100_000 - i],
    ['all equal', () => 7],
    ['an organ pipe', (i: number) => Math.min(i, 100_000 - i)],
    ['a saw', (i: number) => i % 100]
  ])('asks a few times for each of 100,000 items that are %s', (_, at) => {
    const array = Int32Array.from({ length: 100_000 }, (_, i) => at(i))
    let asked = 0
    selectLowest(array, 1_000, (a, b) => {
      asked++
      return a - b
    })

    expect(asked).toBeLessThan(20 * array.length)
  })

  it('asks a few times for each of 4,000 items in the worst order that somebody has found for it', () => {
    const order = worstOrder(4_000, 800)
    let asked = 0
    selectLowest(ranksOf(order.length), 800, (a, b) => {
      asked++
      return order[a]! - order[b]!
    })

    expect(asked).toBeLessThan(20 * order.length)
  })
})

/** M. D. McIlroy, "A Killer Adversary for Quicksort": every item is told to be higher than those before only when it is asked about a second time. */
function worstOrder (length: number, count: number): Float64Array {
  const order = new Float64Array(length).fill(Infinity)
  let told = 0
  let candidate = -1

  selectLowest(ranksOf(length), count, (a, b) => {
    if (a !== b && order[a] === Infinity && order[b] === Infinity) order[a === candidate ? a : b] = told++
    if (order[a] === Infinity) candidate = a
    else if (order[b] === Infinity) candidate = b

    return a === b || order[a] === order[b] ? 0 : order[a]! - order[b]!
  })

  return order.map(rank => rank === Infinity ? told++ : rank)
}

function ranksOf (length: number): Int32Array {
  return Int32Array.from({ length }, (_, rank) => rank)
}
