import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { describe, expect, it } from 'vitest'
import { nextTurn } from '../../src/clock/next-turn.ts'
import { fleet, present } from '../support/fleet.ts'
import { componentsOf } from '../support/inside.ts'
import { heard } from '../support/mock-house.ts'
import { inMemory, startNode, startVisitor } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { ConnManagerInit, Eviction } from '../../src/index.ts'
import type { Hub, Visit } from '../support/fleet.ts'
import type { Libp2p } from '@libp2p/interface'

const { add, hub: startHub, visit, visitor } = fleet()
const overTcp = { transports: [tcp()], connectionEncrypters: [noise()] }

interface FullHouse {
  readonly hub: Hub
  readonly incumbents: Visit[]
  readonly evictions: Eviction[]
}

/** A house of four inbound connections, no gater before it, and nothing to trim. */
async function fill (values: readonly [number, number, number, number], init: ConnManagerInit = {}): Promise<FullHouse> {
  const hub = await startHub({ lowWater: 4, highWater: 4, hardLimit: 4, outboundReserve: 0, gracePeriod: 1_000_000, ...init })
  const evictions = heard(hub.services.connManager, 'evict')
  const incumbents = await visit(hub, 4)
  for (const [i, { peerId }] of incumbents.entries()) hub.services.connManager.tagPeer(peerId, 'worth', values[i]!)

  return { hub, incumbents, evictions }
}

/** Dials the hub. A connection that is closed again may be announced to its dialler before. */
async function knock (hub: Hub, from: Libp2p): Promise<boolean> {
  const isIn = await from.dial(hub.getMultiaddrs()).then(() => true, () => false)
  await until('the upgrade is done', () => componentsOf(hub).connectionManager.incomingPendingConnections === 0)
  // who loses stays until the peer store has been read, which these reads come after
  await hub.peerStore.has(from.peerId)
  await nextTurn()
  await until('whoever has to go has gone', () => hub.getConnections().every(({ status }) => status === 'open'))
  return isIn
}

