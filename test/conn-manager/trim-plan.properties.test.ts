import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ORDERS } from '../../src/conn-manager/trim-order.ts'
import { chooseForTrim } from '../../src/conn-manager/trim-plan.ts'
import { factsOf, GRACE, house, limits, NOW, unreadFactsOf } from './facts.ts'
import type { Row } from './facts.ts'
import type { Choice } from '../../src/conn-manager/trim-plan.ts'
import type { TrimMode } from '../../src/conn-manager/trim-order.ts'

type Marks = { lowWater: number, outboundReserve: number }
const mode = fc.constantFrom<TrimMode>('normal', 'forced')

function choose (rows: readonly Row[], limits: Marks, mode: TrimMode): Choice {
  return chooseForTrim(factsOf(rows), { mode, limits, gracePeriod: GRACE }, NOW)
}

const isYoung = ({ openedAt = 0 }: Row): boolean => openedAt > NOW - GRACE
const outbound = (rows: readonly Row[]): number => rows.filter(row => row.outbound === true).length

/** The same plan, by a sort and a walk: nothing is selected, and nothing is read late. */
function byTheRules (rows: readonly Row[], { lowWater, outboundReserve }: Marks, mode: TrimMode): number[] {
  const facts = factsOf(rows)
  const inOrder = rows.map((_, index) => index).sort((a, b) => ORDERS[mode](facts, a, b))
  const isSpared = (row: Row): boolean => mode === 'normal' && isYoung(row)
  const kept = mode === 'forced'
    ? []
    : inOrder.filter(i => rows[i]!.keepAlive === true && rows[i]!.guard === 'none' && !isYoung(rows[i]!)).slice(-Math.floor(lowWater / 4) || rows.length)
  const passes = [
    inOrder.filter(i => rows[i]!.guard === 'none' && !isSpared(rows[i]!) && !kept.includes(i)),
    inOrder.filter(i => mode === 'forced' && rows[i]!.guard === 'protected')
  ]

  let left = rows.filter(row => !isSpared(row)).length - lowWater
  let outboundLeft = outbound(rows) - outboundReserve

  return passes.flatMap(pass => pass.filter(i => {
    const isOutbound = rows[i]!.outbound === true
    if (left < 1 || (isOutbound && outboundLeft < 1)) return false

    left--
    if (isOutbound) outboundLeft--
    return true
  }))
}

describe('a trim plan, whatever the house', () => {
  it('is the same for any shuffle', () => {
    const shuffled = house.chain(rows => fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })))

    fc.assert(fc.property(shuffled, limits, mode, ([rows, others], limits, mode) => {
      const named = (rows: readonly Row[]) => {
        const { chosen, ...rest } = choose(rows, limits, mode)
        return { ...rest, chosen: chosen.map(({ index, reason }) => ({ id: rows[index]!.id, reason })) }
      }

      expect(named(others)).toEqual(named(rows))
    }), { numRuns: 500 })
  })

  it('is what the rules say, one connection after the other', () => {
    fc.assert(fc.property(house, limits, mode, (rows, limits, mode) => {
      expect(choose(rows, limits, mode).chosen.map(({ index }) => index)).toEqual(byTheRules(rows, limits, mode))
    }), { numRuns: 2_000 })
  })

  it('has no use for the streams and crowds that were not read', () => {
    fc.assert(fc.property(house, limits, mode, (rows, limits, mode) => {
      const rules = { mode, limits, gracePeriod: GRACE }

      expect(chooseForTrim(unreadFactsOf(rows), rules, NOW)).toEqual(chooseForTrim(factsOf(rows), rules, NOW))
    }), { numRuns: 500 })
  })

  it('never has a trusted one, and normally none that is protected or in its grace', () => {
    fc.assert(fc.property(house, limits, mode, (rows, limits, mode) => {
      const chosen = choose(rows, limits, mode).chosen.map(({ index }) => rows[index]!)
      const spared = { normal: (row: Row) => row.guard !== 'none' || isYoung(row), forced: (row: Row) => row.guard === 'trusted' }

      expect(chosen.filter(spared[mode])).toEqual([])
    }), { numRuns: 500 })
  })

  it('names nobody twice, and never goes below the low mark', () => {
    fc.assert(fc.property(house, limits, mode, (rows, limits, mode) => {
      const { chosen } = choose(rows, limits, mode)

      expect(new Set(chosen.map(({ index }) => index)).size).toBe(chosen.length)
      expect(rows.length - chosen.length).toBeGreaterThanOrEqual(Math.min(rows.length, limits.lowWater))
    }), { numRuns: 500 })
  })

  it('takes at most min(open − low, older − low)', () => {
    fc.assert(fc.property(house, limits, (rows, limits) => {
      const older = rows.filter(row => !isYoung(row)).length

      expect(choose(rows, limits, 'normal').chosen.length).toBeLessThanOrEqual(Math.max(0, older - limits.lowWater))
    }), { numRuns: 500 })
  })

  it('keeps min(outbound now, reserve) outbound ones', () => {
    fc.assert(fc.property(house, limits, mode, (rows, limits, mode) => {
      const gone = choose(rows, limits, mode).chosen.map(({ index }) => rows[index]!)

      expect(outbound(rows) - outbound(gone)).toBeGreaterThanOrEqual(Math.min(outbound(rows), limits.outboundReserve))
    }), { numRuns: 500 })
  })

  it('ends at the low mark exactly whenever enough may go', () => {
    fc.assert(fc.property(house, limits, (rows, limits) => {
      const candidates = rows.filter(row => row.guard === 'none' && !isYoung(row))
      const heldOutbound = Math.min(outbound(candidates), limits.outboundReserve)
      const mayGo = candidates.length - heldOutbound - Math.floor(limits.lowWater / 4)
      const wanted = Math.max(0, rows.filter(row => !isYoung(row)).length - limits.lowWater)
      fc.pre(mayGo >= wanted)

      expect(choose(rows, limits, 'normal').chosen).toHaveLength(wanted)
    }), { numRuns: 500 })
  })

  it('forced, takes a protected one only when of all others the reserve alone is left', () => {
    fc.assert(fc.property(house, limits, (rows, limits) => {
      const { chosen } = choose(rows, limits, 'forced')
      const overridden = chosen.filter(({ reason }) => reason === 'protection-overridden')
      fc.pre(overridden.length > 0)
      const gone = new Set(chosen.map(({ index }) => index))
      const left = rows.filter((row, index) => row.guard === 'none' && !gone.has(index))

      expect(left.filter(row => row.outbound !== true)).toEqual([])
      expect(rows.length - chosen.length).toBeGreaterThanOrEqual(limits.lowWater)
    }), { numRuns: 500 })
  })

  it('accounts for everybody: chosen, spared, or above the low mark no more', () => {
    fc.assert(fc.property(house, limits, mode, (rows, limits, mode) => {
      const { chosen, spared } = choose(rows, limits, mode)
      const total = Object.values(spared).reduce((sum, count) => sum + count, chosen.length)

      expect(total).toBeLessThanOrEqual(rows.length)
    }), { numRuns: 500 })
  })
})
