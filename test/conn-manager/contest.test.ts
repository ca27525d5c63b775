import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { contest } from '../../src/conn-manager/contest.ts'
import { multiaddr } from '@multiformats/multiaddr'

const RATE = { strategy: 'token-bucket', limit: 32, window: 10_000 } as const
const NOW = 1_000_000

function from (address: string) {
  return clientOf(multiaddr(`${address}/tcp/1`))
}

describe('strangers at the full house', () => {
  it.each([
    ['one IPv4 /24', (n: number) => `/ip4/192.0.2.${n}`, 8],
    ['one IPv6 /48', (n: number) => `/ip6/2001:db8:1:${n}::1`, 8],
    ['many networks', (n: number) => `/ip4/10.${n}.0.1`, 32]
  ])('from %s start at most their share of the rate', (_, address, admitted) => {
    const { mayContest } = contest(RATE)
    const denials = Array.from({ length: 64 }, (_, n) => mayContest(from(address(n)), NOW))

    expect(denials.filter(denial => denial == null)).toHaveLength(admitted)
    expect(denials.at(-1)).toMatchObject({ allow: false, reason: 'contest-rate', limit: admitted })
  })

  it.each([[30, 8], [3, 1], [1, 1]])('at a limit of %i start %i from one network: a quarter, rounded up', (limit, expected) => {
    const { mayContest } = contest({ ...RATE, limit })

    expect(Array.from({ length: 64 }, () => mayContest(from('/ip4/192.0.2.1'), NOW)).filter(denial => denial == null)).toHaveLength(expected)
  })

  it('without an address share the common rate', () => {
    const { mayContest } = contest(RATE)
    const memory = clientOf(multiaddr('/memory/1'))

    expect(Array.from({ length: 64 }, () => mayContest(memory, NOW)).filter(denial => denial == null)).toHaveLength(32)
  })

  it('who are refused spend nothing: the rest of the rate is for others', () => {
    const { mayContest } = contest(RATE)
    for (let n = 0; n < 100; n++) mayContest(from(`/ip4/192.0.2.${n}`), NOW)

    expect(Array.from({ length: 64 }, (_, n) => mayContest(from(`/ip4/10.${n}.0.1`), NOW)).filter(denial => denial == null)).toHaveLength(24)
  })

  it('may try again when they were told', () => {
    const { mayContest } = contest(RATE)
    for (let n = 0; n < 8; n++) mayContest(from('/ip4/192.0.2.1'), NOW)

    const { retryAfter } = mayContest(from('/ip4/192.0.2.1'), NOW)!
    expect(mayContest(from('/ip4/192.0.2.1'), NOW + retryAfter! - 1)).toBeDefined()
    expect(mayContest(from('/ip4/192.0.2.1'), NOW + retryAfter!)).toBeUndefined()
  })

  it('are not held where the rate is unlimited', () => {
    const { mayContest } = contest({ ...RATE, limit: Infinity })
    expect(Array.from({ length: 64 }, () => mayContest(from('/ip4/192.0.2.1'), NOW)).filter(denial => denial != null)).toEqual([])
  })
})
