import { describe, expect, it } from 'vitest'
import { actionFor, NO_VIOLATIONS, violate } from '../../src/limiter/violations.ts'

const WINDOW = 1_000

function after (times: readonly number[]): number {
  return times.reduce((violations, at) => violate(violations, at, WINDOW), NO_VIOLATIONS).count
}

describe('violations', () => {
  it.each([
    ['the first is one', [5_000], 1],
    ['also in the first moment of all time', [0], 1],
    ['at once they add up', [5_000, 5_000, 5_000], 3],
    ['within a window they add up', [5_000, 5_999], 2],
    ['they are forgotten a window after the last', [5_000, 6_000], 1],
    ['each one keeps those before alive', [5_000, 5_900, 6_800], 3]
  ])('%s', (_, times, count) => {
    expect(after(times)).toBe(count)
  })

  it.each([
    [1, 2, 'drop'],
    [2, 2, 'drop'],
    [3, 2, 'close'],
    [1, 0, 'close'],
    [1_000_000, Infinity, 'drop']
  ])('the %ith, where %d are dropped, is to %s', (count, drops, action) => {
    expect(actionFor({ count, last: 0 }, drops)).toBe(action)
  })
})
