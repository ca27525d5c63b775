import { describe, expect, it } from 'vitest'
import { rateSteps } from '../../../src/limiter/rate-steps.ts'
import { STRATEGY_NAMES } from '../../../src/limiter/rate.ts'
import { rateStrategyCases } from '../../../src/testing.ts'
import { brokenOf, changed } from './broken.ts'
import type { RateSteps } from '../../../src/limiter/rate-strategies/steps.ts'
import type { Rate, RateStrategy } from '../../../src/limiter/rate.ts'

const waiting = (wait: number): boolean => wait > 0 && wait < Infinity

/** What is wrong with a strategy, and the first promise that it breaks. */
const WRONG: ReadonlyArray<[flaw: string, promise: RegExp, make: (rate: Rate) => RateSteps]> = [
  ['a limit of one more', /admits its limit at once/, rate => rateSteps({ ...rate, limit: rate.limit + 1 })],
  ['half a window', /one window after/, rate => rateSteps({ ...rate, window: rate.window / 2 })],
  ['a window of a ms more', /one window after/, rate => rateSteps({ ...rate, window: rate.window + 1 })],
  ['another rate than its own', /admits its limit at once/, rate => changed(rateSteps(rate), { rate: { ...rate, limit: 2 * rate.limit } })],
  ['a wait of a ms less', /one window after|before the wait/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, { wait: (...given) => Math.max(steps.wait(...given) - 1, 0) })
  }],
  ['an answer that is not the wait', /before the wait/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, {
      take (...given) {
        const wait = steps.take(...given)
        return waiting(wait) ? rate.window : wait
      }
    })
  }],
  ['a denial that spends what is left', /spends nothing when it refuses/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, {
      take (cells, at, now, cost) {
        const wait = steps.take(cells, at, now, cost)
        if (waiting(wait)) steps.take(cells, at, now, rate.limit - steps.used(cells, at, now))
        return wait
      }
    })
  }],
  ['a question that takes', /is only asked/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, { wait: (...given) => steps.take(...given) })
  }],
  ['a cost above the limit that frees', /never admits a cost above/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, {
      take (cells, at, now, cost) {
        if (cost > rate.limit) steps.clear(cells, at)
        return steps.take(cells, at, now, cost)
      }
    })
  }],
  ['a memory without an end', /one window after/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, { take: (cells, at, _, cost) => steps.take(cells, at, 1_700_000_000_000, cost) })
  }],
  ['what is used seen too large', /what is not in use/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, { used: (...given) => steps.used(...given) > 0 ? rate.limit : 0 })
  }],
  ['a time to settle that stands still', /one window after/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, { settles: (...given) => steps.settles(...given) > 0 ? rate.window : 0 })
  }],
  ['a seed of long ago', /one window after/, rate => {
    const steps = rateSteps(rate)
    return changed(steps, { seed: (cells, at, now, used) => { steps.seed(cells, at, now - rate.window / 2, used) } })
  }],
  ['a key that clears all', /keeps its keys apart/, rate => changed(rateSteps(rate), { clear: cells => { cells.fill(0) } })]
]

describe.each(STRATEGY_NAMES)('the suite of a rate strategy, given a %s', (strategy: RateStrategy) => {
  it.each(WRONG)('with %s, names the promise that is broken', async (_, promise, make) => {
    const broken = await brokenOf(rateStrategyCases(rate => make({ ...rate, strategy })))

    expect(broken).toContainEqual(expect.stringMatching(promise))
  })

  it('that is right, finds nothing', async () => {
    expect(await brokenOf(rateStrategyCases(rate => changed(rateSteps({ ...rate, strategy }), {})))).toEqual([])
  })
})
