/** A multiaddr connection over a WebSocket, as it is at run time. */
interface WebSocketMultiaddrConnection {
  sendReset?: () => void
  websocket?: Partial<SomeWebSocket>
}

/** What `ws` and browsers have in common, and `terminate`, which only `ws` has. */
interface SomeWebSocket {
  readonly readyState: number
  terminate?: () => void
  close (): void
  addEventListener (type: 'close', listener: () => void): void

  /** `ws` keeps it private. */
  readonly _socket?: LocalEnd | null
}

/** To where a socket came. */
export interface LocalEnd {
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
}

const CLOSED = 3

/**
 * Makes aborting a WebSocket connection close its socket.
 *
 * js-libp2p resets by `websocket.close(1006)`, a code that every implementation rejects: the connection leaves libp2p's maps and its socket
 * and remote stay for ever. `ws`, on the listening side, can terminate; a browser's own WebSocket closes without a code.
 *
 * @param maConn - anything; what is no WebSocket is left alone
 */
export function mendAbort (maConn: unknown): void {
  const websocket = webSocketOf(maConn)
  if (websocket != null) (maConn as WebSocketMultiaddrConnection).sendReset = () => { hangUp(websocket) }
}

/**
 * A closed connection's WebSocket may wait half a minute for the other side's goodbye, and its socket with it.
 *
 * @param onGone - called later, when the socket is gone
 * @returns what hurries it; undefined when the socket is gone, or there is none to wait for
 */
export function awaitSocket (maConn: unknown, onGone: () => void): (() => void) | undefined {
  const websocket = webSocketOf(maConn)
  if (websocket == null || websocket.readyState === CLOSED || websocket.addEventListener == null) return undefined

  websocket.addEventListener('close', onGone)
  return () => {
    hangUp(websocket)
    // Nothing more can be done, nor seen, of one that cannot be terminated.
    if (websocket.terminate == null) onGone()
  }
}

/** @returns nothing where that cannot be read */
export function localEndOf (maConn: unknown): LocalEnd {
  const { localAddress, localPort } = webSocketOf(maConn)?._socket ?? {}
  return { localAddress, localPort }
}

function hangUp (websocket: Partial<SomeWebSocket>): void {
  if (typeof websocket.terminate === 'function') websocket.terminate()
  else websocket.close?.()
}

function webSocketOf (maConn: unknown): Partial<SomeWebSocket> | undefined {
  if (typeof maConn !== 'object' || maConn == null || !('websocket' in maConn)) return undefined
  const { websocket } = maConn as WebSocketMultiaddrConnection

  return typeof websocket?.close === 'function' ? websocket : undefined
}
