import { namedGuest, socketBelow } from './guest.ts'
import { peerOf } from './sockets.ts'

/**
 * Whose connection it is: what a proxy said in its PROXY header, if `limitConnections` was told to read one, else the socket's own peer. Undefined
 * where it has none, as on a Unix socket.
 *
 * @param connection - the socket, the TLS socket (`req.socket`) or the HTTP/2 session (`req.stream.session`)
 *
 * @example
 *
 * ```ts
 * import { createServer } from 'node:http'
 * import { clientAddress } from 'libp2p-connmgr/server'
 *
 * const server = createServer((req, res) => { res.end(clientAddress(req.socket)) })
 * ```
 */
export function clientAddress (connection: object): string | undefined {
  return namedGuest(connection)?.address ?? peerOf(socketBelow(connection))
}
