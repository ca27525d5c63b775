import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/testing.ts'
import { fleet, present } from '../support/fleet.ts'
import { componentsOf } from '../support/inside.ts'
import { inMemory } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { Hub, Visit } from '../support/fleet.ts'
import type { Libp2p } from '@libp2p/interface'

const { hub: startHub, visit, visitor } = fleet()

const HOUR = 3_600_000

function valueOf (hub: Hub, { peerId }: { peerId: Libp2p['peerId'] }): number | undefined {
  return hub.services.connManager.getTagInfo(peerId)?.value
}

/** Counts what the hub asks its peer store for. */
function countReads (hub: Hub): () => number {
  const { peerStore } = hub
  const get = peerStore.get.bind(peerStore)
  let reads = 0
  peerStore.get = async (...args) => {
    reads++
    return get(...args)
  }

  return () => reads
}

/** Peers that listen, so that js-libp2p could dial them again, and the connections that the hub opened by itself. */
let listening = 0

async function visitListening (hub: Hub, count: number): Promise<Visit[]> {
  const visits: Visit[] = []
  for (let i = 0; i < count; i++) visits.push(...await visit(hub, 1, { ...inMemory, addresses: { listen: [`/memory/peer-${++listening}`] } }))

  return visits
}

async function keepAlive (hub: Hub, { from }: Visit): Promise<void> {
  await hub.peerStore.merge(from.peerId, { multiaddrs: from.getMultiaddrs(), tags: { 'keep-alive-test': { value: 1 } } })
}

function countDials (hub: Hub): () => number {
  let dials = 0
  componentsOf(hub).events.addEventListener('connection:open', ({ detail }) => { dials += Number(detail.direction === 'outbound') })
  return () => dials
}

describe('the peer store\'s tags', () => {
  it('change the value of a connected peer at once', async () => {
    const hub = await startHub()
    const [visit1] = await visit(hub, 1)
    hub.services.connManager.tagPeer(visit1!.peerId, 'own', 5)

    await hub.peerStore.merge(visit1!.peerId, { tags: { bootstrap: { value: 50 } } })
    expect(valueOf(hub, visit1!)).toBe(55)
    expect(hub.services.connManager.getTagInfo(visit1!.peerId)!.tags).toEqual({ own: 5, bootstrap: 50 })

    await hub.peerStore.merge(visit1!.peerId, { tags: { bootstrap: undefined } })
    expect(valueOf(hub, visit1!)).toBe(5)
  })

  it('count until they expire, which no event tells', async () => {
    const clock = fakeClock(Date.now())
    const hub = await startHub({ clock })
    const [visit1] = await visit(hub, 1)
    await hub.peerStore.merge(visit1!.peerId, { tags: { short: { value: 50, ttl: HOUR }, long: { value: 7 } } })
    expect(valueOf(hub, visit1!)).toBe(57)

    clock.advance(HOUR + 60_000)

    expect(valueOf(hub, visit1!)).toBe(7)
    expect(hub.services.connManager.getTagInfo(visit1!.peerId)!.tags).toEqual({ long: 7 })
  })

  it('decide a trim, with their expiry honoured', async () => {
    const clock = fakeClock(Date.now())
    const hub = await startHub({ lowWater: 1, highWater: 100, clock })
    const visits = await visit(hub, 3)
    await hub.peerStore.merge(visits[0]!.peerId, { tags: { short: { value: 100, ttl: HOUR } } })
    await hub.peerStore.merge(visits[1]!.peerId, { tags: { long: { value: 10 } } })
    clock.advance(HOUR + 60_000)

    await hub.services.connManager.trimOpenConns()

    await until('one is left', () => hub.getConnections().length === 1)
    expect(present(hub, visits)).toEqual([1])
  })

  it('of before the connection are read once, when it opens, and never for a trim', async () => {
    const hub = await startHub({ lowWater: 1, highWater: 100 })
    const known = await visitor()
    await hub.peerStore.merge(known.peerId, { tags: { bootstrap: { value: 50 } } })
    const reads = countReads(hub)

    await known.dial(hub.getMultiaddrs())
    await until('they are read', () => valueOf(hub, known) === 50)
    expect(reads()).toBe(1)

    await known.dial(hub.getMultiaddrs(), { force: true })
    await until('the second is open', () => hub.getConnections().length === 2)
    await visit(hub, 2)
    expect(reads()).toBe(3)

    // the plan is made before the first `await`; js-libp2p reads the store for each connection that closes after it
    const trim = hub.services.connManager.trimOpenConns()
    expect(reads()).toBe(3)
    await expect(trim).resolves.toMatchObject({ closed: 3, open: 1 })
    await until('the others are gone', () => hub.getConnections().length === 1)
    expect(present(hub, [known])).toEqual([0])
  })

  it('of a peer that has left are not kept, and read again when it is back', async () => {
    const hub = await startHub()
    const [visit1] = await visit(hub, 1)
    await hub.peerStore.merge(visit1!.peerId, { tags: { bootstrap: { value: 50 } } })
    await visit1!.connection.close()
    await until('it is gone', () => hub.getConnections().length === 0)
    expect(hub.services.connManager.getTagInfo(visit1!.peerId)).toBeUndefined()

    await hub.peerStore.merge(visit1!.peerId, { tags: { bootstrap: { value: 60 } } })
    expect(hub.services.connManager.getTagInfo(visit1!.peerId)).toBeUndefined()

    await visit1!.from.dial(hub.getMultiaddrs())
    await until('its tag is read', () => valueOf(hub, visit1!) === 60)
  })
})

