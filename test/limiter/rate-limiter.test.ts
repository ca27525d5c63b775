import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { rateLimiter } from '../../src/limiter/rate-limiter.ts'
import type { Rate } from '../../src/limiter/rate.ts'

const RATE: Rate = { strategy: 'sliding-window', limit: 2, window: 1_000 }

describe('rateLimiter', () => {
  it('names limit, key and the exact wait when it denies', () => {
    const clock = fakeClock()
    const limiter = rateLimiter(RATE, { clock })
    limiter.take('alice')
    clock.advance(400)
    limiter.take('alice')

    expect(limiter.take('alice')).toEqual({ allow: false, action: 'drop', reason: 'rate', limit: 2, retryAfter: 600, key: 'alice' })
    expect(limiter.take('bob')).toEqual({ allow: true })
    clock.advance(600)
    expect(limiter.take('alice')).toEqual({ allow: true })
  })

  it('says never, not not now, for a cost above the limit', () => {
    expect(rateLimiter(RATE).take('alice', 3)).toEqual({ allow: false, action: 'drop', reason: 'cost-above-limit', limit: 2, key: 'alice' })
  })

  it('peeks without taking and resets', () => {
    const limiter = rateLimiter(RATE, { clock: fakeClock() })

    expect(limiter.peek('alice', 2)).toEqual({ allow: true })
    expect(limiter.size).toBe(0)
    limiter.take('alice', 2)
    expect(limiter.peek('alice')).toMatchObject({ allow: false, reason: 'rate' })
    expect(limiter.quota('alice')).toEqual({ limit: 2, remaining: 0, resetAfter: 1_000, window: 1_000 })
    expect(limiter.reset('alice')).toBe(true)
    expect(limiter.reset('alice')).toBe(false)
    expect(limiter.quota('alice')).toEqual({ limit: 2, remaining: 2, resetAfter: 0, window: 1_000 })
  })

  it('gives newcomers at a full ledger one shared quota of 64 times the limit', () => {
    const limiter = rateLimiter(RATE, { clock: fakeClock(), capacity: 4 })
    for (const key of ['a', 'b', 'c', 'd']) limiter.take(key, 2)

    const verdicts = Array.from({ length: 129 }, (_, at) => limiter.take(`newcomer ${at}`))
    expect(verdicts.slice(0, 128).every(({ allow }) => allow)).toBe(true)
    expect(verdicts[128]).toEqual({ allow: false, action: 'drop', reason: 'overflow-limit', limit: 128, retryAfter: 1_000, key: '(overflow)' })
    expect(limiter.size).toBe(4)
    expect(limiter.take('a')).toMatchObject({ allow: false, reason: 'rate' })
  })

  it('is unlimited and remembers nothing at Infinity, and refuses all at 0', () => {
    const limiter = rateLimiter({ ...RATE, limit: Infinity })
    expect(limiter.take('alice', 1_000_000)).toEqual({ allow: true })
    expect(limiter.size).toBe(0)
    expect(rateLimiter({ ...RATE, limit: 0 }).take('alice')).toMatchObject({ allow: false, reason: 'cost-above-limit' })
  })

  it('frees nobody when its strategy changes', () => {
    const limiter = rateLimiter(RATE, { clock: fakeClock() })
    limiter.take('alice', 2)
    limiter.setRate({ strategy: 'token-bucket' })

    expect(limiter.rate).toEqual({ ...RATE, strategy: 'token-bucket' })
    expect(limiter.take('alice')).toMatchObject({ allow: false, retryAfter: 500 })
    limiter.setRate({ limit: 4 })
    expect(limiter.quota('alice').remaining).toBe(2)
  })

  it.each([
    ['limit is negative', { ...RATE, limit: -1 }, 'rate.limit'],
    ['limit is a fraction', { ...RATE, limit: 1.5 }, 'rate.limit'],
    ['limit is NaN', { ...RATE, limit: NaN }, 'rate.limit'],
    ['limit times window is beyond what is counted exactly', { ...RATE, limit: 2 ** 50, window: 1_000 }, 'rate.limit'],
    ['window is 0', { ...RATE, window: 0 }, 'rate.window'],
    ['window never ends', { ...RATE, window: Infinity }, 'rate.window'],
    ['strategy is unknown', { ...RATE, strategy: 'leaky' as 'cooldown' }, 'rate.strategy'],
    ['rate is missing', undefined as unknown as Rate, 'rate']
  ])('throws when the %s, and changes nothing', (_, rate, option) => {
    const limiter = rateLimiter(RATE, { clock: fakeClock() })
    limiter.take('alice')

    expect(() => rateLimiter(rate)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
    expect(() => { limiter.setRate(rate) }).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    expect(limiter.rate).toEqual(RATE)
    expect(limiter.quota('alice').remaining).toBe(1)
  })

  it.each([-1, 0.5, NaN, Infinity, '1'])('throws for a cost of %s and takes nothing', cost => {
    const limiter = rateLimiter(RATE)

    expect(() => limiter.take('alice', cost as number)).toThrow('Could not use the option cost: it must be a whole number from 0')
    expect(limiter.size).toBe(0)
  })
})
