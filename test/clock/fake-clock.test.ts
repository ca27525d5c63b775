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
