import { tcp } from '@libp2p/tcp'
import { describe, expect, it } from 'vitest'
import { fleet } from '../support/fleet.ts'
import { componentsOf } from '../support/inside.ts'
import { inMemory } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { Hub } from '../support/fleet.ts'
import type { Connection, MultiaddrConnection, PeerId } from '@libp2p/interface'

const { hub: startHub, visit, visitor } = fleet()

/** What the hub's bus says of connections: their status when they were announced. */
function announcements (hub: Hub): string[] {
  const seen: string[] = []
  componentsOf(hub).events.addEventListener('connection:open', ({ detail }) => { seen.push(detail.status) })
  return seen
}

async function untilClosed (maConn: MultiaddrConnection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  maConn.addEventListener('close', () => { resolve() })
  return promise
}

describe('a connection that was announced dead', () => {
  it.each([
    ['memory', inMemory, '/memory/dead'],
    ['TCP', { transports: [tcp()] }, '/ip4/127.0.0.1/tcp/0']
  ])('because it died in a gater hook, over %s, leaves nothing', async (_, transport, listen) => {
    const denyInboundUpgradedConnection = async (_peer: PeerId, maConn: MultiaddrConnection): Promise<boolean> => {
      await untilClosed(maConn)
      return false
    }
    const hub = await startHub({}, { ...transport, addresses: { listen: [listen] }, connectionGater: { denyInboundUpgradedConnection } })
    const announced = announcements(hub)
    const from = await visitor(transport)

    const connection = await from.dial(hub.getMultiaddrs())
    connection.abort(new Error('Changed my mind'))

    await until('it was announced', () => announced.length === 1)
    expect(announced).not.toContain('open')
    expect(hub.services.connManager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 0 })
    expect(hub.services.connManager.getTagInfo(from.peerId)).toBeUndefined()
  })

  it.each<['closing' | 'closed' | 'aborted' | 'reset']>([['closing'], ['closed'], ['aborted'], ['reset']])('as %s leaves nothing', async status => {
    const hub = await startHub()
    await visit(hub, 1)
    const [alive] = hub.getConnections()
    const stranger = await visitor()
    const dead = Object.create(alive!, { status: { value: status }, remotePeer: { value: stranger.peerId } }) as Connection

    componentsOf(hub).events.safeDispatchEvent('connection:open', { detail: dead })

    expect(hub.services.connManager.getTagInfo(stranger.peerId)).toBeUndefined()
    expect(hub.services.connManager.getInfo()).toMatchObject({ connCount: 1, trackedPeers: 1 })
  })

  it('twice closed is counted once', async () => {
    const hub = await startHub()
    const [first] = await visit(hub, 2)
    const [connection] = hub.getConnections(first!.peerId)

    await connection!.close()
    componentsOf(hub).events.safeDispatchEvent('connection:close', { detail: connection! })

    expect(hub.services.connManager.getInfo()).toMatchObject({ connCount: 1, trackedPeers: 1 })
  })

  it('twice opened is counted once', async () => {
    const hub = await startHub()
    await visit(hub, 2)

    componentsOf(hub).events.safeDispatchEvent('connection:open', { detail: hub.getConnections()[0]! })

    expect(hub.services.connManager.getInfo()).toMatchObject({ connCount: 2, trackedPeers: 2 })
  })
})
