import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { Deadlines } from '../../src/server/deadlines.ts'
import { headerEnd } from '../../src/server/hold.ts'

function deadlinesOf (ms: number) {
  const clock = fakeClock()
  const late: string[] = []

  return { clock, late, deadlines: new Deadlines<string>(clock, ms, member => { late.push(`${member}@${clock.now() - 1_700_000_000_000}`) }) }
}

describe('deadlines', () => {
  it('ring for each at its own time, with one timer', () => {
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

  it('ring for nobody who was in time, and begin anew for who comes again', () => {
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

  it('never ring at Infinity, nor after they were cleared', () => {
    const never = deadlinesOf(Infinity)
    never.deadlines.add('a')
    const cleared = deadlinesOf(100)
    cleared.deadlines.add('a')
    cleared.deadlines.clear()
    for (const { clock } of [never, cleared]) clock.advance(1_000_000)
    expect([never.late, cleared.late, never.clock.pending, cleared.clock.pending]).toEqual([[], [], 0, 0])
  })
})

describe('the end of a header', () => {
  it.each([
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', true],
    ['GET / HTTP/1.1\nHost: a\n\n', true],
    ['\r\n\r\nGET / HTTP/1.1\r\n', false],
    ['\r\nGET / HTTP/1.1\r\n\r\n', true],
    ['GET / HTTP/1.1\r\nHost: a\r\n', false],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', true]
  ])('of %j was seen: %s, however it is cut', (text, expected) => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: text.length, maxLength: text.length }), lengths => {
      const isWhole = headerEnd(1_000)
      const bytes = Buffer.from(text)
      let at = 0
      const seen = lengths.map(length => isWhole(bytes.subarray(at, at += length)))
      expect(seen.includes(true)).toBe(expected)
    }), { numRuns: 20 })
  })

  it('is left to the parser once it is too long', () => {
    const isWhole = headerEnd(10)
    expect([isWhole(Buffer.from('GET / HTT')), isWhole(Buffer.from('P'))]).toEqual([false, true])
  })
})