describe('at the hard limit an inbound newcomer', () => {
  it('that is worth less than everybody is closed again', async () => {
    const { hub, incumbents, evictions } = await fill([2, 1, 2, 3])
    const newcomer = await visitor()

    await knock(hub, newcomer)

    expect(present(hub, [...incumbents, newcomer])).toEqual([0, 1, 2, 3])
    expect(evictions).toMatchObject([{ reason: 'not-worth-more', value: 0, connectionId: expect.any(String) }])
    expect(evictions[0]!.peer!.equals(newcomer.peerId)).toBe(true)
    expect(hub.services.connManager.getInfo().connCount).toBe(4)
    await until('it knows', () => newcomer.getConnections().length === 0)
  })

  it('that is worth as much as the lowest does not displace it', async () => {
    const { hub, incumbents } = await fill([2, 1, 2, 3])
    const newcomer = await visitor()
    hub.services.connManager.tagPeer(newcomer.peerId, 'worth', 1)

    await knock(hub, newcomer)

    expect(present(hub, [...incumbents, newcomer])).toEqual([0, 1, 2, 3])
  })

  it('that is worth more displaces the lowest, whose app stream and grace do not save it', async () => {
    const { hub, incumbents, evictions } = await fill([2, 1, 2, 3])
    await hub.handle('/app/1.0.0', () => {})
    await incumbents[1]!.connection.newStream('/app/1.0.0')
    const newcomer = await visitor()
    hub.services.connManager.tagPeer(newcomer.peerId, 'worth', 2)

    expect(await knock(hub, newcomer)).toBe(true)

    expect(present(hub, [...incumbents, newcomer])).toEqual([0, 2, 3, 4])
    expect(evictions).toMatchObject([{ reason: 'displaced', value: 1 }])
    expect(evictions[0]!.newcomer.equals(newcomer.peerId)).toBe(true)
  })

  it('that another service has tagged in the peer store displaces one that is worth less', async () => {
    const { hub, incumbents, evictions } = await fill([2, 1, 2, 3])
    const newcomer = await visitor()
    await hub.peerStore.merge(newcomer.peerId, { tags: { 'kad-close': { value: 50 } } })

    expect(await knock(hub, newcomer)).toBe(true)

    expect(present(hub, [...incumbents, newcomer])).toEqual([0, 2, 3, 4])
    expect(evictions).toMatchObject([{ reason: 'displaced', value: 1 }])
  })

  it('that is protected displaces the lowest, whatever it is worth', async () => {
    const { hub, incumbents } = await fill([2, 1, 2, 3])
    const newcomer = await visitor()
    hub.services.connManager.protect(newcomer.peerId, 'mine')
    hub.services.connManager.tagPeer(newcomer.peerId, 'worth', -9)

    expect(await knock(hub, newcomer)).toBe(true)

    expect(present(hub, [...incumbents, newcomer])).toEqual([0, 2, 3, 4])
  })

  it('that is protected gets in above the limit when nobody is left to go', async () => {
    const { hub, incumbents, evictions } = await fill([0, 0, 0, 0])
    const newcomer = await visitor()
    for (const { peerId } of [...incumbents, newcomer]) hub.services.connManager.protect(peerId, 'mine')

    expect(await knock(hub, newcomer)).toBe(true)

    expect(present(hub, [...incumbents, newcomer])).toEqual([0, 1, 2, 3, 4])
    expect(evictions.map(({ reason, connectionId }) => [reason, connectionId])).toEqual([['admitted-above-limit', undefined]])
  })

  it('from an empty part of the network displaces one of a crowd of equals', async () => {
    const hub = await startHub({ lowWater: 3, highWater: 3, hardLimit: 3, outboundReserve: 0, gracePeriod: 1_000_000 }, { ...overTcp, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
    const crowd = await Promise.all([1, 2, 3].map(async i => add(await startVisitor(`127.1.1.${i}`))))
    for (const from of crowd) await knock(hub, from)
    const [fromElsewhere, fromTheCrowd] = [add(await startVisitor('127.2.1.1')), add(await startVisitor('127.1.1.4'))]

    await knock(hub, fromElsewhere)
    expect(present(hub, [fromElsewhere])).toEqual([0])
    expect(hub.getConnections()).toHaveLength(3)

    await knock(hub, fromTheCrowd)
    expect(present(hub, [fromTheCrowd])).toEqual([])
  })

  it('among 20 at the same time changes nothing when none is worth more', async () => {
    const { hub, incumbents, evictions } = await fill([1, 1, 1, 1])
    const strangers = await Promise.all(Array.from({ length: 20 }, async () => visitor()))

    await Promise.all(strangers.map(async from => knock(hub, from)))

    expect(present(hub, [...incumbents, ...strangers])).toEqual([0, 1, 2, 3])
    expect(hub.services.connManager.getInfo().connCount).toBe(4)
    expect(evictions.map(({ reason }) => reason)).toEqual(strangers.map(() => 'not-worth-more'))
  })

  it('is refused at accept under onHardLimit deny, whatever it is worth', async () => {
    const { hub, incumbents, evictions } = await fill([1, 1, 1, 1], { onHardLimit: 'deny' })
    const newcomer = await visitor()
    hub.services.connManager.tagPeer(newcomer.peerId, 'worth', 9)
    let opened = 0
    componentsOf(hub).events.addEventListener('connection:open', () => { opened++ })

    expect(await knock(hub, newcomer)).toBe(false)

    expect(opened).toBe(0)
    expect(evictions).toEqual([])
    expect(present(hub, incumbents)).toEqual([0, 1, 2, 3])
  })
})

describe('at the hard limit an outbound dial', () => {
  async function listener (name: string): Promise<Libp2p> {
    return add(await startNode({ ...inMemory, addresses: { listen: [`/memory/${name}`] } }))
  }

  it.each(['evict', 'deny'] as const)('displaces the lowest inbound connection, under onHardLimit %s', async onHardLimit => {
    const { hub, incumbents, evictions } = await fill([2, 1, 2, 3], { onHardLimit })
    const other = await listener(`dialled-${onHardLimit}`)

    const connection = await hub.dial(other.getMultiaddrs())

    await until('one has gone', () => hub.getConnections().length === 4)
    expect(connection.status).toBe('open')
    expect(present(hub, [...incumbents, other])).toEqual([0, 2, 3, 4])
    expect(evictions).toMatchObject([{ reason: 'displaced', value: 1 }])
  })

  it('works when every inbound peer is protected', async () => {
    const { hub, incumbents, evictions } = await fill([0, 0, 0, 0])
    for (const { peerId } of incumbents) hub.services.connManager.protect(peerId, 'mine')
    const other = await listener('dialled-above')

    const connection = await hub.dial(other.getMultiaddrs())

    expect(connection.status).toBe('open')
    expect(evictions).toMatchObject([{ reason: 'admitted-above-limit' }])
    expect(hub.services.connManager.getInfo().connCount).toBe(5)
  })

  it('displaces nobody while it finds a place of the reserve, which inbound ones do not', async () => {
    const hub = await startHub({ lowWater: 4, highWater: 4, hardLimit: 4, outboundReserve: 2, gracePeriod: 1_000_000 })
    const evictions = heard(hub.services.connManager, 'evict')
    const incumbents = await visit(hub, 2)
    await knock(hub, await visitor())
    expect(evictions.splice(0)).toMatchObject([{ reason: 'not-worth-more' }])

    for (const name of ['reserve-1', 'reserve-2']) await hub.dial((await listener(name)).getMultiaddrs())

    expect(evictions).toEqual([])
    expect(present(hub, incumbents)).toEqual([0, 1])
    expect(hub.services.connManager.getInfo().connCount).toBe(4)

    await hub.dial((await listener('reserve-3')).getMultiaddrs())
    expect(evictions).toMatchObject([{ reason: 'displaced' }])
    expect(hub.services.connManager.getInfo().connCount).toBe(4)
  })
})
