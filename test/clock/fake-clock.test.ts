import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/testing.ts'
import type { FakeClock } from '../../src/testing.ts'

describe('a fake clock', () => {
  it('stands still until it is moved', () => {
    const clock = fakeClock(1_000)

    expect(clock.now()).toBe(1_000)
    clock.advance(5)
    expect(clock.now()).toBe(1_005)
  })

  it('fires timers in order of their time, then of their making, each at its own time', () => {
    const clock = fakeClock(0)
    const fired: string[] = []
    const note = (name: string) => () => { fired.push(`${name} at ${clock.now()}`) }

    clock.after(20, note('second'))
    clock.after(10, note('first'))
    clock.after(20, note('third'))
    clock.after(21, note('too late'))
    clock.advance(20)

    expect(fired).toEqual(['first at 10', 'second at 20', 'third at 20'])
    expect(clock.pending).toBe(1)
  })

  it('fires a timer that is set while it advances, when that falls due in the same step', () => {
    const clock = fakeClock(0)
    const fired: number[] = []

    clock.after(10, () => {
      clock.after(5, () => { fired.push(clock.now()) })
      clock.after(50, () => { fired.push(clock.now()) })
    })
    clock.advance(20)

    expect(fired).toEqual([15])
  })

  it('forgets a cancelled timer, and cancelling again or too late does nothing', () => {
    const clock = fakeClock()
    let fired = 0
    const cancelled = clock.after(10, () => { fired++ })
    const late = clock.after(10, () => { fired++ })

    cancelled()
    cancelled()
    clock.advance(10)
    late()

    expect(fired).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it.each<[string, (clock: FakeClock) => void, number]>([
    ['jumped further', clock => { clock.jump(5_000) }, 5_000],
    ['advanced further', clock => { clock.advance(1_000) }, 1_010],
    ['jumped back', clock => { clock.jump(3) }, 100]
  ])('never goes back by itself: a callback that %s', (_, move, expected) => {
    const clock = fakeClock(0)
    clock.after(10, () => { move(clock) })
    clock.advance(100)

    expect(clock.now()).toBe(expected)
  })

  it.each<[string, (clock: FakeClock) => void, string]>([
    ['advance to nowhere', clock => { clock.advance(NaN) }, 'advance the clock: it must be a finite number of milliseconds, received NaN'],
    ['advance for ever', clock => { clock.advance(Infinity) }, 'advance the clock: it must be a finite number of milliseconds, received Infinity'],
    ['advance backwards', clock => { clock.advance(-1) }, 'advance the clock: it must be a number from 0, received -1'],
    ['advance in words', clock => { clock.advance('5' as unknown as number) }, 'advance the clock: it must be a finite number of milliseconds, received string'],
    ['jump to nowhere', clock => { clock.jump(NaN) }, 'move the clock to this time: it must be a finite number of milliseconds, received NaN'],
    ['set a timer of nowhen', clock => { clock.after(NaN, () => {}) }, 'set a timer: it must be a number of milliseconds, received NaN'],
    ['start nowhen', () => { fakeClock(NaN) }, 'start the clock at this time: it must be a finite number of milliseconds, received NaN']
  ])('does not %s, and changes nothing', (_, act, complaint) => {
    const clock = fakeClock(10)
    let fired = 0
    clock.after(5, () => { fired++ })

    expect(() => { act(clock) }).toThrow(expect.objectContaining({ code: 'ERR_CLOCK', message: `Could not ${complaint}` }))
    expect([clock.now(), fired, clock.pending]).toEqual([10, 0, 1])
    clock.advance(5)
    expect(fired).toBe(1)
  })

  it('goes on after a callback that threw, from the time at which it did', () => {
    const clock = fakeClock(0)
    const fired: number[] = []
    clock.after(5, () => { throw new Error('mine') })
    clock.after(7, () => { fired.push(clock.now()) })

    expect(() => { clock.advance(10) }).toThrow('mine')
    expect([clock.now(), clock.pending]).toEqual([5, 1])
    clock.advance(5)
    expect([clock.now(), fired]).toEqual([10, [7]])
  })

  it('never fires a timer of Infinity, which is armed all the same', () => {
    const clock = fakeClock()
    clock.after(Infinity, () => { throw new Error('mine') })
    clock.advance(1e15)

    expect(clock.pending).toBe(1)
  })

  it('jumps without firing, forwards and back', () => {
    const clock = fakeClock(1_000)
    let fired = 0
    clock.after(10, () => { fired++ })

    clock.jump(5_000)
    expect([clock.now(), fired]).toEqual([5_000, 0])

    clock.jump(500)
    expect([clock.now(), fired]).toEqual([500, 0])
  })
})
