import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { whoMakesRoom } from '../../src/connection-gater/make-room.ts'
import type { Crowdedness } from '../../src/connection-gater/make-room.ts'

const NOW = 1_000_000

/** Pending ones as rows: address, age in ms, and whether they are free. */
type Row = readonly [address: string, age: number, isFree?: boolean]

function makesRoom (rows: readonly Row[], newcomer: string, random = 0, upgradeTimeout = 10_000): number {
  const waiting = rows.map(([address, age, isFree = false]) => ({ client: clientOf(multiaddr(`${address}/tcp/1`)), since: NOW - age, isFree, address }))
  const count = (address: string): Crowdedness => ({
    narrow: rows.filter(row => row[0] === address).length,
    wide: rows.filter(row => wideOf(row[0]) === wideOf(address)).length
  })

  const leaver = whoMakesRoom({
    waiting,
    crowdedness: one => count(one.address),
    isFree: one => one.isFree,
    newcomer: { client: clientOf(multiaddr(`${newcomer}/tcp/1`)), crowd: count(newcomer) },
    now: NOW,
    upgradeTimeout,
    random: () => random
  })
  return leaver == null ? -1 : waiting.indexOf(leaver)
}

/** The /24 of an IPv4 address. */
function wideOf (address: string): string {
  return address.slice(0, address.lastIndexOf('.'))
}

describe('who makes room at the cap on pending connections', () => {
  it.each<[string, readonly Row[], string, number]>([
    ['nobody, where none is overdue or more crowded', [['/ip4/10.0.0.1', 0], ['/ip4/10.0.1.1', 0]], '/ip4/10.0.2.1', -1],
    ['the overdue one', [['/ip4/10.0.0.1', 1_999], ['/ip4/10.0.1.1', 2_000]], '/ip4/10.0.2.1', 1],
    ['the oldest overdue one of the most crowded /24', [['/ip4/10.0.0.1', 9_000], ['/ip4/10.0.1.1', 3_000], ['/ip4/10.0.1.2', 2_500]], '/ip4/10.0.2.1', 1],
    ['the more crowded address where the /24s are level', [['/ip4/10.0.0.1', 9_000], ['/ip4/10.0.0.2', 9_000], ['/ip4/10.0.1.1', 2_100], ['/ip4/10.0.1.1', 2_100]], '/ip4/10.0.2.1', 2],
    ['one in a strictly more crowded /24 than the newcomer\'s with it', [['/ip4/10.0.0.1', 5], ['/ip4/10.0.0.2', 5], ['/ip4/10.0.1.1', 5]], '/ip4/10.0.2.1', 1],
    ['nobody, where the newcomer would be as many', [['/ip4/10.0.0.1', 5], ['/ip4/10.0.0.2', 5], ['/ip4/10.0.1.1', 5]], '/ip4/10.0.1.2', -1],
    ['the more crowded address of the newcomer\'s own /24', [['/ip4/10.0.0.1', 5], ['/ip4/10.0.0.1', 5], ['/ip4/10.0.0.2', 5]], '/ip4/10.0.0.3', 1],
    ['nobody of a flood from one /24, for one more of it', [['/ip4/10.0.0.1', 5], ['/ip4/10.0.0.2', 5], ['/ip4/10.0.0.3', 5]], '/ip4/10.0.0.4', -1],
    ['no free one, overdue or crowded', [['/ip4/10.0.0.1', 9_000, true], ['/ip4/10.0.0.2', 9_000, true]], '/ip4/10.0.2.1', -1]
  ])('is %s', (_, rows, newcomer, expected) => {
    expect(makesRoom(rows, newcomer)).toBe(expected)
  })

  it('is chosen by lot among the more crowded', () => {
    const rows: Row[] = [['/ip4/10.0.0.1', 5], ['/ip4/10.0.0.2', 5], ['/ip4/10.0.0.3', 5]]
    expect([0, 0.4, 0.9].map(random => makesRoom(rows, '/ip4/10.0.2.1', random))).toEqual([2, 1, 0])
  })

  it('is overdue after a quarter of a shorter upgrade time-out', () => {
    expect(makesRoom([['/ip4/10.0.0.1', 250]], '/ip4/10.0.2.1', 0, 1_000)).toBe(0)
    expect(makesRoom([['/ip4/10.0.0.1', 249]], '/ip4/10.0.2.1', 0, 1_000)).toBe(-1)
  })
})

