import { expect, it } from 'vitest'
import { FavouredAddresses } from '../../src/connection-gater/favoured-addresses.ts'
import type { ClientKey } from '../../src/address/client-key.ts'
import type { PeerId } from '@libp2p/interface'

const PEERS = Array.from({ length: 4 }, (_, n) => ({ toString: () => `peer ${n}` }) as PeerId)

/** Who came from where, one after the other: [peer, address]. */
type Visit = readonly [peer: number, address: number]

it.each<[string, readonly Visit[], readonly number[]]>([
  ['every address of a peer, up to four', [[0, 1], [0, 2], [0, 3], [0, 4]], [1, 2, 3, 4]],
  ['his last four', [[0, 1], [0, 2], [0, 3], [0, 4], [0, 5]], [2, 3, 4, 5]],
  ['those from which he came again', [[0, 1], [0, 2], [0, 3], [0, 4], [0, 1], [0, 5]], [1, 3, 4, 5]],
  ['an address that another one came from, too', [[0, 1], [1, 1], [0, 2], [0, 3], [0, 4], [0, 5]], [1, 2, 3, 4, 5]],
  ['as many peers as there is room for', [[0, 1], [1, 2]], [1, 2]],
  ['no more of the one not seen for longest, when there is one too many', [[0, 1], [0, 2], [1, 3], [2, 4]], [3, 4]],
  ['more of one who came again', [[0, 1], [1, 3], [0, 2], [2, 4]], [1, 2, 4]]
])('remembers %s', (_, visits, expected) => {
  const favoured = new FavouredAddresses(2)
  for (const [peer, address] of visits) favoured.remember(PEERS[peer]!, `${address}` as ClientKey)

  expect([1, 2, 3, 4, 5].filter(address => favoured.has(`${address}` as ClientKey, () => true))).toEqual(expected)
  expect(favoured.size).toBe(Math.min(new Set(visits.map(([peer]) => peer)).size, 2))
})

it('asks who is still a favourite', () => {
  const favoured = new FavouredAddresses(2)
  favoured.remember(PEERS[0]!, '1' as ClientKey)
  favoured.remember(PEERS[1]!, '1' as ClientKey)

  expect(PEERS.slice(0, 3).map(friend => favoured.has('1' as ClientKey, peer => peer === friend))).toEqual([true, true, false])
})
