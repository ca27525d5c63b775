import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { headerEnd } from '../../src/server/hold.ts'

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
