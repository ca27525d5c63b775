import { describe, expect, it } from 'vitest'
import { chooseForTrim } from '../../src/conn-manager/trim-plan.ts'
import { factsOf, GRACE, NOW } from './facts.ts'
import type { Row } from './facts.ts'
import type { Choice, TrimRules } from '../../src/conn-manager/trim-plan.ts'

function choose (rows: readonly Row[], rules: Partial<TrimRules> & { lowWater?: number, outboundReserve?: number } = {}): Choice {
  const { lowWater = 2, outboundReserve = 0, ...others } = rules

  return chooseForTrim(factsOf(rows), { mode: 'normal', limits: { lowWater, outboundReserve }, gracePeriod: GRACE, ...others }, NOW)
}

const chosen = ({ chosen }: Choice): number[] => chosen.map(({ index }) => index)
const times = (count: number, row: Row = {}): Row[] => Array.from({ length: count }, () => row)

const old: Row = {}
const young: Row = { openedAt: NOW - GRACE + 1 }
const isProtected: Row = { guard: 'protected' }
const trusted: Row = { guard: 'trusted' }
const kept: Row = { keepAlive: true }
const outbound: Row = { outbound: true }

describe('chooseForTrim: how many', () => {
  it.each<[string, Row[], Partial<{ lowWater: number, outboundReserve: number }>, number]>([
    ['nobody out of nobody', [], {}, 0],
    ['nobody at the low mark', times(2), {}, 0],
    ['nobody below the low mark', times(1), {}, 0],
    ['down to the low mark exactly', times(9), {}, 7],
    ['protected ones count, so more of the others go', [...times(3, isProtected), ...times(3)], { lowWater: 4 }, 2],
    ['never a protected one', [...times(5, isProtected), ...times(2)], {}, 2],
    ['never a trusted one', [...times(5, trusted), ...times(2)], {}, 2],
    ['never one in its grace', times(9, young), {}, 0],
    ['one at the very end of its grace may go', times(9, { openedAt: NOW - GRACE }), {}, 7],
    ['the young do not push out the old', [...times(3), ...times(20, young)], { lowWater: 3 }, 0],
    ['of the old what is above the low mark goes, however many young there are', [...times(5), ...times(20, young)], { lowWater: 3 }, 2],
    ['protected old ones count among the old', [...times(3, isProtected), ...times(2), ...times(20, young)], { lowWater: 3 }, 2],
    ['protected young ones count among the young', [...times(5), ...times(20, { ...young, ...isProtected })], { lowWater: 3 }, 2],
    ['as many outbound ones stay as are reserved', [...times(5, outbound), ...times(1)], { lowWater: 2, outboundReserve: 4 }, 2],
    ['the reserve is no more than there are', [...times(3, outbound), ...times(5)], { lowWater: 1, outboundReserve: 9 }, 5],
    ['protected outbound ones count for the reserve', [...times(2, { ...outbound, ...isProtected }), ...times(3, outbound)], { lowWater: 1, outboundReserve: 2 }, 3],
    ['a reserve that is kept by others holds nobody', [...times(2, outbound), ...times(4)], { lowWater: 2, outboundReserve: 2 }, 4],
    ['a quarter of the low mark is kept alive', times(12, kept), { lowWater: 8 }, 4],
    ['below a low mark of four nobody is kept alive', times(5, kept), { lowWater: 3 }, 2],
    ['kept alive ones stay though the mark is not reached', [...times(10, isProtected), ...times(2, kept)], { lowWater: 8 }, 0]
  ])('%s', (_, rows, rules, count) => {
    expect(choose(rows, rules).chosen).toHaveLength(count)
  })
})

