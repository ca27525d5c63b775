import { deny } from '../limiter/denial.ts'
import { InvalidOptionError } from '../limiter/errors.ts'
import { isCounted } from './http2-streams.ts'
import { rateLimit, rateLimitPolicy } from './rate-limit-fields.ts'
import { refuseRequest } from './refuse-request.ts'
import { parseRequestOptions } from './request-options.ts'
import { requestPath } from './request-path.ts'
import { Requesters } from './requesters.ts'
import { UserQuotas } from './user-quotas.ts'
import type { GateQuotas } from '../limiter/request-quotas.ts'
import type { SecurityGate } from '../limiter/security-gate.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Requester } from './guest.ts'
import type { NamedQuota } from './rate-limit-fields.ts'
import type { AnyResponse } from './refuse-request.ts'
import type { AnyRequest, LimitRequestsOptions, RequestConfig } from './request-options.ts'

/** @returns whether the request was admitted; if not, it has been answered */
export type LimitRequests = (req: AnyRequest, res: AnyResponse, next?: () => void) => boolean

/**
 * Asks the gate about each request, in the way of Connect: `next` is called for an admitted one, and a refused one is answered here. Without `next`
 * it is a listener of a plain server, which looks at what it returns.
 *
 * `drop` is a 429 on a connection that is kept, `close` a 429 with `Connection: close`; both with `Retry-After`, at least 1 s, and a body that says
 * nothing. On HTTP/2 `close` is a GOAWAY. A request that came through a trusted proxy never ends the proxy's connection, which is others', too.
 *
 * A connection that `limitConnections` registered with the same gate is known to it; any other is registered at its first request, and is then
 * refused where the gate refuses its client. A stream that `limitConnections` counted is not counted again.
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
  const { skip, keyOf, fields, rate } = config
  const pathOf = config.pathOf ?? requestPath
  const requesters = new Requesters(gate, config)
  const users = keyOf == null ? undefined : makeUsers(gate, config)

  return (req, res, next) => {
    if (skip != null && attempt(skip, req) === true) return pass(next)

    const path = attempt(pathOf, req) ?? requestPath(req)
    const user = keyOf == null ? undefined : attempt(keyOf, req)
    const requester = requesters.of(req)
    const isUser = users != null && typeof user === 'string' && user !== ''
    const denied = requester.denied ?? (isUser ? denyUser(gate, requester, users, user, path) : ask(requester, path))

    if (fields) writeFields(res, isUser ? users.quotas(user, path) : quotasOf(gate.quota(requester.id, path)))
    if (requester.guest != null) requester.guest.answer = res
    if (denied == null) return pass(next)

    refuseRequest(res, denied, denied.action === 'close' && !requester.isProxied)
    return false
  }

  function ask (requester: Requester, path: string): Denied | undefined {
    if (requester.stream != null && isCounted(requester.stream, gate)) return undefined
    const verdict = rate == null ? gate.allowRequest(requester.id, path) : gate.allowRequest(requester.id, path, rate)
    return verdict.allow ? undefined : verdict
  }
}

function makeUsers (gate: SecurityGate, { userRate, clock }: RequestConfig): UserQuotas {
  const { clientRequestRate, pathRates } = gate.config()
  return new UserQuotas(userRate ?? clientRequestRate, pathRates, clock)
}

/** A ban holds for everybody at the address; the quotas do not. */
function denyUser (gate: SecurityGate, { address }: Requester, users: UserQuotas, user: string, path: string): Denied | undefined {
  return gate.isBanned(address) ? deny({ action: 'close', reason: 'banned' }) : users.take(user, path)
}

function quotasOf (quotas: GateQuotas | undefined): NamedQuota[] {
  if (quotas == null) return []
  const { connection, client, path } = quotas
  const both: NamedQuota[] = [{ name: 'connection', quota: connection }, { name: 'client', quota: client }]

  return path == null ? both : [...both, { name: 'path', quota: path }]
}

function writeFields (res: AnyResponse, quotas: readonly NamedQuota[]): void {
  const policy = rateLimitPolicy(quotas)
  const limit = rateLimit(quotas)
  if (policy == null || limit == null || res.headersSent) return

  res.setHeader('RateLimit-Policy', policy)
  res.setHeader('RateLimit', limit)
}

function pass (next: (() => void) | undefined): true {
  next?.()
  return true
}

/** A user's function that throws has said nothing: the request is limited as anybody's. */
function attempt<T> (ask: (req: AnyRequest) => T, req: AnyRequest): T | undefined {
  try {
    return ask(req)
  } catch {
    return undefined
  }
}
