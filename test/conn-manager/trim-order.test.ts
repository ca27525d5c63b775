import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  crowdedFirst, fewerStreamsFirst, forcedOrder, idleFirst, inboundFirst, lowerValueFirst, moreStreamsFirst, normalOrder, ORDERS,
  reasonBetween, reasonsAgainst, redundantFirst, smallerIdFirst, TIE_ORDERS, youngerFirst
} from '../../src/conn-manager/trim-order.ts'
import { factsOf, house } from './facts.ts'
import type { Row } from './facts.ts'
import type { Comparator } from '../../src/conn-manager/trim-order.ts'

/** Each rule alone: the first of the two goes, or they are the same to it. */
const rules: Array<[string, Comparator, Row, Row, -1 | 0]> = [
  ['a redundant connection goes before a peer\'s best', redundantFirst, { redundant: true }, { redundant: false }, -1],
  ['two redundant ones are alike', redundantFirst, { redundant: true }, { redundant: true }, 0],
  ['a lower value goes first', lowerValueFirst, { value: 1 }, { value: 2 }, -1],
  ['a value below zero goes before zero', lowerValueFirst, { value: -1 }, { value: 0 }, -1],
  ['the largest difference of values is no overflow', lowerValueFirst, { value: -Number.MAX_SAFE_INTEGER }, { value: Number.MAX_SAFE_INTEGER }, -1],
  ['no streams goes before one', idleFirst, { streams: 0 }, { streams: 1 }, -1],
  ['to idleness one stream is as good as nine', idleFirst, { streams: 1 }, { streams: 9 }, 0],
  ['inbound goes before outbound', inboundFirst, { outbound: false }, { outbound: true }, -1],
  ['the more crowded wide prefix goes first', crowdedFirst, { wideCrowd: 3, narrowCrowd: 1 }, { wideCrowd: 2, narrowCrowd: 2 }, -1],
  ['in equally crowded wide prefixes the more crowded narrow one goes first', crowdedFirst, { wideCrowd: 3, narrowCrowd: 2 }, { wideCrowd: 3, narrowCrowd: 1 }, -1],
  ['equally crowded is alike', crowdedFirst, { wideCrowd: 3 }, { wideCrowd: 3 }, 0],
  ['fewer streams go first', fewerStreamsFirst, { streams: 1 }, { streams: 2 }, -1],
  ['under memory pressure more streams go first', moreStreamsFirst, { streams: 2 }, { streams: 1 }, -1],
  ['the younger goes first', youngerFirst, { openedAt: 2 }, { openedAt: 1 }, -1],
  ['the smaller id goes first', smallerIdFirst, { id: 'a' }, { id: 'b' }, -1],
  ['one id is alike', smallerIdFirst, { id: 'a' }, { id: 'a' }, 0]
]

describe('comparators', () => {
  it.each(rules)('%s', (_, compare, first, second, sign) => {
    const facts = factsOf([first, second])

    expect(Math.sign(compare(facts, 0, 1))).toBe(sign)
    expect(Math.sign(compare(facts, 1, 0)) + sign).toBe(0)
  })
})

/** In each step the first of the two is better by all rules that come later, and goes all the same. */
const best: Row = { redundant: false, value: 9, streams: 5, outbound: true, wideCrowd: 1, narrowCrowd: 1, openedAt: 1, id: 'z' }
const worst: Row = { redundant: true, value: 0, streams: 0, outbound: false, wideCrowd: 9, narrowCrowd: 9, openedAt: 9, id: 'a' }
const equal: Row = { redundant: false, value: 4, streams: 4, outbound: true, wideCrowd: 4, narrowCrowd: 4, openedAt: 4, id: 'm' }

const steps: Array<[string, Row, Row]> = [
  ['redundant', { ...best, redundant: true }, { ...worst, redundant: false }],
  ['value', { ...best, redundant: false, value: 3 }, { ...worst, redundant: false, value: 4 }],
  ['idle', { ...best, value: 4, streams: 0 }, { ...worst, redundant: false, value: 4, streams: 1 }],
  ['inbound', { ...best, value: 4, outbound: false }, { ...worst, redundant: false, value: 4, streams: 1, outbound: true }],
  ['crowding', { ...equal, wideCrowd: 5, streams: 9, openedAt: 1, id: 'z' }, { ...equal, wideCrowd: 4, streams: 1, openedAt: 9, id: 'a' }],
  ['crowding', { ...equal, narrowCrowd: 5, streams: 9, openedAt: 1, id: 'z' }, { ...equal, narrowCrowd: 4, streams: 1, openedAt: 9, id: 'a' }],
  ['streams', { ...equal, streams: 3, openedAt: 1, id: 'z' }, { ...equal, streams: 4, openedAt: 9, id: 'a' }],
  ['age', { ...equal, openedAt: 5, id: 'z' }, { ...equal, openedAt: 4, id: 'a' }],
  ['connection-id', { ...equal, id: 'a' }, { ...equal, id: 'b' }]
]

