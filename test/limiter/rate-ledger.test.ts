import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIp } from '../../src/address/ip.ts'
import { rateLedgerCases } from '../../src/limiter/conformance/rate-ledger.ts'
import { NO_PLACE, prefixRateLedger, textRateLedger } from '../../src/limiter/rate-ledger.ts'
import type { Ip } from '../../src/address/ip.ts'
import type { RateLedger } from '../../src/limiter/rate-ledger.ts'
import type { Rate } from '../../src/limiter/rate.ts'

const RATE: Rate = { strategy: 'fixed-window', limit: 2, window: 1_000 }

describe('a ledger of text keys keeps the contract', () => {
  it.each(rateLedgerCases<string>({
    create: (rate, capacity, pinned) => textRateLedger(rate, capacity, pinned),
    key: at => `key ${at}`
  }))('$name', ({ run }) => run())
})

describe('a ledger of IPv4 prefixes keeps the contract', () => {
  it.each(rateLedgerCases<Ip>({
    create: (rate, capacity, pinned) => prefixRateLedger(rate, { family: 4, length: 32, capacity }, pinned),
    // A network each, below 2^16 keys.
    key: at => ({ family: 4, bits: (at << 16 | at >>> 16) >>> 0 })
  }))('$name', ({ run }) => run())
})

describe.each([48, 56, 64, 128])('a ledger of IPv6 prefixes of length %d keeps the contract', length => {
  it.each(rateLedgerCases<Ip>({
    create: (rate, capacity, pinned) => prefixRateLedger(rate, { family: 6, length, capacity }, pinned),
    key: at => ({ family: 6, a: at, b: 0, c: 0, d: 0 })
  }))('$name', ({ run }) => run())
})

function ip (text: string): Ip {
  return parseIp(text)!
}

describe('setting a rate to what it is', () => {
  it.each(['cooldown', 'fixed-window', 'sliding-window', 'token-bucket'] as const)('makes nobody wait longer: %s', strategy => {
    const rate: Rate = { strategy, limit: 2, window: 1_000 }
    const ledger = textRateLedger(rate, 16)
    const start = 1_700_000_000_000
    for (let n = 0; n < 2; n++) ledger.take('a', start)
    const before = ledger.wait('a', start + 300)

    ledger.setRate({ ...rate }, start + 300)
    expect(before).toBeGreaterThan(0)
    expect(ledger.wait('a', start + 300)).toBe(before)
  })
})

describe('a limit of Infinity in between', () => {
  it.each(['cooldown', 'fixed-window', 'sliding-window', 'token-bucket'] as const)('is a new beginning, with a whole quota for everybody: %s', strategy => {
    const rate: Rate = { strategy, limit: 2, window: 1_000 }
    const ledger = textRateLedger(rate, 16)
    for (let n = 0; n < 2; n++) ledger.take('a', 10)
    ledger.setRate({ ...rate, limit: Infinity }, 20)
    for (let n = 0; n < 9; n++) expect(ledger.take('a', 30)).toBe(0)
    ledger.setRate(rate, 40)

    expect([ledger.take('a', 50), ledger.take('a', 50), ledger.take('a', 50) > 0]).toEqual([0, 0, true])
  })
})

