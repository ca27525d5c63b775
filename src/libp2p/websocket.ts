/** A multiaddr connection over `ws`, as it is at run time. */
interface WebSocketMultiaddrConnection {
  sendReset?: () => void
  websocket?: { terminate?: () => void, close: () => void }
}

/**
 * Makes aborting a WebSocket connection close its socket.
 *
 * js-libp2p resets by `websocket.close(1006)`, a code that every implementation rejects: the connection leaves libp2p's maps and its socket
 * and remote stay for ever. `ws`, on the listening side, can terminate; a browser's own WebSocket closes without a code.
 *
 * @param maConn - anything; what is no WebSocket is left alone
 */
export function mendAbort (maConn: unknown): void {
  if (!isWebSocket(maConn)) return

  const { websocket } = maConn

  maConn.sendReset = () => {
    if (typeof websocket.terminate === 'function') websocket.terminate()
    else websocket.close()
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