describe('who has just come makes room for', () => {
  const client = (address: string) => clientOf(multiaddr(address))
  const crowdOf = (narrow: number, wide = narrow): Crowdedness => ({ narrow, wide })
  const relays = ['12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttx2A', '12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj'] as const
  const through = (relay: string): string => `/ip4/203.0.113.1/tcp/1/p2p/${relay}/p2p-circuit`

  it.each<[string, string, Crowdedness, string, Crowdedness, boolean]>([
    ['a newcomer whose wide prefix is less crowded with it', '/ip4/192.0.2.1/tcp/1', crowdOf(1, 4), '/ip4/198.51.100.1/tcp/1', crowdOf(0, 2), true],
    ['none whose wide prefix is as crowded with it', '/ip4/192.0.2.1/tcp/1', crowdOf(1, 4), '/ip4/198.51.100.1/tcp/1', crowdOf(0, 3), false],
    ['one whose narrow prefix is less crowded then', '/ip4/192.0.2.1/tcp/1', crowdOf(2, 4), '/ip4/198.51.100.1/tcp/1', crowdOf(0, 3), true],
    ['a neighbour in the IPv4 /24 with fewer', '/ip4/192.0.2.0/tcp/1', crowdOf(2, 9), '/ip4/192.0.2.255/tcp/1', crowdOf(0, 9), true],
    ['none with as many once he is there', '/ip4/192.0.2.0/tcp/1', crowdOf(2, 9), '/ip4/192.0.2.255/tcp/1', crowdOf(1, 9), false],
    ['none of the next /24 that is as crowded', '/ip4/192.0.2.0/tcp/1', crowdOf(2, 9), '/ip4/192.0.3.0/tcp/1', crowdOf(0, 9), false],
    ['a neighbour in the IPv6 /48 with fewer', '/ip6/2001:db8:2::1/tcp/1', crowdOf(2, 9), '/ip6/2001:db8:2:ffff::1/tcp/1', crowdOf(0, 9), true],
    ['none of the next /48 that is as crowded', '/ip6/2001:db8:2::1/tcp/1', crowdOf(2, 9), '/ip6/2001:db8:3::1/tcp/1', crowdOf(0, 9), false],
    ['none of another /32 that is as crowded', '/ip6/2001:db8:2::1/tcp/1', crowdOf(2, 9), '/ip6/2001:db9:2::1/tcp/1', crowdOf(0, 9), false],
    ['none of the other family that is as crowded', '/ip4/192.0.2.1/tcp/1', crowdOf(2, 9), '/ip6/2001:db8::1/tcp/1', crowdOf(0, 9), false],
    ['none of a family that is as crowded, the other way round', '/ip6/2001:db8::1/tcp/1', crowdOf(2, 9), '/ip4/192.0.2.1/tcp/1', crowdOf(0, 9), false],
    ['none of his own relay, who are as many as he', through(relays[0]), crowdOf(9), through(relays[0]), crowdOf(9), false],
    ['one of a less crowded relay', through(relays[0]), crowdOf(9), through(relays[1]), crowdOf(7), true],
    ['none of his own transport', '/memory/1', crowdOf(9), '/memory/2', crowdOf(9), false]
  ])('%s', (_, address, crowd, newcomer, its, makesRoom) => {
    const waiting = { client: client(address), since: NOW }
    const leaver = whoMakesRoom({
      waiting: [waiting],
      crowdedness: () => crowd,
      isFree: () => false,
      newcomer: { client: client(newcomer), crowd: its },
      now: NOW,
      upgradeTimeout: 10_000,
      random: () => 0
    })

    expect(leaver).toBe(makesRoom ? waiting : undefined)
  })
})
