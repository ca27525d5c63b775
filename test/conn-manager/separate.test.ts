import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { separate } from '../../src/conn-manager/separate.ts'

describe('separate', () => {
  it.each([
    ['the lowest', [3, 1, 2], 1, { below: 0, end: 1 }, [1, 0, 2]],
    ['all of them', [3, 1, 2], 3, { below: 2, end: 3 }, [1, 2, 0]],
    ['the only one', [7], 1, { below: 0, end: 1 }, [0]],
    ['ties for one place, in their order', [5, 1, 5, 9, 5], 2, { below: 1, end: 4 }, [1, 0, 2, 4, 3]],
    ['equals', [4, 4, 4], 2, { below: 0, end: 3 }, [0, 1, 2]],
    ['infinities', [Infinity, 0, -Infinity], 2, { below: 1, end: 2 }, [2, 1, 0]]
  ])('%s', (_, keys, count, separation, order) => {
    const items = Int32Array.from(keys.keys())

    expect(separate(items, Float64Array.from(keys), count)).toEqual(separation)
    expect([...items]).toEqual(order)
  })

  it('has lower keys in front, ties behind them, then the rest; each part in its order', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 300, size: 'max' }), fc.nat(299), (keys, place) => {
      const count = 1 + place % keys.length
      const items = Int32Array.from(keys.keys())
      const highest = keys.toSorted((a, b) => a - b)[count - 1]!
      const parts = [(key: number) => key < highest, (key: number) => key === highest, (key: number) => key > highest]
        .map(isIn => [...keys.keys()].filter(item => isIn(keys[item]!)))

      expect(separate(items, Float64Array.from(keys), count)).toEqual({ below: parts[0]!.length, end: parts[0]!.length + parts[1]!.length })
      expect([...items]).toEqual(parts.flat())
    }), { numRuns: 500 })
  })
})