describe('the order', () => {
  it.each(steps)('%s decides over all rules after it', (reason, first, second) => {
    const facts = factsOf([first, second])

    expect(Math.sign(normalOrder(facts, 0, 1))).toBe(-1)
    expect(Math.sign(normalOrder(facts, 1, 0))).toBe(1)
    expect(reasonBetween(facts, 'normal', 0, 1)).toBe(reason)
  })

  it('is reversed on streams alone under memory pressure', () => {
    const facts = factsOf([{ ...equal, streams: 5 }, { ...equal, streams: 4 }, { ...equal, streams: 0 }])

    expect([0, 1, 2].toSorted((a, b) => normalOrder(facts, a, b))).toEqual([2, 1, 0])
    expect([0, 1, 2].toSorted((a, b) => forcedOrder(facts, a, b))).toEqual([2, 0, 1])
    expect(reasonBetween(facts, 'forced', 0, 1)).toBe('streams')
  })

  it.each(['normal', 'forced'] as const)('tells apart by the rest of its rules those that the first four do not: %s', mode => {
    const ties = house.map(rows => rows.map(row => ({ ...row, redundant: true, value: 1, outbound: false, streams: 1 + (row.streams ?? 0) })))

    fc.assert(fc.property(ties, rows => {
      const facts = factsOf(rows)
      const sorted = (order: Comparator): number[] => [...rows.keys()].sort((a, b) => order(facts, a, b))

      expect(sorted(TIE_ORDERS[mode])).toEqual(sorted(ORDERS[mode]))
    }), { numRuns: 300 })
  })

  it.each(['normal', 'forced'] as const)('has the same reason for each of many as for it alone: %s', mode => {
    fc.assert(fc.property(house.filter(({ length }) => length > 0), rows => {
      const facts = factsOf(rows)
      const ranked = Int32Array.from(rows.keys()).sort((a, b) => ORDERS[mode](facts, a, b))
      const [going, stays] = [ranked.subarray(0, -1), ranked.at(-1)!]

      expect(reasonsAgainst(facts, mode, going, stays)).toEqual(Array.from(going, item => reasonBetween(facts, mode, item, stays)))
    }), { numRuns: 300 })
  })

  it.each(['normal', 'forced'] as const)('is total and its own opposite: %s', mode => {
    fc.assert(fc.property(house, rows => {
      const facts = factsOf(rows)
      const order = ORDERS[mode]

      const pairs = rows.flatMap((_, a) => rows.map((_, b) => [a, b] as const))

      expect(pairs.filter(([a, b]) => Math.sign(order(facts, a, b)) + Math.sign(order(facts, b, a)) !== 0)).toEqual([])
      expect(pairs.filter(([a, b]) => (order(facts, a, b) === 0) !== (a === b))).toEqual([])
    }), { numRuns: 20 })
  })

  it.each(['normal', 'forced'] as const)('is the same as its reasons: who goes first by the reason goes first by the order: %s', mode => {
    fc.assert(fc.property(house.filter(rows => rows.length > 1), rows => {
      const facts = factsOf(rows)
      const [a, b] = [0, rows.length - 1]
      const comparators: Record<string, Comparator> = {
        'redundant': redundantFirst,
        'value': lowerValueFirst,
        'idle': idleFirst,
        'inbound': inboundFirst,
        'crowding': crowdedFirst,
        'streams': { normal: fewerStreamsFirst, forced: moreStreamsFirst }[mode],
        'age': youngerFirst,
        'connection-id': smallerIdFirst
      }

      expect(Math.sign(comparators[reasonBetween(facts, mode, a, b)]!(facts, a, b))).toBe(Math.sign(ORDERS[mode](facts, a, b)))
    }))
  })
})