describe('a keep-alive tag', () => {
  it('spares its peer in a normal trim, so that nobody is redialled', async () => {
    const hub = await startHub({ lowWater: 4, highWater: 100 })
    const visits = await visitListening(hub, 6)
    await keepAlive(hub, visits[2]!)
    for (const [i, { peerId }] of visits.entries()) hub.services.connManager.tagPeer(peerId, 'worth', i === 2 ? -9 : i)
    const dials = countDials(hub)
    const [before] = hub.getConnections(visits[2]!.peerId)

    const report = await hub.services.connManager.trimOpenConns()

    expect(report).toMatchObject({ closed: 2, open: 4, spared: { 'keep-alive': 1 } })
    await until('four are left', () => hub.getConnections().length === 4)
    expect(present(hub, visits)).toEqual([2, 3, 4, 5])
    expect(hub.getConnections(visits[2]!.peerId)).toEqual([before])
    expect(hub.services.connManager.isProtected(visits[2]!.peerId)).toBe(false)
    expect(dials()).toBe(0)
  })

  it('spares its peer\'s best connection only', async () => {
    const hub = await startHub({ lowWater: 4, highWater: 100 })
    const visits = await visitListening(hub, 3)
    await keepAlive(hub, visits[0]!)
    for (let i = 0; i < 3; i++) await visits[0]!.from.dial(hub.getMultiaddrs(), { force: true })
    await until('all six are open', () => hub.services.connManager.getInfo().connCount === 6)
    const [best] = hub.getConnections(visits[0]!.peerId)

    await hub.services.connManager.trimOpenConns()

    await until('four are left', () => hub.getConnections().length === 4)
    expect(hub.getConnections(visits[0]!.peerId)).toContain(best)
    expect(present(hub, visits)).toEqual([0, 1, 2])
  })

  it('forged by 20 peers spares a quarter of the low mark, the most valuable ones', async () => {
    const hub = await startHub({ lowWater: 8, highWater: 100 })
    const honest = await visitListening(hub, 8)
    for (const { peerId } of honest) hub.services.connManager.tagPeer(peerId, 'worth', 10)
    const forgers = await visitListening(hub, 20)

    for (const [i, { peerId }] of forgers.entries()) {
      // no address: what js-libp2p's reconnect queue does with those that are closed is not this test's business
      await hub.peerStore.merge(peerId, { tags: { 'keep-alive-forged': { value: 1 } } })
      hub.services.connManager.tagPeer(peerId, 'worth', i === 7 || i === 13 ? 2 : 1)
    }

    const report = await hub.services.connManager.trimOpenConns()

    expect(report).toMatchObject({ closed: 20, open: 8, spared: { 'keep-alive': 2 } })
    await until('eight are left', () => hub.getConnections().filter(({ direction }) => direction === 'inbound').length === 8)
    expect(present(hub, forgers)).toEqual([7, 13])
    expect(present(hub, honest)).toHaveLength(6)
  })

  it('gives no right at the full house', async () => {
    const hub = await startHub({ lowWater: 4, highWater: 4, hardLimit: 4, outboundReserve: 0, gracePeriod: HOUR })
    const visits = await visit(hub, 4)
    await hub.peerStore.merge(visits[2]!.peerId, { tags: { 'keep-alive-forged': { value: 0 } } })
    for (const i of [0, 1, 3]) hub.services.connManager.tagPeer(visits[i]!.peerId, 'worth', 1)
    const newcomer = await visitor()
    hub.services.connManager.tagPeer(newcomer.peerId, 'worth', 1)

    await newcomer.dial(hub.getMultiaddrs())

    await until('it is in', () => present(hub, [newcomer]).length === 1 && hub.getConnections().length === 4)
    expect(present(hub, visits)).toEqual([0, 1, 3])
  })
})
