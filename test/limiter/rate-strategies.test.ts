import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rateStrategyCases } from '../../src/limiter/conformance/rate-strategy.ts'
import { rateSteps } from '../../src/limiter/rate-steps.ts'
import { STRATEGY_NAMES } from '../../src/limiter/rate.ts'
import type { Rate, RateStrategy } from '../../src/limiter/rate.ts'

const START = 1_700_000_000_000

function key (rate: Rate) {
  const steps = rateSteps(rate)
  const cells = new Float64Array(steps.width)

  return {
    take: (now: number, cost = 1) => steps.take(cells, 0, START + now, cost),
    wait: (now: number, cost = 1) => steps.wait(cells, 0, START + now, cost),
    used: (now: number) => steps.used(cells, 0, START + now)
  }
}

describe.each(STRATEGY_NAMES)('%s keeps the contract of a rate strategy', strategy => {
  it.each(rateStrategyCases(rate => rateSteps({ ...rate, strategy })))('$name', ({ run }) => run())
})

/** Times in s, limit and window as in the original gate's traces; A admitted, R refused. */
const TRACES: ReadonlyArray<{ name: string, strategy: RateStrategy, limit: number, seconds: number, at: readonly number[], expect: string }> = [
  { name: 'cooldown refuses after a burst until one window after the last admitted event', strategy: 'cooldown', limit: 3, seconds: 10, at: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], expect: 'AAARRRRRRRRRA' },
  { name: 'cooldown is not lengthened by hammering', strategy: 'cooldown', limit: 3, seconds: 10, at: [0, 1, 2, 11.9, 11.95, 11.99, 12], expect: 'AAARRRA' },
  { name: 'cooldown admits a slow drip for ever, where the original refuses every fourth (AAARAAAR)', strategy: 'cooldown', limit: 3, seconds: 10, at: [0, 9, 18, 27, 36, 45, 54, 63], expect: 'AAAAAAAA' },
  { name: 'cooldown begins anew after a quiet window', strategy: 'cooldown', limit: 2, seconds: 10, at: [0, 10, 10, 19.9, 20], expect: 'AAARA' },
  { name: 'fixed window lets twice its limit pass around a boundary', strategy: 'fixed-window', limit: 2, seconds: 10, at: [0, 9.9, 9.95, 10, 10, 10.1], expect: 'AARAAR' },
  { name: 'fixed window begins with a key\'s first event, not with the wall clock\'s', strategy: 'fixed-window', limit: 1, seconds: 10, at: [7, 16.9, 17, 26.9, 27], expect: 'ARARA' },
  { name: 'sliding window forgets an event that is exactly one window old', strategy: 'sliding-window', limit: 2, seconds: 10, at: [0, 5, 9.999, 10, 14.999, 15], expect: 'AARARA' },
  { name: 'sliding window does not remember what it refused', strategy: 'sliding-window', limit: 1, seconds: 10, at: [0, 1, 2, 3, 10], expect: 'ARRRA' },
  { name: 'token bucket starts full and refills evenly', strategy: 'token-bucket', limit: 2, seconds: 10, at: [0, 0, 0, 4.999, 5, 5, 10, 20, 20, 20], expect: 'AARRARAAAR' },
  { name: 'token bucket never holds more than its limit', strategy: 'token-bucket', limit: 2, seconds: 10, at: [0, 1_000, 1_000, 1_000], expect: 'AAAR' }
]

describe('the traces of the original gate', () => {
  it.each(TRACES)('$name', ({ strategy, limit, seconds, at, expect: expected }) => {
    const one = key({ strategy, limit, window: seconds * 1_000 })

    expect(at.map(s => one.take(s * 1_000) === 0 ? 'A' : 'R').join('')).toBe(expected)
  })
})

const events = fc.array(fc.record({ gap: fc.nat(400), cost: fc.integer({ min: 1, max: 3 }) }), { maxLength: 80, size: 'max' })
const limits = fc.integer({ min: 3, max: 12 })

/** What was admitted, as [time, cost], of events that come `gap` ms after one another. */
function admitted (rate: Rate, given: ReadonlyArray<{ gap: number, cost: number }>): Array<readonly [number, number]> {
  const one = key(rate)
  let now = 0

  return given.flatMap(({ gap, cost }) => {
    now += gap
    return one.take(now, cost) === 0 ? [[now, cost] as const] : []
  })
}

function sum (list: ReadonlyArray<readonly [number, number]>): number {
  return list.reduce((all, [, cost]) => all + cost, 0)
}

it('a token bucket of the largest limit admits no ms too early', () => {
  const limit = 67_108_859
  const one = key({ strategy: 'token-bucket', limit, window: 134_217_114 })
  one.take(0, limit)

  expect(one.wait(457_279, limit)).toBe(134_217_114 - 457_279)
  expect(one.wait(134_217_113, limit)).toBe(1)
})