describe('chooseForTrim: who', () => {
  it('the lowest, in closing order, each with what sets it apart from the best that goes no more', () => {
    const { chosen } = choose([{ value: 5 }, { value: 1, streams: 1 }, { value: 1 }, { redundant: true, value: 9 }, { value: 1, streams: 3 }])

    expect(chosen).toEqual([
      { index: 3, reason: 'redundant' },
      { index: 2, reason: 'idle' },
      { index: 1, reason: 'streams' }
    ])
  })

  it('only-candidate, when every candidate goes', () => {
    expect(choose([isProtected, isProtected, old]).chosen).toEqual([{ index: 2, reason: 'only-candidate' }])
  })

  it('inbound ones instead of the reserved outbound, though these are worth less', () => {
    const rows = [{ outbound: true, value: 1 }, { outbound: true, value: 0 }, { value: 9 }, { value: 8 }]

    expect(chosen(choose(rows, { lowWater: 1, outboundReserve: 1 }))).toEqual([1, 3, 2])
  })

  it('kept alive are the most valuable of those that ask', () => {
    const rows = [{ ...kept, value: 1 }, { ...kept, value: 3 }, { ...kept, value: 2 }, ...times(3, { value: 9 })]

    expect(chosen(choose(rows, { lowWater: 4 }))).toEqual([0, 2])
  })

  it('a protected peer does not use up a place of those kept alive', () => {
    const rows = [{ ...kept, guard: 'protected', value: 9 } as const, { ...kept, value: 1 }, ...times(3, { value: 5 })]

    expect(chosen(choose(rows, { lowWater: 4 }))).toEqual([2])
  })

  it('one in its grace does not use up such a place, either: newcomers cannot push the old ones out', () => {
    const newcomer = { ...kept, openedAt: NOW, value: 9 }
    const rows = [newcomer, { ...kept, value: 1 }, ...times(4, { value: 5 })]

    expect(choose(rows, { lowWater: 4 })).toMatchObject({ chosen: [{ index: 2 }], spared: { 'grace': 1, 'keep-alive': 1 } })
  })

  it('of several redundant ones the least valuable, when not all have to go', () => {
    const rows = [{ redundant: true, value: 100, wideCrowd: 9 }, { redundant: true, value: 1 }, ...times(3)]

    expect(choose(rows, { lowWater: 4 }).chosen).toEqual([{ index: 1, reason: 'value' }])
  })
})

describe('chooseForTrim: what was spared', () => {
  it('counts each rule\'s share', () => {
    const rows = [old, ...times(5, isProtected), ...times(3, trusted), ...times(4, young), ...times(2, { ...outbound, ...old }), ...times(2, kept)]

    expect(choose(rows, { lowWater: 8, outboundReserve: 1 })).toMatchObject({
      spared: { 'protected': 5, 'trusted': 3, 'grace': 4, 'keep-alive': 2, 'outbound-reserve': 1 }
    })
  })

  it.each<[string, Row[], number]>([
    ['when the oldest of the young is old', [young, { openedAt: NOW - GRACE + 10 }, { openedAt: NOW }], NOW + 1],
    ['never, when none is young', [old, old], Infinity]
  ])('grace ends next %s', (_, rows, at) => {
    expect(choose(rows).nextGraceEnd).toBe(at)
  })
})

describe('chooseForTrim: forced', () => {
  const forced = { mode: 'forced' } as const

  it.each<[string, Row[], Partial<{ lowWater: number, outboundReserve: number }>, number[]]>([
    ['ignores grace', times(4, young), {}, [0, 1]],
    ['ignores keep-alive tags', times(12, kept), { lowWater: 8 }, [0, 1, 2, 3]],
    ['takes protected ones when all others are gone, exactly as many as needed', [...times(6, isProtected), old], { lowWater: 4 }, [6, 0, 1]],
    ['takes no protected one while another is left', [...times(4, isProtected), ...times(5)], { lowWater: 4 }, [4, 5, 6, 7, 8]],
    ['takes the protected ones of least value', [{ ...isProtected, value: 3 }, { ...isProtected, value: 1 }, { ...isProtected, value: 2 }], {}, [1]],
    ['never takes a trusted one', [...times(5, trusted), isProtected], {}, [5]],
    ['keeps the outbound reserve among the protected, too', times(5, { ...isProtected, outbound: true }), { lowWater: 1, outboundReserve: 3 }, [0, 1]]
  ])('%s', (_, rows, rules, indices) => {
    expect(chosen(choose(rows, { ...forced, ...rules }))).toEqual(indices)
  })

  it.each([
    [4, 6], [3, 7], [2, 8], [1, 9], [0, 10]
  ])('ends at the low mark with %d unprotected and %d protected ones (D2: go ends at up to 7 of 4)', (plain, guarded) => {
    const { chosen, spared } = choose([...times(plain), ...times(guarded, isProtected)], { ...forced, lowWater: 4 })

    expect(chosen).toHaveLength(6)
    expect(new Set(chosen.map(({ index }) => index)).size).toBe(6)
    expect(chosen.filter(({ reason }) => reason === 'protection-overridden')).toHaveLength(6 - Math.min(plain, 6))
    expect(spared.protected).toBe(4)
  })
})
