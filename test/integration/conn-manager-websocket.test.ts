import { webSockets } from '@libp2p/websockets'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/testing.ts'
import { badLink } from '../support/bad-link.ts'
import { addressOver, fleet, portOf } from '../support/fleet.ts'
import { socketsOf, webSocketState } from '../support/inside.ts'
import { heard } from '../support/mock-house.ts'
import { withoutPings } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { FakeClock } from '../../src/testing.ts'
import type { ConnManagerInit } from '../../src/index.ts'
import type { Hub } from '../support/fleet.ts'
import type { Connection, Libp2p } from '@libp2p/interface'

const { add, hub: startHub, visitor, visitOver } = fleet()
const overWs = { transports: [webSockets()], ...withoutPings }
const listening = { ...overWs, addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] } }

interface Start {
  readonly hub: Hub
  readonly clock: FakeClock
}

/** Three clients whose links lose every close frame, at a hub on which time stands still. */
async function start (init: ConnManagerInit): Promise<Start> {
  const clock = fakeClock()
  const hub = await startHub({ clock, ...init }, listening)
  const link = add(await badLink(portOf(hub)))
  await visitOver(hub, link, 3, overWs)
  link.lose()

  return { hub, clock }
}

async function socketsAre (hub: Libp2p, count: number): Promise<void> {
  await until(`there are ${count} sockets`, async () => await socketsOf(hub) === count)
}

async function closeFramesAreOut (connections: readonly Connection[], count: number): Promise<void> {
  await until('the close frames are out', () => connections.filter(connection => webSocketState(connection) === WebSocket.CLOSING).length === count)
}

describe('of a WebSocket client that answers no close frame no socket is left', () => {
  it('after a trim', async () => {
    const { hub, clock } = await start({ lowWater: 1, highWater: 100 })
    const connections = hub.getConnections()

    const trim = hub.services.connManager.trimOpenConns()
    await closeFramesAreOut(connections, 2)
    expect(await socketsOf(hub)).toBe(3)
    clock.advance(1_000)

    await expect(trim).resolves.toMatchObject({ closed: 2, open: 1 })
    await socketsAre(hub, 1)
    await until('libp2p knows', () => hub.getConnections().length === 1)
  })

  it('after it was displaced at the full house', async () => {
    const { hub, clock } = await start({ lowWater: 1, highWater: 3, hardLimit: 3, outboundReserve: 0, gracePeriod: 1_000_000 })
    const connections = hub.getConnections()
    const evictions = heard(hub.services.connManager, 'evict')
    const newcomer = await visitor(overWs)
    hub.services.connManager.tagPeer(newcomer.peerId, 'wanted', 10)

    await newcomer.dial(hub.getMultiaddrs())
    await closeFramesAreOut(connections, 1)
    clock.advance(1_000)

    expect(evictions).toMatchObject([{ reason: 'displaced', value: 0 }])
    await socketsAre(hub, 3)
    expect(hub.services.connManager.getTagInfo(newcomer.peerId)?.conns).not.toEqual({})
  })

  it('after its connection was aborted', async () => {
    const { hub } = await start({ lowWater: 1, highWater: 100 })

    for (const connection of hub.getConnections()) connection.abort(new Error('Enough'))

    await socketsAre(hub, 0)
    expect(hub.services.connManager.getInfo().connCount).toBe(0)
  })

  it('after a connection that was open before the manager started was aborted', async () => {
    const hub = await startHub({}, listening)
    const link = add(await badLink(portOf(hub)))
    await hub.services.connManager.stop()
    await (await visitor(overWs)).dial(addressOver(hub, link))
    await until('the hub has it', () => hub.getConnections().length === 1)
    link.lose()
    await hub.services.connManager.start()

    for (const connection of hub.getConnections()) connection.abort(new Error('Enough'))

    await socketsAre(hub, 0)
  })
})

describe('a WebSocket that is closed in peace', () => {
  it.each([
    ['inbound', async (hub: Hub, other: Libp2p) => other.dial(hub.getMultiaddrs())],
    ['outbound', async (hub: Hub, other: Libp2p) => hub.dial(other.getMultiaddrs())]
  ])('does not wait for the deadline, %s', async (direction, connect) => {
    const clock = fakeClock()
    const hub = await startHub({ lowWater: 1, highWater: 100, outboundReserve: 0, clock }, listening)
    const others = await Promise.all([visitor(listening), visitor(listening)])
    for (const other of others) await connect(hub, other)
    await until('both are open', () => hub.services.connManager.getInfo().connCount === 2)
    expect(hub.getConnections().map(connection => connection.direction)).toEqual([direction, direction])

    await expect(hub.services.connManager.trimOpenConns()).resolves.toMatchObject({ closed: 1, open: 1 })

    expect(clock.pending).toBe(0)
    expect(hub.getConnections()).toHaveLength(1)
  })
})
