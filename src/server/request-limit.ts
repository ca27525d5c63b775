import { allowBy } from '../limiter/inside.ts'
import { isThenable } from '../limiter/thenable.ts'
import { ClosingSessions, closingSessionsOf } from './closing-sessions.ts'
import { guestsOf } from './guest.ts'
import { isCounted } from './http2-streams.ts'
import { httpRefusal } from './http-refusal.ts'
import { SERVER_DEFAULTS } from './options.ts'
import { policyWriter, rateLimit } from './rate-limit-fields.ts'
import { refuseRequest } from './refuse-request.ts'
import { requestPath } from './request-path.ts'
import { Requesters } from './requesters.ts'
import { ignoreErrors } from './sockets.ts'
import { streamRatesOf } from './stream-rates.ts'
import { UserQuotas } from './user-quotas.ts'
import type { Duplex } from 'node:stream'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { Denied, Verdict } from '../limiter/verdict.ts'
import type { Requester } from './guest.ts'
import type { NamedQuotas } from './rate-limit-fields.ts'
import type { AnyResponse } from './refuse-request.ts'
import type { AnyRequest, RequestConfig } from './request-options.ts'
import type { StreamRates } from './stream-rates.ts'

/** `limitRequests`' inside: who asks, for what, may it, and what it is told. */
export class RequestLimit {
  readonly #gate: SecurityGate
  readonly #config: RequestConfig
  readonly #closing: ClosingSessions
  readonly #requesters: Requesters
  readonly #users: UserQuotas | undefined
  readonly #streamRates: StreamRates | undefined
  readonly #policyOf = policyWriter()

  constructor (gate: SecurityGate, config: RequestConfig) {
    this.#gate = gate
    this.#config = config
    this.#requesters = new Requesters(gate, config)
    this.#users = config.keyOf == null ? undefined : makeUsers(gate, config)
    this.#streamRates = config.rate == null ? undefined : streamRatesOf(gate, config.rate.rate, config.clock)
    this.#closing = new ClosingSessions(gate, SERVER_DEFAULTS.writeDeadline, config.clock)
    if (asksItsOwnWay(config)) guestsOf(gate).areAskedBehind = true
  }

  handle (req: AnyRequest, res: AnyResponse, next: (() => void) | undefined): boolean {
    if (!this.#isSkipped(req)) {
      const path = this.#pathOf(req)
      const user = this.#userOf(req)
      const requester = this.#requesters.of(req, res)
      const denied = requester.denied ?? this.#ask(requester, user, path)

      if (this.#config.fields) this.#writeFields(res, this.#quotas(requester, user, path))
      if (denied != null) {
        refuseRequest(res, denied, denied.action === 'close' && !requester.isProxied ? closingSessionsOf(this.#gate) ?? this.#closing : undefined)
        return false
      }
    }

    next?.()
    return true
  }

  upgrade (req: AnyRequest, socket: Duplex): boolean {
    if (this.#isSkipped(req)) return true
    const requester = this.#requesters.of(req)
    const denied = requester.denied ?? this.#ask(requester, this.#userOf(req), this.#pathOf(req))
    if (denied == null) return true

    socket.on('error', ignoreErrors)
    socket.end(httpRefusal(denied), () => { socket.destroy() })
    return false
  }

  #ask (requester: Requester, user: string | undefined, path: string): Denied | undefined {
    const { id, address } = requester

    if (user !== undefined) return denied(allowBy(this.#gate, id, address, () => this.#users!.take(user, path)))
    if (!this.#isCounted(requester)) return denied(this.#gate.allowRequest(id, path, this.#config.rate))
    const rates = this.#streamRates
    return rates == null ? undefined : denied(allowBy(this.#gate, id, address, () => rates.take(id as object)))
  }

  /** Those that it was taken from. */
  #quotas (requester: Requester, user: string | undefined, path: string): NamedQuotas | undefined {
    if (user !== undefined) return this.#users!.quotas(user, path)
    if (!this.#isCounted(requester)) return this.#gate.quota(requester.id, path, this.#config.rate)

    const quotas = this.#gate.quota(requester.id, path)
    return quotas == null || this.#streamRates == null ? quotas : { ...quotas, connection: this.#streamRates.quota(requester.id as object) }
  }

  #isCounted ({ stream }: Requester): boolean {
    return stream != null && isCounted(stream, this.#gate)
  }

  #writeFields (res: AnyResponse, quotas: NamedQuotas | undefined): void {
    if (quotas == null || res.headersSent) return
    const policy = this.#policyOf(quotas)
    if (policy == null) return

    res.setHeader('RateLimit-Policy', policy)
    res.setHeader('RateLimit', rateLimit(quotas)!)
  }

  #isSkipped (req: AnyRequest): boolean {
    const { skip } = this.#config
    return skip != null && attempt(skip, req) === true
  }

  #pathOf (req: AnyRequest): string {
    const { pathOf } = this.#config
    const path = pathOf == null ? undefined : attempt(pathOf, req)
    return typeof path === 'string' && path !== '' ? path : requestPath(req)
  }

  #userOf (req: AnyRequest): string | undefined {
    const { keyOf } = this.#config
    const user = keyOf == null ? undefined : attempt(keyOf, req)
    return typeof user === 'string' && user !== '' ? user : undefined
  }
}

/** Whether the same request would be asked about otherwise by whoever does not know these options. A `rate` is asked besides. */
function asksItsOwnWay ({ trustedProxies, skip, keyOf, pathOf }: RequestConfig): boolean {
  return [trustedProxies, skip, keyOf, pathOf].some(option => option != null)
}

function denied (verdict: Verdict): Denied | undefined {
  return verdict.allow ? undefined : verdict
}

function makeUsers (gate: SecurityGate, { userRate, clock }: RequestConfig): UserQuotas {
  const { clientRequestRate, pathRates } = gate.config()
  const clientRate = 'ipv4' in clientRequestRate ? clientRequestRate.ipv4 : clientRequestRate
  return new UserQuotas(userRate ?? clientRate, pathRates, clock)
}

/** A user's function that throws has said nothing, nor has one that would say it later: the request is limited as anybody's. */
function attempt (ask: (req: AnyRequest) => unknown, req: AnyRequest): unknown {
  try {
    const said = ask(req)
    if (!isThenable(said)) return said
    said.then(undefined, () => {})
    return undefined
  } catch {
    return undefined
  }
}