describe('prefixes', () => {
  it('counts addresses of one prefix as one key', () => {
    const ledger = prefixRateLedger(RATE, { family: 6, length: 56, capacity: 64 })

    expect(ledger.take(ip('2001:db8:1:200::1'), 0)).toBe(0)
    expect(ledger.take(ip('2001:db8:1:2ff:1:2:3:4'), 0)).toBe(0)
    expect(ledger.take(ip('2001:db8:1:201::1'), 0)).toBe(1_000)
    expect(ledger.take(ip('2001:db8:1:300::1'), 0)).toBe(0)
    expect(ledger.size).toBe(2)
  })

  it('gives one network a sixteenth, in which it makes room for itself', () => {
    const ledger = prefixRateLedger(RATE, { family: 4, length: 32, capacity: 64 })
    expect(ledger.take(ip('198.51.100.1'), 0)).toBe(0)

    for (let host = 1; host <= 200; host++) ledger.take(ip(`10.0.0.${host}`), 500)

    expect(ledger.size).toBe(1 + 4)
    expect(ledger.used(ip('198.51.100.1'), 500)).toBe(1)
    expect(ledger.used(ip('10.0.0.200'), 500)).toBe(1)
  })

  it('has no place for a network whose share is used up by refused ones, and places for others', () => {
    const ledger = prefixRateLedger(RATE, { family: 4, length: 32, capacity: 64 })
    for (let host = 1; host <= 4; host++) ledger.take(ip(`10.0.0.${host}`), 0, 2)

    expect(ledger.take(ip('10.0.99.1'), 0)).toBe(NO_PLACE)
    expect(ledger.take(ip('10.1.0.1'), 0)).toBe(0)
    expect(ledger.take(ip('10.0.99.1'), 1_000)).toBe(0)
  })

  it('frees no offender of a thousand when a million addresses rotate through it, and is never fuller than full', () => {
    const ledger = prefixRateLedger(RATE, { family: 4, length: 32, capacity: 2_000 })
    const offenders = Array.from({ length: 1_000 }, (_, at): Ip => ({ family: 4, bits: 0xc0000000 + at * 65_536 }))
    offenders.forEach(offender => ledger.take(offender, 0, 2))

    for (let at = 0; at < 1_000_000; at++) ledger.take({ family: 4, bits: Math.imul(at, 2_654_435_761) >>> 2 }, at / 2_000)

    expect(ledger.size).toBeLessThanOrEqual(2_000)
    expect(offenders.filter(offender => ledger.wait(offender, 500) > 0)).toHaveLength(1_000)
  })

  describe('where somebody tells who an offender is', () => {
    const offender = ip('192.0.2.1')
    const isOffender = ({ bits }: { bits?: number }): boolean => bits === 0xc0000201
    const full = (): RateLedger<Ip> => {
      const ledger = prefixRateLedger(RATE, { family: 4, length: 32, capacity: 16 }, key => isOffender(key as { bits?: number }))
      ledger.take(offender, 0, 2)
      for (let net = 1; net < 16; net++) ledger.take(ip(`10.${net}.0.1`), net, 2)
      return ledger
    }

    it('finds a place for a newcomer among refused ones that are no offenders, and takes that of the nearest to new', () => {
      const ledger = full()

      expect(ledger.take(ip('198.51.100.1'), 500)).toBe(0)
      expect([ledger.used(ip('10.1.0.1'), 500), ledger.used(ip('10.2.0.1'), 500), ledger.wait(offender, 500)]).toEqual([0, 2, 500])
    })

    it('takes the place of one with something left before that of a refused one, which would be new sooner', () => {
      const ledger = full()
      ledger.reset(ip('10.7.0.1'))
      ledger.take(ip('10.7.0.1'), 400)

      expect(ledger.take(ip('198.51.100.1'), 500)).toBe(0)
      expect([ledger.used(ip('10.7.0.1'), 500), ledger.used(ip('10.1.0.1'), 500)]).toEqual([0, 2])
    })

    it('frees no offender and has a place for everybody when a million addresses rotate through it', () => {
      const ledger = full()
      const placeless = Array.from({ length: 1_000_000 }, (_, at): Ip => ({ family: 4, bits: Math.imul(at, 2_654_435_761) >>> 2 }))
        .filter((stranger, at) => ledger.take(stranger, 20 + at / 2_000, 2) === NO_PLACE)

      expect(placeless).toEqual([])
      expect(ledger.wait(offender, 520)).toBeGreaterThan(0)
      expect(ledger.size).toBe(16)
    })
  })

  it('agrees with a Map through any sequence of keys, resets and time', () => {
    const moves = fc.array(fc.record({ net: fc.nat(40), host: fc.nat(3), gap: fc.nat(300), reset: fc.boolean() }), { maxLength: 400, size: 'max' })

    fc.assert(fc.property(moves, given => {
      const ledger = prefixRateLedger(RATE, { family: 4, length: 32, capacity: 10_000 })
      const model = new Map<number, { start: number, used: number }>()
      let now = 0

      for (const { net, host, gap, reset } of given) {
        now += gap
        const bits = (net << 16 | host) >>> 0
        const known = model.get(bits)
        const entry = known == null || now - known.start >= 1_000 ? { start: now, used: 0 } : known

        expect(ledger.take({ family: 4, bits }, now) === 0).toBe(entry.used < 2)
        entry.used = Math.min(entry.used + 1, 2)
        model.set(bits, entry)
        if (reset) expect(ledger.reset({ family: 4, bits })).toBe(model.delete(bits))
        expect(ledger.size).toBe(model.size)
      }
    }))
  })
})
