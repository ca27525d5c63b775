import { describe, expect, it } from 'vitest'
import { httpRefusal } from '../../src/server/http-refusal.ts'
import { policyWriter, rateLimit, rateLimitPolicy, retryAfter } from '../../src/server/rate-limit-fields.ts'
import type { Quota } from '../../src/limiter/quota.ts'
import type { NamedQuotas } from '../../src/server/rate-limit-fields.ts'

const quota = (limit: number, remaining: number, window: number, resetAfter: number): Quota => ({ limit, remaining, window, resetAfter })

describe('the fields of draft-ietf-httpapi-ratelimit-headers-10', () => {
  it.each<[string, NamedQuotas, string | undefined, string | undefined]>([
    ['say what is left, and until when', { connection: quota(40, 39, 1_000, 1_000) }, '"connection";q=40;w=1', '"connection";r=39;t=1'],
    ['are lists, of the connection before the path', { path: quota(5, 4, 60_000, 60_000), connection: quota(40, 0, 1_000, 200) }, '"connection";q=40;w=1, "path";q=5;w=60', '"connection";r=0;t=1, "path";r=4;t=60'],
    ['name the user before the path', { path: quota(5, 4, 1_000, 0), user: quota(9, 8, 1_000, 1) }, '"user";q=9;w=1, "path";q=5;w=1', '"user";r=8;t=1, "path";r=4;t=0'],
    ['leave out what has no limit', { connection: quota(Infinity, Infinity, 1_000, 0), client: quota(3, 3, 2_000, 0) }, '"client";q=3;w=2', '"client";r=3;t=0'],
    ['are absent without any limit', { client: quota(Infinity, Infinity, 1_000, 0) }, undefined, undefined],
    ['name no window that is not whole seconds', { client: quota(3, 2, 1_500, 700) }, '"client";q=3', '"client";r=2;t=1'],
    ['have only whole numbers that a structured field can hold', { client: quota(2 ** 53 - 1, 1.5, 1_000, -5) }, '"client";q=999999999999999;w=1', '"client";r=1;t=0']
  ])('%s', (_, quotas, policy, limit) => {
    expect([rateLimitPolicy(quotas), rateLimit(quotas)]).toEqual([policy, limit])
  })

  it('are written anew when a policy is another, and only then', () => {
    const policyOf = policyWriter()
    const one = { connection: quota(40, 39, 1_000, 1_000) }
    const others: NamedQuotas[] = [
      { client: quota(40, 39, 1_000, 0) }, { client: quota(41, 39, 1_000, 0) }, { client: quota(41, 39, 2_000, 0) }, { user: quota(41, 39, 2_000, 0) },
      { user: quota(41, 39, 2_000, 0), path: quota(41, 39, 2_000, 0) }, {}, one
    ]

    expect(policyOf(one)).toBe('"connection";q=40;w=1')
    expect(policyOf({ connection: quota(40, 3, 1_000, 5) })).toBe('"connection";q=40;w=1')
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
