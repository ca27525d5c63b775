import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveLimits } from '../../src/conn-manager/limits.ts'
import { connManager } from '../../src/index.ts'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import type { ConnManagerInit, Limits } from '../../src/index.ts'

describe('marks that were not given', () => {
  it.each<[string, Partial<Limits>, [number, number, number, number]]>([
    ['none given', {}, [160, 192, 384, 38]],
    ['from the high mark', { highWater: 12 }, [10, 12, 24, 2]],
    ['from a high mark that has no sixth', { highWater: 100 }, [83, 100, 200, 20]],
    ['from the smallest high mark', { highWater: 1 }, [1, 1, 2, 0]],
    ['from no high mark', { highWater: Infinity }, [160, Infinity, Infinity, 0]],
    ['from a high mark as large as can be', { highWater: Number.MAX_SAFE_INTEGER }, [7505999378950825, Number.MAX_SAFE_INTEGER, Infinity, 0]],
    ['from the low mark', { lowWater: 10 }, [10, 12, 24, 2]],
    ['from a low mark that has no fifth', { lowWater: 7 }, [7, 9, 18, 1]],
    ['from the smallest low mark', { lowWater: 1 }, [1, 2, 4, 0]],
    ['from both', { lowWater: 5, highWater: 50 }, [5, 50, 100, 10]],
    ['from the hard limit', { lowWater: 5, highWater: 50, hardLimit: 77 }, [5, 50, 77, 7]],
    ['from no hard limit', { hardLimit: Infinity }, [160, 192, Infinity, 0]],
    ['all equal', { lowWater: 5, highWater: 5, hardLimit: 5, outboundReserve: 0 }, [5, 5, 5, 0]],
    ['a reserve of all but one', { lowWater: 1, highWater: 2, hardLimit: 5, outboundReserve: 4 }, [1, 2, 5, 4]]
  ])('%s', (_, given, [lowWater, highWater, hardLimit, outboundReserve]) => {
    expect(resolveLimits(given)).toEqual({ lowWater, highWater, hardLimit, outboundReserve })
  })

  it('fit those that were', () => {
    const mark = fc.option(fc.integer({ min: 1, max: 10_000 }), { nil: undefined })

    fc.assert(fc.property(mark, mark, (low, high) => {
      fc.pre(low == null || high == null || low <= high)
      const limits = resolveLimits({ ...(low == null ? {} : { lowWater: low }), ...(high == null ? {} : { highWater: high }) })

      expect(limits.lowWater).toBeLessThanOrEqual(limits.highWater)
      expect(limits.highWater).toBeLessThanOrEqual(limits.hardLimit)
      expect(limits.outboundReserve).toBeLessThan(limits.hardLimit)
    }))
  })
})

