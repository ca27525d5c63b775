import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { grown } from '../../src/limiter/columns.ts'
import { CrowdLedger, NO_CROWD } from '../../src/limiter/crowd-ledger.ts'
import { NO_GROUP, PrefixGroups } from '../../src/limiter/prefix-groups.ts'
import type { Crowd } from '../../src/limiter/crowd-ledger.ts'

describe('grown', () => {
  it.each([
    ['Int32Array', new Int32Array([1, -2, 3]), 4],
    ['Float64Array', new Float64Array([1.5, -2]), 3],
    ['Uint8Array', new Uint8Array(64).fill(7), 80],
    ['Uint16Array', new Uint16Array(1), 2]
  ])('%s has a quarter more room, and what it had', (_, column, length) => {
    const larger = grown(column)

    expect(larger.constructor).toBe(column.constructor)
    expect(larger).toHaveLength(length)
    expect([...larger.subarray(0, column.length)]).toEqual([...column])
    expect([...larger.subarray(column.length)].every(value => value === 0)).toBe(true)
  })
})

describe('PrefixGroups', () => {
  const word = fc.oneof(fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000), fc.integer({ min: -4, max: 4 }))
  const key = fc.tuple(fc.constantFrom(0, 4, 6), word, word)

  it('counts as well as a map, and numbers each group once', () => {
    fc.assert(fc.property(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 600 }), steps => {
      const groups = new PrefixGroups()
      const members = new Map<string, number[]>()
      const of = (key: readonly number[]): number[] => members.get(key.join()) ?? []

      const act = {
        true: (key: readonly [number, number, number]) => { members.set(key.join(), [...of(key), groups.enter(...key)]) },
        false: (key: readonly [number, number, number]) => {
          for (const group of of(key).slice(-1)) expect(groups.leave(group)).toBe(of(key).length === 1)
          members.set(key.join(), of(key).slice(0, -1))
        }
      }

      for (const [key, enters] of steps) act[`${enters}`](key)

      const live = [...members.values()].filter(numbers => numbers.length > 0)
      expect(groups.size).toBe(live.length)
      expect(new Set(live.map(([group]) => group)).size).toBe(live.length)
      expect(live.map(([group]) => groups.members(group!))).toEqual(live.map(({ length }) => length))
      expect(steps.map(([key]) => groups.find(...key))).toEqual(steps.map(([key]) => of(key)[0] ?? NO_GROUP))
    }))
  })

  it('grows to 10,000 groups, shrinks to none, and loses nobody on the way', () => {
    const groups = new PrefixGroups()
    const keys = Array.from({ length: 10_000 }, (_, i) => i)
    const numbers = keys.map(key => groups.enter(4, key >> 3, key))
    expect(groups.size).toBe(10_000)

    for (const number of numbers.slice(100)) groups.leave(number)
    expect(keys.map(key => groups.find(4, key >> 3, key))).toEqual(numbers.map((number, i) => [number, NO_GROUP][Number(i >= 100)]))
    for (const number of numbers.slice(0, 100)) groups.leave(number)
    expect(groups.size).toBe(0)
  })
})

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
  })

  it('is empty when all have left, in whatever order', () => {
    const texts = ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1', '/ip6/2001:db8::1/tcp/1', '/ip6/2001:db8:0:100::/tcp/1', '/memory/1', `/p2p/${relay}/p2p-circuit`, '/unix/a']

    fc.assert(fc.property(fc.array(fc.constantFrom(...texts), { maxLength: 100 }).chain(entered =>
      fc.tuple(fc.constant(entered), fc.shuffledSubarray([...entered.keys()], { minLength: entered.length }))), ([entered, order]) => {
      const crowds = new CrowdLedger()
      const places: Crowd[] = entered.map(text => crowds.enter(client(text)))
      for (const at of order) crowds.leave(places[at]!)

      expect(crowds.size).toBe(0)
      expect(texts.map(text => crowds.find(client(text)))).toEqual(texts.map(() => NO_CROWD))
    }))
  })
})