describe('properties of every strategy', () => {
  it.each(STRATEGY_NAMES)('%s refuses at every instant before retryAfter and admits at it', strategy => {
    fc.assert(fc.property(events, limits, (given, limit) => {
      const one = key({ strategy, limit, window: 1_000 })
      let now = 0

      for (const { gap, cost } of given) {
        now += gap
        const wait = one.take(now, cost)
        for (let ms = 0; ms < wait; ms += Math.max(1, Math.floor(wait / 20))) expect(one.wait(now + ms, cost)).toBe(wait - ms)
        expect(wait === 0 || one.wait(now + wait - 1, cost) > 0).toBe(true)
        expect(one.wait(now + wait, wait === 0 ? 0 : cost)).toBe(0)
        now += wait
      }
    }), { numRuns: 200 })
  })

  const bounds: Record<RateStrategy, (limit: number) => number> = {
    'cooldown': limit => 2 * limit - 1,
    'fixed-window': limit => 2 * limit,
    'sliding-window': limit => limit,
    'token-bucket': limit => 2 * limit
  }

  it.each(STRATEGY_NAMES)('%s admits no more in any window than it promises', strategy => {
    fc.assert(fc.property(events, limits, (given, limit) => {
      const list = admitted({ strategy, limit, window: 1_000 }, given)

      for (const [from] of list) {
        expect(sum(list.filter(([at]) => at >= from && at < from + 1_000))).toBeLessThanOrEqual(bounds[strategy](limit))
      }
    }))
  })
})

describe('against naive models', () => {
  it.each([3, 12, 64])('the sliding window is a list of timestamps, exactly, at a limit of %d', limit => {
    fc.assert(fc.property(fc.array(fc.nat(60), { maxLength: 300, size: 'max' }), gaps => {
      const one = key({ strategy: 'sliding-window', limit, window: 1_000 })
      let list: number[] = []
      let now = 0

      for (const gap of gaps) {
        now += gap
        list = list.filter(at => at > now - 1_000)
        const free = list.length < limit
        expect(one.wait(now)).toBe(free ? 0 : list[list.length - limit]! + 1_000 - now)
        expect(one.take(now) === 0).toBe(free)
        if (free) list.push(now)
      }
    }))
  })

  it.each([199, 201, 1_000])('the sliding window above 64 is late by at most 1 %% of a window and never early: %d ms', window => {
    fc.assert(fc.property(fc.array(fc.nat(12), { minLength: 400, maxLength: 600, size: 'max' }), gaps => {
      const one = key({ strategy: 'sliding-window', limit: 100, window })
      const list: number[] = []
      let now = 0

      for (const gap of gaps) {
        now += gap
        const counted = one.used(now)
        expect(counted).toBeGreaterThanOrEqual(list.filter(at => at > now - window).length)
        expect(counted).toBeLessThanOrEqual(list.filter(at => at > now - window * 1.01).length)
        if (one.take(now) === 0) list.push(now)
      }
    }), { numRuns: 50 })
  })

  it('the sliding window above 64 remembers a hundredth of any window as one, so that there are at most 101', () => {
    const one = key({ strategy: 'sliding-window', limit: 1_000, window: 199 })
    for (let now = 0; now < 199; now++) one.take(now)

    // Two ms are one entry.
    expect([198, 199, 200, 201, 202].map(now => one.used(now))).toEqual([199, 199, 197, 197, 195])
  })

  it('the fixed window is a list of timestamps since its start', () => {
    fc.assert(fc.property(fc.array(fc.nat(600), { maxLength: 100, size: 'max' }), limits, (gaps, limit) => {
      const one = key({ strategy: 'fixed-window', limit, window: 1_000 })
      let list: number[] = []
      let now = 0

      for (const gap of gaps) {
        now += gap
        list = list[0] != null && now - list[0] < 1_000 ? list : []
        const free = list.length < limit
        expect(one.take(now)).toBe(free ? 0 : list[0]! + 1_000 - now)
        if (free) list.push(now)
      }
    }))
  })

  const small = fc.record({ limit: fc.integer({ min: 1, max: 10_000 }), window: fc.integer({ min: 1, max: 10_000_000 }) })
  // The largest that are counted exactly: 2^53 / 2^26, 2^27.
  const large = fc.record({ limit: fc.integer({ min: 67_100_000, max: 67_108_863 }), window: fc.integer({ min: 134_000_000, max: 134_217_728 }) })

  it.each([['any', small], ['the largest', large]])('the token bucket is one of exact fractions: %s', (_, rates) => {
    const steps = fc.array(fc.record({ gap: fc.nat(5_000_000), share: fc.integer({ min: 1, max: 100 }) }), { maxLength: 60, size: 'max' })

    fc.assert(fc.property(rates, steps, ({ limit, window }, given) => {
      const one = key({ strategy: 'token-bucket', limit, window })
      // Tokens times the window, so that a ms refills `limit` of them and nothing is a fraction.
      const full = BigInt(limit) * BigInt(window)
      let tokens = full
      let now = 0

      for (const { gap, share } of given) {
        const cost = Math.ceil(limit * share / 100)
        now += gap
        tokens = [tokens + BigInt(gap) * BigInt(limit), full].sort((a, b) => a < b ? -1 : 1)[0]!
        const missing = BigInt(cost) * BigInt(window) - tokens
        const wait = missing > 0n ? (missing + BigInt(limit) - 1n) / BigInt(limit) : 0n

        expect(one.take(now, cost)).toBe(Number(wait))
        if (wait === 0n) tokens -= BigInt(cost) * BigInt(window)
      }
    }), { numRuns: 300 })
  })
})
