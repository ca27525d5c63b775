import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { next, openOnes, partHouse, storedPeer } from '../support/mock-house.ts'
import type { MockConnection } from '../support/mock-connection.ts'
import type { PartHouse } from '../support/mock-house.ts'

const SECOND = 1_000
const marks = { lowWater: 160, highWater: 192, hardLimit: 384, outboundReserve: 38, gracePeriod: 60 * SECOND, silencePeriod: 10 * SECOND }
const remoteAddr = (n: number): string => `/ip4/203.0.${n >> 8}.${n & 255}/tcp/4001`

/** A house of `count` peers past their grace. */
function settled (count: number): PartHouse & { old: MockConnection[] } {
  const house = partHouse(marks)
  house.manager.start()
  const old = house.openMany(count)
  house.clock.advance(120 * SECOND)
  return { ...house, old }
}

describe('a flood that renews its connections inside grace', () => {
  it.each([
    ['of worthless peers', 0],
    ['of peers that somebody values', 50]
  ])('%s does not purge 160 older peers', async (_, value) => {
    const { manager, old, openMany, clock } = settled(160)
    let flood: MockConnection[] = []

    for (let minute = 0; minute < 10; minute++) {
      for (const connection of flood) connection.end()
      flood = openMany(180)
      for (const { remotePeer } of flood) manager.tagPeer(remotePeer, 'bait', value)
      clock.advance(50 * SECOND)
      await manager.trimOpenConns()
    }

    expect(openOnes(old)).toHaveLength(160)
    expect(manager.getInfo().connCount).toBeLessThanOrEqual(marks.hardLimit)
  })

  it('whose connections stay past their grace is what goes', async () => {
    const { manager, old, openMany, clock } = settled(160)
    for (const { remotePeer } of old) manager.tagPeer(remotePeer, 'known', 1)
    const flood = openMany(180)
    const empty = next(manager, 'trim')
    clock.advance(0)
    await empty

    const trimmed = next(manager, 'trim')
    clock.advance(60 * SECOND)
    await expect(trimmed).resolves.toMatchObject({ closed: 180, open: 160 })
    expect(openOnes(flood)).toEqual([])
  })
})

describe('forged keep-alive tags', () => {
  it('of 200 peers spare a quarter of the low mark, and do not stop a trim', async () => {
    const { manager, old, openMany, clock } = settled(100)
    for (const { remotePeer } of old) manager.tagPeer(remotePeer, 'known', 1)
    const forged = openMany(200)
    for (const { remotePeer } of forged) manager.peerUpdated(storedPeer(remotePeer, { 'keep-alive-kad': 0 }))
    clock.advance(0)
    await new Promise(resolve => { setImmediate(resolve) })

    const trimmed = next(manager, 'trim')
    clock.advance(60 * SECOND)
    await expect(trimmed).resolves.toMatchObject({ open: 160, spared: { 'keep-alive': 40 } })
    expect(openOnes(old)).toHaveLength(100)
    expect(openOnes(forged)).toHaveLength(60)
  })

  it('of 20 peers with ten connections each spare one connection each', async () => {
    const { manager, openMany, connections, clock } = settled(0)
    const honest = openMany(20)
    for (const { remotePeer } of honest) {
      openMany(9, { remotePeer })
      manager.peerUpdated(storedPeer(remotePeer, { 'keep-alive': 0 }))
    }
    clock.advance(0)
    await new Promise(resolve => { setImmediate(resolve) })

    const trimmed = next(manager, 'trim')
    clock.advance(60 * SECOND)
    await expect(trimmed).resolves.toMatchObject({ spared: { 'keep-alive': 20 } })
    expect(openOnes(connections)).toHaveLength(160)
    expect(openOnes(honest)).toHaveLength(20)
  })

  it('of 20 peers do not fill the house: a newcomer of value takes the place of one', () => {
    const { manager, openMany, make, crowds } = settled(0)
    for (const { remotePeer } of openMany(346)) manager.peerUpdated(storedPeer(remotePeer, { 'keep-alive': 0 }))
    const newcomer = make()
    manager.tagPeer(newcomer.remotePeer, 'known', 1)
    const client = clientOf(newcomer.remoteAddr)
    crowds.enter(client)

    expect(manager.house.reserve({ peer: newcomer.remotePeer, client, direction: 'inbound', trusted: false, timeline: {} }).allow).toBe(true)
  })

  it('do not count under memory pressure', async () => {
    const { manager, openMany, connections } = settled(0)
    for (const { remotePeer } of openMany(300)) manager.peerUpdated(storedPeer(remotePeer, { 'keep-alive': 0 }))
    await manager.forceTrim()

    expect(openOnes(connections)).toHaveLength(160)
  })
})

describe('the full house of junk connections', () => {
  it.each<[string, Partial<MockConnection>]>([
    ['that are idle', { streams: [] }],
    ['with one app stream each', { streams: [{ protocol: '/app/1', status: 'open' }] }],
    ['with 100 app streams each', { streams: Array.from({ length: 100 }, () => ({ protocol: '/app/1', status: 'open' })) }]
  ])('%s from ten networks does not beat an honest newcomer', (_, busy) => {
    const house = partHouse(marks)
    house.manager.start()
    for (let i = 0; i < 346; i++) Object.assign(house.open({ remoteAddr: remoteAddr(i) }), busy)
    const honest = house.make({ remoteAddr: '/ip4/198.51.100.7/tcp/4001' })
    const client = clientOf(honest.remoteAddr)
    house.crowds.enter(client)
    const place = house.manager.house.reserve({ peer: honest.remotePeer, client, direction: 'inbound', trusted: false, timeline: honest.timeline })

    expect(place.allow).toBe(true)
    const stranger = clientOf(house.make({ remoteAddr: remoteAddr(1_000) }).remoteAddr)
    for (let i = 0; i < 256; i++) house.crowds.enter(stranger)
    expect(house.manager.house.reserve({ peer: house.make().remotePeer, client: stranger, direction: 'inbound', trusted: false, timeline: {} }).allow).toBe(false)
  })

  it('with idle, never negotiated, half-closed and housekeeping streams is as idle as without', () => {
    const { manager, openMany } = partHouse({ ...marks, lowWater: 1, gracePeriod: 0 })
    const [used, ...junk] = openMany(9)
    const streams = [
      { protocol: '', status: 'open' }, { status: 'open' }, { protocol: '/app/1', status: 'closed' }, { protocol: '/app/1', status: 'closing' },
      { protocol: '/ipfs/ping/1.0.0', status: 'open' }, { protocol: '/ipfs/id/1.0.0', status: 'open' }, { protocol: '/ipfs/id/push/1.0.0', status: 'open' },
      { protocol: '/libp2p/autonat/1.0.0', status: 'open' }, { protocol: '/libp2p/autonat/2/dial-request', status: 'open' },
      { protocol: '/libp2p/autonat/2/dial-back', status: 'open' }, { protocol: '/libp2p/dcutr', status: 'open' }
    ]
    for (const connection of junk) connection.streams = streams
    used!.streams = [{ protocol: '/app/1', status: 'open' }]

    const { entries } = manager.planTrim()
    expect(entries).toHaveLength(8)
    expect(entries.every(({ reason, connectionId }) => reason === 'idle' && connectionId !== used!.id)).toBe(true)
  })
})
