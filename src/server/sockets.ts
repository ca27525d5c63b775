import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Whatever is handed to a server as a connection: its own sockets, and streams that somebody emits as one. */
export type Connection = Socket | Duplex

/** As text; undefined for Unix sockets, streams and sockets that were reset before anybody looked. */
export function peerOf (socket: Connection): string | undefined {
  return (socket as Partial<Socket>).remoteAddress
}

/** A RST, so that nothing of it stays with us. What cannot send one is closed. */
export function reset (socket: Connection): void {
  // Resetting what is closed already is an error that nobody would hear.
  if (socket.destroyed) return

  try {
    if (socket instanceof Socket) socket.resetAndDestroy()
    else socket.destroy()
  } catch {
    // ERR_INVALID_HANDLE_TYPE: a Unix socket.
    socket.destroy()
  }
}

/** An `error` event without a listener ends the process. */
export function ignoreErrors (): void {}

/**
 * What a TLS socket was made on. The server is told of the secured socket only, and the address and port that both share are not to be had
 * from a Unix socket; so this is the one private field we read. It has had this name since Node 0.11, and a test notices when it has not.
 */
export function rawSocketOf (socket: Connection): object | undefined {
  const parent = (socket as { readonly _parent?: object | null })._parent
  return (parent as { readonly stream?: object } | null | undefined)?.stream ?? parent ?? undefined
}
