import { Server } from 'node:net'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkFlag } from '../limiter/options.ts'
import { hookCalls, hookEvents } from './accept-hook.ts'
import { Guard } from './guard.ts'
import { parseGuard } from './options.ts'
import { serverKind } from './server-kind.ts'
import type { ConnectionLimits } from '../limiter/connection-config.ts'
import type { ConnectionLimiter } from '../limiter/connection-limiter.ts'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { LimitConnectionsOptions } from './options.ts'

/** Who is where at a server's door. */
export interface GuardCounts {
  /** Connections that were let in and have not closed. */
  readonly open: number

  /** Of these, and of connections from proxies, those whose first bytes have not arrived. */
  readonly waiting: number

  /** Refused connections that are being told why. */
  readonly telling: number

  /** Connections that were refused, since the beginning. */
  readonly refused: number
}

/** What `limitConnections` answers: call it to take the limits off. */
export interface Unlimit {
  /**
   * Takes the limits off the server, which is then as it was. Who is in stays in and counted until it closes; who waits for its first bytes
   * is let in, who has not shown a proxy's header is not.
   *
   * @returns whether it was in force
   */
  (): boolean

  /**
   * Changes the limits of the limiter or gate, as its own `setConfig` does, for everything that it stands before. A gate's `connectRate` is not
   * among them: it has `setConnectRate`.
   *
   * @param options.closeExisting - whether connections of this server that are too many now are closed, the newest first; by default they stay
   * until they end, and newcomers wait
   * @returns how many were closed
   * @throws {@link InvalidOptionError} or {@link InvalidAddressError}, and nothing is changed
   */
  setConfig (change: ConnectionLimits, options?: { readonly closeExisting?: boolean }): number

  /** @returns a fresh snapshot */
  counts (): GuardCounts
}

/**
 * Puts a limiter in front of a server: `net`, `tls`, `http`, `https`, `http2` secure or not, and so everything that is built on one (`ws`,
 * Express, Fastify, Hono, Koa, socket.io).
 *
 * Each connection is decided on when it is accepted, before TLS, by its peer's address. A refused one reaches neither the server nor its
 * application, and delays nobody. A place is given back when the socket closes, once, also where it was upgraded or detached. A connection
 * whose address is unknown (a Unix socket) is dealt with as the limiter's `onUnknownAddress` says.
 *
 * With a gate, each connection is registered under its accepted socket, for `limitRequests` or `gate.allowRequest(socket, path)`. That is
 * `req.socket` on plain HTTP/1 only: over TLS and HTTP/2 `req.socket` stands above it, and the gate does not know it; connections of `trustedProxies` are
 * not registered at all. `limitRequests` finds whose a request is everywhere.
 *
 * The streams of an HTTP/2 server are requests; idle connections are closed. Give HTTP/2 servers a `peerMaxConcurrentStreams`, too: the default is
 * 4,294,967,295.
 *
 * The same limiter may stand before many servers, and many limiters before one. A socket that two servers with the same limiter see, because
 * one hands it to the other, has one place.
 *
 * @throws {@link InvalidOptionError} or {@link InvalidAddressError}, and the server is as it was
 *
 * @example
 *
 * ```ts
 * import { createServer } from 'node:http'
 * import { connectionLimiter } from 'libp2p-connmgr/limiter'
 * import { limitConnections } from 'libp2p-connmgr/server'
 *
 * const server = createServer((_req, res) => { res.end('hello') })
 * const unlimit = limitConnections(server, connectionLimiter({ maxConnsPerIp: 20 }))
 *
 * console.log(unlimit.counts().open) // 0
 * console.log(unlimit(), unlimit()) // true false
 * ```
 */
export function limitConnections (server: Server, limiter: ConnectionLimiter | SecurityGate, options: LimitConnectionsOptions = {}): Unlimit {
  // An application of Express has `emit`, too, and no connections: nothing would be guarded.
  if (!(server instanceof Server)) throw new InvalidOptionError('server', 'a server of net, tls, http, https or http2', server)
  if (typeof limiter?.turnAway !== 'function') throw new InvalidOptionError('limiter', 'a connectionLimiter or a securityGate', limiter)

  const kind = serverKind(server)
  const guard = new Guard(server, kind, limiter, parseGuard(options, kind))
  const unhook = [hookEvents(server, guard.hooks), hookCalls(server, 'closeAllConnections', () => { guard.closeWaiting() })]
  guard.listen()
  let isInForce = true

  function unlimit (): boolean {
    if (!isInForce) return false
    isInForce = false
    for (const undo of unhook) undo()
    guard.stop()
    return true
  }

  return Object.assign(unlimit, {
    setConfig: (change: ConnectionLimits, { closeExisting = false }: { readonly closeExisting?: boolean } = {}) => guard.setConfig(change, checkFlag('closeExisting', closeExisting)),
    counts: () => guard.counts
  })
}
