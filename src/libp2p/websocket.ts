import { untilAborted } from '../conn-manager/until-aborted.ts'
import type { AbortOptions } from '@libp2p/interface'

/** A multiaddr connection over `ws`, as it is at run time. */
interface WebSocketMultiaddrConnection {
  sendClose?: (options?: AbortOptions) => Promise<void>
  websocket?: AnyWebSocket
}

/** `ws` or the platform's own. */
type AnyWebSocket = Pick<WebSocket, 'close' | 'readyState' | 'addEventListener'>

/** `WebSocket.CLOSED` */
const CLOSED = 3

/**
 * Makes closing a WebSocket connection wait until its socket is closed, as closing a TCP connection does.
 *
 * js-libp2p holds it for closed once the close frame is written. A client that never answers keeps its socket for another 30 s, and
 * nobody is left to abort it; waiting, its caller's deadline passes, and the abort that follows ends it.
 *
 * @param maConn - anything; what is no WebSocket is left alone
 */
export function mendClose (maConn: unknown): void {
  if (!isWebSocket(maConn)) return

  const { websocket } = maConn

  maConn.sendClose = async ({ signal } = {}) => {
    if (websocket.readyState === CLOSED) return

    const closed = Promise.withResolvers<unknown>()
    websocket.addEventListener('close', closed.resolve, { once: true })
    websocket.close()
    await untilAborted(async () => closed.promise, signal)
  }
}

function isWebSocket (maConn: unknown): maConn is Required<WebSocketMultiaddrConnection> {
  if (typeof maConn !== 'object' || maConn == null || !('websocket' in maConn)) return false

  const { websocket } = maConn as WebSocketMultiaddrConnection

  return typeof websocket?.close === 'function'
}

/** The multiaddr connection that a `Connection` was made of. js-libp2p keeps it private. */
export function maConnOf (connection: object): unknown {
  return 'maConn' in connection ? connection.maConn : undefined
}
