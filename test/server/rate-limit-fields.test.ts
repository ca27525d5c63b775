import { describe, expect, it } from 'vitest'
import { httpRefusal } from '../../src/server/http-refusal.ts'
import { policyWriter, rateLimit, rateLimitPolicy, retryAfter } from '../../src/server/rate-limit-fields.ts'
import type { NamedQuota, QuotaName } from '../../src/server/rate-limit-fields.ts'

const quota = (name: QuotaName, limit: number, remaining: number, window: number, resetAfter: number): NamedQuota => ({ name, quota: { limit, remaining, window, resetAfter } })

describe('the fields of draft-ietf-httpapi-ratelimit-headers-10', () => {
  it.each<[string, NamedQuota[], string | undefined, string | undefined]>([
    ['say what is left, and until when', [quota('connection', 40, 39, 1_000, 1_000)], '"connection";q=40;w=1', '"connection";r=39;t=1'],
    ['are lists', [quota('connection', 40, 0, 1_000, 200), quota('path', 5, 4, 60_000, 60_000)], '"connection";q=40;w=1, "path";q=5;w=60', '"connection";r=0;t=1, "path";r=4;t=60'],
    ['leave out what has no limit', [quota('connection', Infinity, Infinity, 1_000, 0), quota('client', 3, 3, 2_000, 0)], '"client";q=3;w=2', '"client";r=3;t=0'],
    ['are absent without any limit', [quota('client', Infinity, Infinity, 1_000, 0)], undefined, undefined],
    ['name no window that is not whole seconds', [quota('client', 3, 2, 1_500, 700)], '"client";q=3', '"client";r=2;t=1'],
    ['have only whole numbers that a structured field can hold', [quota('client', 2 ** 53 - 1, 1.5, 1_000, -5)], '"client";q=999999999999999;w=1', '"client";r=1;t=0']
  ])('%s', (_, quotas, policy, limit) => {
    expect([rateLimitPolicy(quotas), rateLimit(quotas)]).toEqual([policy, limit])
  })

  it('are written anew when a policy is another, and only then', () => {
    const policyOf = policyWriter()
    const one = [quota('connection', 40, 39, 1_000, 1_000)]
    const others = [[quota('client', 40, 39, 1_000, 0)], [quota('client', 41, 39, 1_000, 0)], [quota('client', 41, 39, 2_000, 0)], [], one]

    expect(policyOf(one)).toBe('"connection";q=40;w=1')
    expect(policyOf([quota('connection', 40, 3, 1_000, 5)])).toBe('"connection";q=40;w=1')
    for (const each of others) expect(policyOf(each)).toBe(rateLimitPolicy(each))
  })

  it.each([[undefined, 1], [0, 1], [1, 1], [1_000, 1], [1_001, 2], [86_400_000, 86_400]])('Retry-After of %s ms is %d s', (ms, seconds) => {
    expect(retryAfter(ms)).toBe(seconds)
  })

  it('of a refused connection are a complete answer that tells no limit', () => {
    expect(httpRefusal({ allow: false, action: 'close', reason: 'connection-limit', limit: 17, retryAfter: 2_500, key: '192.0.2.1' })).toBe(
      'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 18\r\n\r\nConnection refused')
  })
})
