import { describe, expect, it } from 'vitest'
import { DeadlineQueue } from '../../src/clock/deadline-queue.ts'
import { fakeClock } from '../../src/clock/fake-clock.ts'

function deadlinesOf (ms: number) {
  const clock = fakeClock()
  const late: string[] = []

  return { clock, late, deadlines: new DeadlineQueue<string>(clock, ms, member => { late.push(`${member}@${clock.now() - 1_700_000_000_000}`) }) }
}

describe('DeadlineQueue', () => {
  it('rings for each at its own time, with one timer', () => {
    const { clock, late, deadlines } = deadlinesOf(100)
    deadlines.add('a')
    clock.advance(30)
    deadlines.add('b')
    expect(clock.pending).toBe(1)
    clock.advance(99)
    expect(late).toEqual(['a@100'])
    clock.advance(1)
    expect([late, deadlines.size, clock.pending]).toEqual([['a@100', 'b@130'], 0, 0])
  })

  it('rings for nobody who was in time, and begins anew for who comes again', () => {
    const { clock, late, deadlines } = deadlinesOf(100)
    deadlines.add('a')
    deadlines.add('b')
    expect([deadlines.delete('a'), deadlines.delete('a')]).toEqual([true, false])
    clock.advance(50)
    deadlines.add('b')
    clock.advance(99)
    expect(late).toEqual([])
    clock.advance(1)
    expect(late).toEqual(['b@150'])
  })

  it('never rings at Infinity, nor after it was cleared', () => {
    const never = deadlinesOf(Infinity)
    never.deadlines.add('a')
    const cleared = deadlinesOf(100)
    cleared.deadlines.add('a')
    cleared.deadlines.clear()
    for (const { clock } of [never, cleared]) clock.advance(1_000_000)
    expect([never.late, cleared.late, never.clock.pending, cleared.clock.pending]).toEqual([[], [], 0, 0])
  })

  it('makes nobody wait longer than the delay when the clock was set back: timers run on', () => {
    const late: string[] = []
    let [now, ring] = [1_000_000, () => {}]
    const clock = {
      now: () => now,
      after (_: number, callback: () => void) {
        ring = callback
        return () => {}
      }
    }
    const deadlines = new DeadlineQueue<string>(clock, 100, member => { late.push(member) })
    deadlines.add('before')
    now = 5
    deadlines.add('after')
    now = 50
    ring()

    expect(late).toEqual(['before'])
    now = 105
    ring()
    expect(late).toEqual(['before', 'after'])
  })

  it('lets begin anew who is due, and does not ring for them again at once, although time goes on meanwhile', () => {
    let [now, ring, rung] = [0, () => {}, 0]
    const clock = {
      now: () => now++,
      after (_: number, callback: () => void) {
        ring = callback
        return () => {}
      }
    }
    const deadlines: DeadlineQueue<string> = new DeadlineQueue(clock, 100, member => {
      rung++
      expect(rung).toBe(1)
      deadlines.add(member)
    })
    deadlines.add('a')
    now = 100
    ring()

    expect([rung, deadlines.has('a')]).toEqual([1, true])
  })

  it('leaves its timer where it is while others wait, and no timer when the last one goes', () => {
    const { clock, late, deadlines } = deadlinesOf(100)
    deadlines.add('a')
    deadlines.add('b')
    deadlines.delete('a')
    expect([clock.pending, deadlines.has('a'), deadlines.has('b')]).toEqual([1, false, true])
    deadlines.delete('b')
    expect([clock.pending, late]).toEqual([0, []])
  })
})
