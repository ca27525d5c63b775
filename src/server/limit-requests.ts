import { InvalidOptionError } from '../limiter/errors.ts'
import { reserveRequestRate } from '../limiter/inside.ts'
import { parseRequestOptions } from './request-options.ts'
import { RequestLimit } from './request-limit.ts'
import type { Duplex } from 'node:stream'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { AnyResponse } from './refuse-request.ts'
import type { AnyRequest, LimitRequestsOptions } from './request-options.ts'

/** A middleware for Connect, Express and the like, and a listener for plain servers. */
export interface LimitRequests {
  /** @returns whether the request was admitted; if not, it has been answered */
  (req: AnyRequest, res: AnyResponse, next?: () => void): boolean

  /**
   * The same for the `upgrade` and `connect` events of an HTTP/1 server, which are no requests to Node. A refused one is answered and its
   * connection ended, since nothing else can be asked on it.
   *
   * @returns whether it was admitted
   */
  upgrade (req: AnyRequest, socket: Duplex): boolean
}

/**
 * Asks the gate about each request, in the way of Connect: `next` is called for an admitted one, and a refused one is answered here. Without `next`
 * it is a listener of a plain server, which looks at what it returns.
 *
 * `drop` is a 429 on a connection that is kept, `close` a 429 with `Connection: close`; both with `Retry-After`, at least 1 s, and a body that says
 * nothing. On HTTP/2 `close` is a GOAWAY, and
 * the end by `writeDeadline` of `limitConnections`, or after 1 s. A request that came through a trusted proxy never ends the proxy's connection, which is others', too.
 *
 * A connection that `limitConnections` registered with the same gate is known to it; any other is registered at its first request, and is then
 * refused where the gate refuses its client. A stream that `limitConnections` counted is not counted again, but in `rate`; with `trustedProxies`,
 * `skip`, `keyOf` or `pathOf` it leaves all streams of the gate to be counted here. Any other request is counted by each middleware of the gate
 * that it passes, in its client's and its path's quotas, too: let the one before all routes `skip` those that have one of their own.
 *
 * It never waits and never throws for a request.
 *
 * @throws {@link InvalidOptionError} or {@link InvalidAddressError}
 *
 * @example
 *
 * ```ts
 * import { createServer } from 'node:http'
 * import { securityGate } from 'libp2p-connmgr/limiter'
 * import { limitConnections, limitRequests } from 'libp2p-connmgr/server'
 *
 * const gate = securityGate({ pathRates: { '/login': { strategy: 'cooldown', limit: 5, window: 60_000 } } })
 * const limit = limitRequests(gate, { skip: req => req.url === '/health' })
 * const server = createServer((req, res) => { limit(req, res, () => { res.end('hello') }) })
 *
 * limitConnections(server, gate)
 * ```
 */
export function limitRequests (gate: SecurityGate, options: LimitRequestsOptions = {}): LimitRequests {
  if (typeof gate?.allowRequest !== 'function') throw new InvalidOptionError('gate', 'a securityGate', gate)
  const config = parseRequestOptions(options)
  if (config.rate != null) reserveRequestRate(gate, config.rate.rate)
  const limit = new RequestLimit(gate, config)

  return Object.assign(
    (req: AnyRequest, res: AnyResponse, next?: () => void) => limit.handle(req, res, next),
    { upgrade: (req: AnyRequest, socket: Duplex) => limit.upgrade(req, socket) }
  )
}
