import { describe, expect, it } from 'vitest'
import { parseIp } from '../../src/address/ip.ts'
import { PrefixRates } from '../../src/limiter/prefix-rates.ts'
import type { LevelRates } from '../../src/limiter/prefix-rates.ts'

const levels = (limits: Record<number, number>): LevelRates =>
  new Map(Object.entries(limits).map(([length, limit]) => [Number(length), { strategy: 'fixed-window', limit, window: 1_000 }]))
const NONE = levels({})

/** A /16 has one place at each level, and whoever has one keeps it. */
function ratesOf (limits: Record<number, number>) {
  const rates = new PrefixRates({ ipv4: levels(limits), ipv6: NONE, capacity: 16, pinned: () => true })
  const ask = (text: string): boolean => {
    const ip = parseIp(text)!
    const isAllowed = rates.check(ip, 0) == null
    if (isAllowed) rates.take(ip, 0)
    return isAllowed
  }

  return {
    count: (times: number, text: string) => Array.from({ length: times }, () => ask(text)).filter(Boolean).length,
    shortage: (text: string) => rates.check(parseIp(text)!, 0),
    set: (to: Record<number, number>) => { rates.setRates({ ipv4: levels(to), ipv6: NONE }, 0) }
  }
}

describe('who finds no place', () => {
  it('has a coarser key\'s, and where that finds none one that all share', () => {
    const { count, shortage } = ratesOf({ 32: 1 })

    expect([count(9, '10.0.0.1'), count(9, '10.0.1.1'), count(99, '10.0.2.1')]).toEqual([1, 8, 64])
    expect(['10.0.0.1', '10.0.1.2', '10.0.3.1', '10.1.0.1'].map(shortage)).toEqual([
      { length: 32, limit: 1, wait: 1_000, overflow: false },
      { length: 24, limit: 8, wait: 1_000, overflow: true },
      { length: 0, limit: 64, wait: 1_000, overflow: true },
      undefined
    ])
  })

  it('has used by then what he used before the rates changed', () => {
    const { count, set } = ratesOf({ 32: 1 })
    for (const from of ['10.0.0.1', '10.0.1.1', '10.0.2.1']) count(99, from)
    set({ 32: 2 })

    expect([count(9, '10.0.0.1'), count(99, '10.0.1.1'), count(999, '10.0.2.1')]).toEqual([1, 8, 64])
  })
})

it('a level that stays keeps what was used, and another one begins with nothing', () => {
  const { count, set, shortage } = ratesOf({ 32: 9, 20: 5 })
  expect(count(4, '10.0.0.1')).toBe(4)
  set({ 28: 3, 20: 5 })

  expect([count(9, '10.0.0.1'), shortage('10.0.0.1')]).toMatchObject([1, { length: 20, limit: 5 }])
})
