import { equal, ok } from './case.ts'
import type { RateSteps } from '../rate-strategies/steps.ts'
import type { Rate } from '../rate.ts'
import type { ConformanceCase } from './case.ts'

/** A number of a real clock's size, so that rounding shows. */
const START = 1_700_000_000_000

interface Key {
  take (now: number, cost?: number): number
  wait (now: number, cost?: number): number
  used (now: number): number
  settles (now: number): number
  seed (now: number, used: number): void
  clear (): void
}

/** The second of two keys, so that a strategy which forgets its offset shows. */
function oneKey (steps: RateSteps): Key {
  const cells = new Float64Array(steps.width * 2)
  const at = steps.width

  return {
    take: (now, cost = 1) => steps.take(cells, at, START + now, cost),
    wait: (now, cost = 1) => steps.wait(cells, at, START + now, cost),
    used: now => steps.used(cells, at, START + now),
    settles: now => steps.settles(cells, at, START + now),
    seed: (now, used) => { steps.seed(cells, at, START + now, used) },
    clear: () => { steps.clear(cells, at) }
  }
}

/**
 * What every rate strategy promises, whichever way it counts.
 *
 * @param create - a strategy of 5 events per 1,000 ms, and whatever else is asked for
 */
export function rateStrategyCases (create: (rate: Pick<Rate, 'limit' | 'window'>) => RateSteps): ConformanceCase[] {
  const key = (limit = 5, window = 1_000): Key => oneKey(create({ limit, window }))

  return [
    {
      name: 'admits its limit at once and refuses one more',
      run () {
        const one = key()
        const { limit, window } = create({ limit: 5, window: 1_000 }).rate

        equal([limit, window], [5, 1_000], 'the limit and the window of its rate')
        for (let taken = 0; taken < 5; taken++) equal(one.take(0), 0, `event ${taken + 1}`)
        ok(one.take(0) > 0, 'event 6 is refused')
      }
    },
    {
      name: 'has all of its limit back one window after it was used up at once, and not before',
      run () {
        const [taken, seeded] = [key(), key()]
        taken.take(0, 5)
        seeded.seed(0, 5)

        for (const one of [taken, seeded]) {
          for (let ms = 0; ms < 1_000; ms++) {
            equal(one.settles(ms), 1_000 - ms, `the time to settle ${ms} ms later`)
            ok(one.wait(ms, 5) > 0, `the whole limit is refused ${ms} ms later`)
          }
          equal(one.take(1_000, 5), 0, 'the whole limit then')
        }
      }
    },
    {
      name: 'admits its limit once a window in the long run, whoever keeps asking',
      run () {
        const one = key()
        let admitted = 0

        for (let ms = 0; ms < 20_000; ms++) {
          if (one.take(ms) === 0) admitted++
        }
        ok(admitted >= 95 && admitted <= 105, `about 100 of 20,000 are admitted in 20 windows, not ${admitted}`)
      }
    },
    {
      name: 'admits at every instant what is not in use, and no more',
      run () {
        const one = key()

        for (const at of [0, 130, 260, 700, 1_100, 1_130, 2_500]) {
          one.take(at, 2)
          for (let ms = at; ms < at + 130; ms++) {
            const left = 5 - one.used(ms)
            equal(one.wait(ms, left), 0, `the wait of the ${left} that are left at ${ms} ms`)
            ok(one.wait(ms, left + 1) > 0, `one more than the ${left} that are left at ${ms} ms is refused`)
          }
        }
      }
    },
    {
      name: 'refuses at every instant before the wait it named, and admits at it',
      run () {
        const one = key()
        for (const at of [0, 10, 20, 30, 40]) one.take(at)
        const wait = one.wait(40)

        ok(wait > 0 && Number.isSafeInteger(wait), 'the wait is whole milliseconds')
        for (let ms = 0; ms < wait; ms++) equal([one.wait(40 + ms), one.take(40 + ms)], [wait - ms, wait - ms], `the wait and the answer ${ms} ms later`)
        equal(one.take(40 + wait), 0, 'the event at its time')
      }
    },
    {
      name: 'names the wait of a larger cost, too',
      run () {
        const one = key()
        one.take(0, 1)
        one.take(100, 4)
        const wait = one.wait(150, 3)

        ok(wait > 0, 'the cost has to wait')
        ok(one.wait(150 + wait - 1, 3) > 0, 'it is refused just before')
        equal(one.take(150 + wait, 3), 0, 'the cost at its time')
      }
    },
    {
      name: 'spends nothing when it refuses',
      run () {
        const one = key()
        one.take(0, 4)
        const wait = one.wait(1, 2)

        for (let more = 0; more < 100; more++) one.take(1, 2)
        equal(one.wait(1, 2), wait, 'the wait after a hundred refusals')
        equal(one.used(1), 4, 'what is used')
        equal(one.take(1, 1), 0, 'the one that is left')
      }
    },
    {
      name: 'spends nothing when it is only asked',
      run () {
        const one = key()

        for (let more = 0; more < 100; more++) equal([one.wait(0), one.used(0), one.settles(0)], [0, 0, 0], 'what it says')
        equal(one.take(0, 5), 0, 'the whole limit')
      }
    },
    {
      name: 'never admits a cost above its limit',
      run () {
        const one = key()
        one.take(0, 3)

        equal(one.wait(0, 6), Infinity, 'the wait')
        equal(one.take(0, 6), Infinity, 'the answer')
        equal(one.used(0), 3, 'what is used')
      }
    },
    {
      name: 'refuses all at a limit of 0',
      run () {
        const one = key(0)
        one.seed(0, 1)

        equal(one.take(0), Infinity, 'the answer')
        equal(one.used(0), 0, 'what is used')
        equal(one.settles(0), 0, 'the time to settle')
      }
    },
    {
      name: 'takes nothing for a cost of 0',
      run () {
        const one = key()

        equal(one.take(0, 0), 0, 'the answer')
        equal(one.used(0), 0, 'what is used')
        equal(one.settles(0), 0, 'the time to settle')
      }
    },
    {
      name: 'is equal to new when it has settled, and not before',
      run () {
        const one = key()
        one.take(0, 3)
        const settles = one.settles(0)

        ok(one.settles(settles - 1) > 0, 'it has not settled just before')
        equal(one.settles(settles), 0, 'the time left then')
        equal(one.used(settles), 0, 'what is used then')
        equal(one.take(settles, 5), 0, 'the whole limit at once')
      }
    },
    {
      name: 'is fresh in the beginning and when cleared',
      run () {
        const one = key()
        equal(one.used(0), 0, 'what is used at first')
        equal(one.settles(0), 0, 'the time to settle at first')
        one.take(0, 5)
        one.clear()
        equal(one.used(0), 0, 'what is used when cleared')
        equal(one.take(0, 5), 0, 'the whole limit')
      }
    },
    {
      name: 'takes over what another strategy counted, at most its limit',
      run () {
        const [some, more] = [key(), key()]
        some.seed(0, 3)
        more.seed(0, 9)

        equal(some.used(0), 3, 'what is used')
        equal(some.take(0, 2), 0, 'the rest')
        ok(some.take(0) > 0, 'nothing is left')
        equal(more.used(0), 5, 'what is used of more than the limit')
        ok(more.take(0) > 0, 'nothing is left of more than the limit')
      }
    },
    {
      name: 'keeps its keys apart',
      run () {
        const steps = create({ limit: 5, window: 1_000 })
        const cells = new Float64Array(steps.width * 2)
        steps.take(cells, 0, START, 5)

        equal(steps.used(cells, steps.width, START), 0, 'what the other one used')
        equal(steps.take(cells, steps.width, START, 5), 0, 'the limit of the other one')
        steps.clear(cells, steps.width)
        equal(steps.used(cells, 0, START), 5, 'what the first one used when the other one is cleared')
      }
    },
    {
      name: 'counts exactly at a limit of a million and over a day',
      run () {
        const one = key(1_000_000, 86_400_000)

        equal(one.take(0, 999_999), 0, 'all but one')
        equal(one.take(0), 0, 'the last')
        ok(one.take(0) > 0, 'one more is refused')
        equal(one.used(0), 1_000_000, 'what is used')
      }
    }
  ]
}
