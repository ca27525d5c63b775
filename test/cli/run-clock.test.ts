import { describe, expect, it } from 'vitest'
import { RunClock } from '../../src/cli/run-clock.ts'
import { fakeClock } from '../../src/clock/fake-clock.ts'

const HOUR = 3_600_000

function begun () {
  const clock = fakeClock()
  // other than its timers, what it shows can be set
  const shown = { by: 0 }
  const run = new RunClock({ ...clock, now: () => clock.now() + shown.by })
  const told: number[] = []
  run.begin()
  run.eachSecond(() => told.push(run.elapsed()) < 6)
  return { clock, shown, run, told }
}

describe('a run', () => {
  it('tells of every second, until nobody wants to know', () => {
    const { clock, run, told } = begun()
    clock.advance(10_000)

    expect([told, run.elapsed(), clock.pending]).toEqual([[1_000, 2_000, 3_000, 4_000, 5_000, 6_000], 10_000, 0])
  })

  it('has lasted 0 before it begins', () => {
    expect(new RunClock(fakeClock()).elapsed()).toBe(0)
  })

  it.each<[string, number, number[]]>([
    ['forward leaves out the seconds between', HOUR, [1_000, 2_000, HOUR + 3_000, HOUR + 4_000, HOUR + 5_000]],
    ['back takes no time back', -HOUR, [1_000, 2_000, 2_500, 4_000, 5_000]]
  ])('whose clock is set %s, and it tells once a second', (_, by, expected) => {
    const { clock, shown, run, told } = begun()
    clock.advance(2_500)
    run.elapsed()
    shown.by = by
    clock.advance(3_000)

    expect(told).toEqual(expected)
  })

  it('whose timers are early tells of no second twice', () => {
    const clock = fakeClock()
    const run = new RunClock({ ...clock, after: (ms, callback) => clock.after(ms - 1, callback) })
    const told: number[] = []
    run.begin()
    run.eachSecond(() => told.push(run.elapsed()) < 3)
    clock.advance(3_000)

    expect(told).toEqual([999, 1_999, 2_999])
  })
})
