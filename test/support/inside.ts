import type { Connection, Libp2p, Libp2pEvents, MultiaddrConnection, Stream, Upgrader } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Server } from 'node:net'
import type { TypedEventTarget } from 'main-event'
import type { JsConnectionManager } from '../../src/libp2p/js-connection-manager.ts'

/** What js-libp2p keeps private, and a test has to see or do: each field in one place, for the day it moves. */
interface Components {
  readonly connectionManager: JsConnectionManager & { getConnectionsMap: () => Map<unknown, unknown>, openConnection: (target: unknown, options?: { initiator?: boolean }) => Promise<Connection> }
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly upgrader: Upgrader
  readonly transportManager: { getListeners: () => unknown[], listen: (addresses: Multiaddr[]) => Promise<void> }
}

export function componentsOf (node: Libp2p): Components {
  return (node as unknown as { components: Components }).components
}

/** Opens a stream as a stranger may: the muxer alone, without naming a protocol. */
export async function rawStream (connection: Connection): Promise<Stream> {
  return (connection as unknown as { muxer: { createStream: () => Promise<Stream> } }).muxer.createStream()
}

/** The socket under a connection. */
function maConnOf (connection: Connection): MultiaddrConnection {
  return (connection as unknown as { maConn: MultiaddrConnection }).maConn
}

/** Sends more than the buffers of both sockets hold: nothing goes out any more unless the remote reads. */
export function fillWindow (connection: Connection): void {
  maConnOf(connection).send(new Uint8Array(64 * 2 ** 20))
}

/** How far the WebSocket under a connection has got: `WebSocket.CLOSING` once its close frame is written. */
export function webSocketState (connection: Connection): number {
  return (maConnOf(connection) as unknown as { websocket: WebSocket }).websocket.readyState
}

/** Sockets that the node's first listener holds, whatever libp2p believes. */
export async function socketsOf (node: Libp2p): Promise<number> {
  const [listener] = componentsOf(node).transportManager.getListeners()
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  (listener as { server: Server }).server.getConnections((error, count) => {
    if (error == null) resolve(count)
    else reject(error)
  })

  return promise
}

/** What kad-dht does every five seconds. */
export async function tagClosestPeers (dht: unknown): Promise<void> {
  await (dht as { routingTable: { closestPeerTagger: { updatePeerTags: () => Promise<void> } } }).routingTable.closestPeerTagger.updatePeerTags()
}
