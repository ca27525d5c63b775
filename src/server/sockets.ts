import { Socket } from 'node:net'
import type { Server } from 'node:net'
import type { Duplex } from 'node:stream'

/** Whatever is handed to a server as a connection: its own sockets, and streams that somebody emits as one. */
export type Connection = Socket | Duplex

/** As text; undefined for Unix sockets, streams and sockets that were reset before anybody looked. */
export function peerOf (socket: Connection): string | undefined {
  return (socket as Partial<Socket>).remoteAddress
}

/**
 * Whether it has come by TCP, also when it has no address any more: the server that accepted it knows. A socket that somebody made, or that came
 * by a Unix socket and was handed on, has none to lose.
 */
export function isAcceptedByTcp (socket: Connection): boolean {
  const { server } = socket as { readonly server?: Partial<Server> | null }
  const address = server?.address?.()

  return socket instanceof Socket && typeof address === 'object' && address != null
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
 * from a Unix socket; so this is one of the three private fields we read of a socket, all of them in this file. It has had this name since Node
 * 0.11, and a test notices when it has not.
 */
export function rawSocketOf (socket: Connection): object | undefined {
  const parent = (socket as { readonly _parent?: object | null })._parent
  return (parent as { readonly stream?: object } | null | undefined)?.stream ?? parent ?? undefined
}

/** An answer of HTTP/1 that is being given, as much of it as matters. */
export interface Answer {
  readonly req?: { readonly complete: boolean }
  readonly writableEnded: boolean
  readonly writableNeedDrain: boolean
}

/**
 * The answer that is under way on an HTTP/1 connection. Node tells nobody when a request comes but by an event, and hooks for each request cost
 * more than reading this private field when a connection is about to be closed as idle. Where it has another name bytes alone tell who is idle,
 * and a test notices.
 *
 * @param speaker - the socket that speaks HTTP: the TLS socket where there is one
 */
export function answerOn (speaker: Connection): Answer | undefined {
  return (speaker as { readonly _httpMessage?: Answer | null })._httpMessage ?? undefined
}

/**
 * What `bytesWritten` counts and the client has made no room for yet. No public name tells it below TLS and HTTP/2; where this private one has
 * moved, slow readers of one large answer look idle, and a test notices.
 */
export function queuedBytes (socket: Connection): number {
  return (socket as { readonly _handle?: { readonly writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0
}
