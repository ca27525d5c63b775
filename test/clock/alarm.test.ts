import { describe, expect, it } from 'vitest'
import { Alarm } from '../../src/clock/alarm.ts'
import { fakeClock } from '../../src/testing.ts'

describe('an alarm', () => {
  it('rings once, at the time it was set to last', () => {
    const clock = fakeClock(0)
    const rang: number[] = []
    const alarm = new Alarm(clock, () => { rang.push(clock.now()) })

    alarm.set(100)
    alarm.set(50)
    alarm.set(70)
    clock.advance(200)

    expect(rang).toEqual([70])
    expect(alarm.at).toBeUndefined()
  })

  it.each([['undefined', undefined], ['Infinity', Infinity]])('never rings when set to %s', (_, at) => {
    const clock = fakeClock(0)
    const alarm = new Alarm(clock, () => { throw new Error('rang') })

    alarm.set(10)
    alarm.set(at)
    clock.advance(100)

    expect(clock.pending).toBe(0)
  })

  it('rings at once when its time is past', () => {
    const clock = fakeClock(1_000)
    let rang = 0

    new Alarm(clock, () => { rang++ }).set(1)
    clock.advance(0)

    expect(rang).toBe(1)
  })

  it('can be set again from its own ring', () => {
    const clock = fakeClock(0)
    const rang: number[] = []
    const alarm: Alarm = new Alarm(clock, () => {
      rang.push(clock.now())
      alarm.set(clock.now() + 10)
    })

    alarm.set(10)
    clock.advance(35)
    alarm.clear()
    clock.advance(100)

    expect(rang).toEqual([10, 20, 30])
  })
})
