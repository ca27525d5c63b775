import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { UserQuotas } from '../../src/server/user-quotas.ts'
import type { Rate } from '../../src/limiter/rate.ts'

const rate = (limit: number, seconds: number): Rate => ({ strategy: 'fixed-window', limit, window: seconds * 1_000 })

describe('a user whose own quota and the path\'s are used up', () => {
  it.each([
    ['the path\'s', rate(1, 1), rate(1, 60)],
    ['his own', rate(1, 60), rate(1, 1)]
  ])('is told when both have something left again, %s last', (_, own, onPath) => {
    const clock = fakeClock()
    const users = new UserQuotas(own, { '/a': onPath }, clock)
    expect(users.take('alice', '/a')).toBeUndefined()
    expect(users.take('alice', '/a')).toEqual({ allow: false, action: 'close', reason: 'path-rate', limit: 1, retryAfter: 60_000, key: 'alice' })

    clock.advance(59_999)
    expect(users.take('alice', '/a')).toMatchObject({ retryAfter: 1 })
    clock.advance(1)
    expect(users.take('alice', '/a')).toBeUndefined()
  })

  it('has no time to wait for where one of them never has anything', () => {
    const users = new UserQuotas(rate(1, 60), { '/closed': rate(0, 1) }, fakeClock())
    expect(users.take('alice', '/')).toBeUndefined()

    expect(users.take('alice', '/closed')).toEqual({ allow: false, action: 'close', reason: 'path-rate', limit: 0, key: 'alice' })
  })
})
