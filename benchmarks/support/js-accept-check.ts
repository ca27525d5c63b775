import { createLibp2p } from 'libp2p'
import { measure } from 'mitata'
import { connectionManagerDefaults } from '../../src/index.ts'
import { makeConnections, makePeers } from './mock-connections.ts'
import { mockSocket } from './mock-sockets.ts'
import { samples } from './report.ts'
import type { Stats } from './figures.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

interface JsConnectionManager {
  getConnectionsMap (): { set: (peer: unknown, connections: unknown[]) => void }
  acceptIncomingConnection (maConn: MultiaddrConnection): boolean
}

/** Nanoseconds of js-libp2p's own accept check while so many connections are open, its limits lifted. */
export async function jsAcceptCheck (open: number): Promise<Stats> {
  const node = await createLibp2p({ connectionManager: connectionManagerDefaults, connectionMonitor: { enabled: false } })
  const manager = (node as unknown as { components: { connectionManager: JsConnectionManager } }).components.connectionManager
  const map = manager.getConnectionsMap()
  for (const connection of makeConnections(makePeers(open))) map.set(connection.remotePeer, [connection])

  const one = mockSocket('198.51.100.1')
  const stats = await measure(() => manager.acceptIncomingConnection(one), samples(30, 3))
  await node.stop()
  return stats
}