describe('an option that breaks its rule', () => {
  const bad = <T>(value: unknown): T => value as T

  it.each<[ConnManagerInit, string]>([
    [{ lowWater: 0 }, 'Could not set lowWater: it must be a whole number of at least 1, received 0'],
    [{ lowWater: -3 }, 'Could not set lowWater: it must be a whole number of at least 1, received -3'],
    [{ lowWater: 2.5 }, 'Could not set lowWater: it must be a whole number of at least 1, received 2.5'],
    [{ lowWater: NaN }, 'Could not set lowWater: it must be a whole number of at least 1, received NaN'],
    [{ lowWater: Infinity }, 'Could not set lowWater: it must be a whole number of at least 1, received Infinity'],
    [{ lowWater: bad('10') }, 'Could not set lowWater: it must be a whole number of at least 1, received "10"'],
    [{ lowWater: 2 ** 53 }, 'Could not set lowWater: it must be a whole number of at least 1, received 9007199254740992'],
    [{ highWater: 0 }, 'Could not set highWater: it must be a whole number of at least 1, received 0'],
    [{ highWater: -5 }, 'Could not set highWater: it must be a whole number of at least 1, received -5'],
    [{ highWater: 10.5 }, 'Could not set highWater: it must be a whole number of at least 1, received 10.5'],
    [{ highWater: NaN }, 'Could not set highWater: it must be a whole number of at least 1, received NaN'],
    [{ highWater: -Infinity }, 'Could not set highWater: it must be a whole number of at least 1, received -Infinity'],
    [{ highWater: bad('many') }, 'Could not set highWater: it must be a whole number of at least 1, received "many"'],
    [{ hardLimit: 0 }, 'Could not set hardLimit: it must be a whole number of at least 1, received 0'],
    [{ hardLimit: NaN }, 'Could not set hardLimit: it must be a whole number of at least 1, received NaN'],
    [{ outboundReserve: -1 }, 'Could not set outboundReserve: it must be a whole number of at least 0, received -1'],
    [{ outboundReserve: Infinity }, 'Could not set outboundReserve: it must be a whole number of at least 0, received Infinity'],
    [{ outboundReserve: 1.5 }, 'Could not set outboundReserve: it must be a whole number of at least 0, received 1.5'],
    [{ lowWater: 10, highWater: 9 }, 'Could not set the watermarks: highWater must be at least lowWater (10), received 9'],
    [{ highWater: 10, hardLimit: 9 }, 'Could not set the watermarks: hardLimit must be at least highWater (10), received 9'],
    [{ hardLimit: 100 }, 'Could not set the watermarks: hardLimit must be at least highWater (192, which was not given), received 100'],
    [{ outboundReserve: 500 }, 'Could not set the watermarks: outboundReserve must be below hardLimit (384, which was not given), received 500'],
    [{ highWater: Infinity, hardLimit: 500 }, 'Could not set the watermarks: hardLimit must be at least highWater (Infinity), received 500'],
    [{ highWater: 5, hardLimit: 10, outboundReserve: 10 }, 'Could not set the watermarks: outboundReserve must be below hardLimit (10), received 10'],
    [{ gracePeriod: -1 }, 'Could not set gracePeriod: it must be a finite number of ms of at least 0, received -1'],
    [{ gracePeriod: NaN }, 'Could not set gracePeriod: it must be a finite number of ms of at least 0, received NaN'],
    [{ gracePeriod: Infinity }, 'Could not set gracePeriod: it must be a finite number of ms of at least 0, received Infinity'],
    [{ silencePeriod: -1 }, 'Could not set silencePeriod: it must be a finite number of ms of at least 0, received -1'],
    [{ silencePeriod: bad('10s') }, 'Could not set silencePeriod: it must be a finite number of ms of at least 0, received "10s"'],
    [{ decayResolution: 0 }, 'Could not set decayResolution: it must be a finite number of ms above 0, received 0'],
    [{ decayResolution: Infinity }, 'Could not set decayResolution: it must be a finite number of ms above 0, received Infinity'],
    [{ maxUnconnectedPeers: -1 }, 'Could not set maxUnconnectedPeers: it must be a whole number of at least 0, received -1'],
    [{ maxUnconnectedPeers: 1.5 }, 'Could not set maxUnconnectedPeers: it must be a whole number of at least 0, received 1.5'],
    [{ onHardLimit: bad('ignore') }, 'Could not set onHardLimit: it must be \'evict\' or \'deny\', received "ignore"'],
    [{ trimOrder: bad('value') }, 'Could not set trimOrder: it must be a function of two candidates, received "value"']
  ])('%j: %s', (init, message) => {
    expect(() => connManager(init)).toThrow(expect.objectContaining({ name: 'InvalidLimitError', code: 'ERR_INVALID_LIMIT', message }))
  })

  it('takeOver is true or false, and no text that stands for it', () => {
    expect(() => connManager({ takeOver: bad('false') })).toThrow('Could not use the option takeOver: it must be true or false, received "false"')
  })

  it.each<[string, ConnManagerInit]>([
    ['no grace', { gracePeriod: 0 }],
    ['no silence (go refuses it)', { silencePeriod: 0 }],
    ['a fraction of a millisecond', { silencePeriod: 0.5, decayResolution: 0.5 }],
    ['nobody unconnected', { maxUnconnectedPeers: 0 }],
    ['no reserve', { outboundReserve: 0 }],
    ['no high mark and no hard limit', { highWater: Infinity, hardLimit: Infinity }]
  ])('is not %s', (_, init) => {
    expect(() => connManager({ clock: fakeClock(), ...init })()).not.toThrow()
  })
})
