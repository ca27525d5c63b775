import { describe, expect, it } from 'vitest'
import { partHouse } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { MockConnectionInit } from '../support/mock-connection.ts'

const app = [{ protocol: '/app/1', status: 'open' }]
type Init = Partial<MockConnectionInit> & { after?: number }

/** Which of one peer's connections are redundant: among valued others they go first, and say so. */
function redundant (inits: readonly Init[]): string[] {
  const { manager, open, clock } = partHouse({ lowWater: 1, highWater: 2, hardLimit: 100, gracePeriod: 0, outboundReserve: 0 })
  for (const { after = 0, ...init } of inits) {
    clock.advance(after)
    open({ remotePeer: peer(0), ...init })
  }
  open({ id: 'other', remotePeer: peer(1) })
  manager.tagPeer(peer(1), 'a', 1_000)
  manager.tagPeer(peer(0), 'a', 5_000)

  return manager.planTrim().entries.filter(({ reason }) => reason === 'redundant').map(({ connectionId }) => connectionId).toSorted()
}

describe('a peer\'s best connection', () => {
  it.each<[string, Init[], string[]]>([
    ['its only one', [{ id: 'a' }], []],
    ['direct before limited', [{ id: 'a', limits: { seconds: 60 }, streams: [] }, { id: 'b', after: 1 }], ['a']],
    ['direct before relayed', [{ id: 'a', direct: false }, { id: 'b', after: 1 }], ['a']],
    ['direct before in use', [{ id: 'a', limits: {}, streams: app }, { id: 'b', after: 1 }], []],
    ['in use before idle', [{ id: 'a', direction: 'outbound' }, { id: 'b', streams: app, after: 1 }], ['a']],
    ['outbound before inbound', [{ id: 'a' }, { id: 'b', direction: 'outbound', after: 1 }], ['a']],
    ['the older', [{ id: 'b' }, { id: 'a', after: 1 }], ['a']],
    ['the smaller id', [{ id: 'b' }, { id: 'a' }], ['b']],
    ['one of five, the others are redundant', ['a', 'b', 'c', 'd', 'e'].map(id => ({ id })), ['b', 'c', 'd', 'e']],
    ['others in use are not redundant', [{ id: 'a', streams: app }, { id: 'b', streams: app }, { id: 'c' }], ['c']],
    ['housekeeping is no use', [{ id: 'a', streams: app }, { id: 'b', streams: [{ protocol: '/ipfs/id/1.0.0', status: 'open' }] }], ['b']]
  ])('is %s', (_, inits, ids) => {
    expect(redundant(inits)).toEqual(ids)
  })

  it('is found among the open ones: when the best is closing, the next one is not redundant', () => {
    const { manager, openMany, open } = partHouse({ lowWater: 1, highWater: 2, hardLimit: 100, gracePeriod: 0 })
    const [best] = openMany(2, { remotePeer: peer(0) })
    open()
    best!.status = 'closing'

    expect(manager.planTrim().entries.every(({ reason }) => reason !== 'redundant')).toBe(true)
  })
})
