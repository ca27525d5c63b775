import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { CrowdLedger, NO_CROWD } from '../../src/limiter/crowd-ledger.ts'
import type { Client } from '../../src/address/client-key.ts'
import type { Crowd } from '../../src/limiter/crowd-ledger.ts'

describe('CrowdLedger', () => {
  const relay = '12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttx2A'
  const client = (text: string) => clientOf(multiaddr(text))

  it.each<[string, string[], string, [number, number]]>([
    ['IPv4 by /24, then by /32', ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1', '/ip4/192.0.3.1/tcp/1'], '/ip4/192.0.2.1/tcp/9', [2, 1]],
    ['IPv6 by /48, then by /56', ['/ip6/2001:db8:1:200::1/tcp/1', '/ip6/2001:db8:1:2ff::1/tcp/1', '/ip6/2001:db8:1:300::1/tcp/1', '/ip6/2001:db8:2::/tcp/1'], '/ip6/2001:db8:1:200::9/tcp/1', [3, 2]],
    ['a mapped address is its IPv4 address', ['/ip6/::ffff:192.0.2.1/tcp/1'], '/ip4/192.0.2.1/tcp/1', [1, 1]],
    ['a relay by its peer, not by its IP', [`/ip4/192.0.2.1/tcp/1/p2p/${relay}/p2p-circuit`, '/ip4/192.0.2.1/tcp/1'], `/ip4/192.0.2.7/tcp/1/p2p/${relay}/p2p-circuit`, [1, 1]],
    ['without an IP by transport', ['/memory/1', '/memory/2', '/unix/a'], '/memory/3', [2, 2]]
  ])('crowds %s', (_, entered, asked, counts) => {
    const crowds = new CrowdLedger()
    for (const text of entered) crowds.enter(client(text))
    const crowd = crowds.find(client(asked))

    expect([crowds.wide(crowd), crowds.narrow(crowd)]).toEqual(counts)
    expect(crowds.around(client(asked))).toEqual({ wide: counts[0], narrow: counts[1] })
  })

  it.each<[string, string[], string, [number, number]]>([
    ['an IPv4 /24', ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1'], '/ip4/192.0.2.3/tcp/1', [2, 0]],
    ['an IPv6 /48', ['/ip6/2001:db8:1:200::1/tcp/1', '/ip6/2001:db8:1:300::1/tcp/1'], '/ip6/2001:db8:1::1/tcp/1', [2, 0]],
    ['nowhere', ['/ip4/192.0.2.1/tcp/1', '/memory/1'], '/ip6/2001:db8:1::1/tcp/1', [0, 0]]
  ])('counts who is around somebody of whom nobody is here: %s', (_, entered, asked, [wide, narrow]) => {
    const crowds = new CrowdLedger()
    for (const text of entered) crowds.enter(client(text))

    expect(crowds.around(client(asked))).toEqual({ wide, narrow })
  })

  it.each([
    ['IPv4', 200, (at: number) => client(`/ip4/10.${at}.0.1/tcp/1`)],
    ['IPv6', 200, (at: number) => client(`/ip6/2001:db8:${at}::1/tcp/1`)],
    ['relays', 100, (at: number): Client => ({ kind: 'relay', relay: `relay ${at}`, transport: 'relay' })]
  ])('counts each of a hundred crowds of %s, and is empty when they have left', (_, size, clientAt) => {
    const crowds = new CrowdLedger()
    const hundred = Array.from({ length: 100 }, (_, at) => clientAt(at))
    const places = [...hundred, ...hundred].map(one => crowds.enter(one))

    expect(hundred.map(one => crowds.around(one))).toEqual(hundred.map(() => ({ narrow: 2, wide: 2 })))
    expect(crowds.size).toBe(size)
    places.forEach(crowd => { crowds.leave(crowd) })
    expect(crowds.size).toBe(0)
  })

  it('is empty when all have left, in whatever order', () => {
    const texts = ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1', '/ip6/2001:db8::1/tcp/1', '/ip6/2001:db8:0:100::/tcp/1', '/memory/1', `/p2p/${relay}/p2p-circuit`, '/unix/a']

    fc.assert(fc.property(fc.array(fc.constantFrom(...texts), { maxLength: 100, size: 'max' }).chain(entered =>
      fc.tuple(fc.constant(entered), fc.shuffledSubarray([...entered.keys()], { minLength: entered.length }))), ([entered, order]) => {
      const crowds = new CrowdLedger()
      const places: Crowd[] = entered.map(text => crowds.enter(client(text)))
      for (const at of order) crowds.leave(places[at]!)

      expect(crowds.size).toBe(0)
      expect(texts.map(text => crowds.find(client(text)))).toEqual(texts.map(() => NO_CROWD))
    }))
  })
})
