import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prefixCounts, textCounts } from '../../src/limiter/count-ledger.ts'
import type { Ip } from '../../src/address/ip.ts'

describe.each([
  ['text', () => textCounts(8), (at: number) => `key ${at}`],
  ['IPv4', () => prefixCounts({ family: 4, length: 32, capacity: 8 }), (at: number): Ip => ({ family: 4, bits: (at << 16) >>> 0 })],
  ['IPv6', () => prefixCounts({ family: 6, length: 56, capacity: 8 }), (at: number): Ip => ({ family: 6, a: at, b: 0x100, c: 7, d: 9 })]
] as Array<[string, () => ReturnType<typeof textCounts>, (at: number) => string]>)('a count of %s keys', (_, create, key) => {
  it('is that of a Map through any sequence of takes and releases, and never above its capacity', () => {
    fc.assert(fc.property(fc.array(fc.record({ at: fc.nat(12), release: fc.boolean() }), { maxLength: 200, size: 'max' }), moves => {
      const ledger = create()
      const held = new Map<number, number[]>()

      for (const { at, release } of moves) {
        const places = held.get(at) ?? []
        const live = [...held.values()].filter(({ length }) => length > 0).length
        const last = release ? places.pop() : undefined
        const hasPlace = places.length > 0 || last !== undefined || live < 8

        if (last !== undefined) ledger.release(last)
        else if (!release) {
          expect(ledger.countOrNoPlace(key(at))).toBe(hasPlace ? places.length : -1)
          const place = ledger.take(key(at))
          expect(place !== -1).toBe(hasPlace)
          if (place !== -1) places.push(place)
        }

        held.set(at, places)
        expect(ledger.count(key(at))).toBe(places.length)
        expect(ledger.size).toBe([...held.values()].filter(({ length }) => length > 0).length)
      }

      for (const place of [...held.values()].flat()) ledger.release(place)
      expect(ledger.size).toBe(0)
      ledger.forEach(() => { throw new Error('is empty') })
    }), { numRuns: 300 })
  })
})
