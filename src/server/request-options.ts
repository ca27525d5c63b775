import { systemClock } from '../clock/system-clock.ts'
import { checkChoice, checkClock, checkFlag, checkFunction, checkNames, checkRate } from '../limiter/options.ts'
import { checkRanges } from './options.ts'
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Clock } from '../clock/clock.ts'
import type { Rate } from '../limiter/rate.ts'
import type { TrustList } from '../limiter/trust-list.ts'
import type { ForwardedField } from './forwarded.ts'

/** A request of HTTP/1 or HTTP/2. */
export type AnyRequest = IncomingMessage | Http2ServerRequest

/** Options of `limitRequests`. */
export interface LimitRequestsOptions {
  /**
   * Addresses and CIDRs of proxies whose word is taken for whose request it is.
   *
   * @default what `limitConnections` was given for the request's connection
   */
  readonly trustedProxies?: readonly string[]

  /**
   * The field that these proxies write. The other one is never read: a client may send it, and it would pass.
   *
   * @default 'x-forwarded-for'
   */
  readonly forwardedField?: ForwardedField

  /**
   * Requests that are not limited and not counted, such as health checks. One that throws, or answers with a promise, has skipped nothing.
   *
   * @default none
   */
  readonly skip?: (req: AnyRequest) => boolean

  /**
   * The authenticated user whose request it is: it then counts in that user's quotas instead of the connection's, the client's and the path's, so that
   * users behind one address do not pay for each other. Undefined, empty, a promise, or throwing is nobody in particular. Give it only what you have
   * verified: who can invent users has as many quotas. A ban of the address and trust in it hold for its users, too.
   *
   * @default none
   */
  readonly keyOf?: (req: AnyRequest) => string | undefined

  /**
   * How often one user of `keyOf` may ask; the gate's `pathRates` hold for each user, too, as they are when this is called.
   *
   * @default the gate's `clientRequestRate`, that of IPv4 where the families differ, as it is when this is called
   */
  readonly userRate?: Rate

  /**
   * The path that `pathRates` are about. Where it throws or answers with anything but text, the default holds.
   *
   * @default the path of `req.originalUrl` or `req.url`. Compares letter by letter; for a router that does not, give the path in lower case.
   */
  readonly pathOf?: (req: AnyRequest) => string

  /**
   * Counts these requests in a quota of this rate instead of the connection's own, as `allowRequest` does. A gate takes sixteen different
   * ones: one more throws when `limitRequests` is called.
   *
   * An HTTP/2 stream that `limitConnections` counted has been counted in the connection's own quota already; this one is asked in addition, and a
   * denial by it never ends the connection. Streams of other routes are none of its business.
   */
  readonly rate?: Rate

  /**
   * Whether answers carry `RateLimit` and `RateLimit-Policy`. They tell everybody your limits.
   *
   * @default true
   */
  readonly fields?: boolean

  /** For users, and for proxies' clients: those of a gate go by the first one that it is given. @default the system's clock */
  readonly clock?: Clock
}

const NAMES: Readonly<Record<keyof LimitRequestsOptions, true>> = {
  trustedProxies: true,
  forwardedField: true,
  skip: true,
  keyOf: true,
  userRate: true,
  pathOf: true,
  rate: true,
  fields: true,
  clock: true
}

export interface RequestConfig {
  readonly trustedProxies: TrustList | undefined
  readonly forwardedField: ForwardedField
  readonly skip: ((req: AnyRequest) => boolean) | undefined
  readonly keyOf: ((req: AnyRequest) => string | undefined) | undefined
  readonly userRate: Rate | undefined
  readonly pathOf: ((req: AnyRequest) => string) | undefined
  readonly rate: { readonly rate: Rate } | undefined
  readonly fields: boolean
  readonly clock: Clock
}

/** @throws {@link InvalidOptionError} or {@link InvalidAddressError} */
export function parseRequestOptions (options: LimitRequestsOptions): RequestConfig {
  const { trustedProxies, forwardedField = 'x-forwarded-for', skip, keyOf, userRate, pathOf, rate, fields, clock } = checkNames('options', options, NAMES) as LimitRequestsOptions

  return {
    trustedProxies: trustedProxies === undefined ? undefined : checkRanges('trustedProxies', trustedProxies),
    forwardedField: checkChoice<ForwardedField>('forwardedField', forwardedField, ['x-forwarded-for', 'forwarded']),
    skip: skip === undefined ? undefined : checkFunction('skip', skip),
    keyOf: keyOf === undefined ? undefined : checkFunction('keyOf', keyOf),
    userRate: userRate === undefined ? undefined : checkRate('userRate', userRate),
    pathOf: pathOf === undefined ? undefined : checkFunction('pathOf', pathOf),
    rate: rate === undefined ? undefined : { rate: checkRate('rate', rate) },
    fields: checkFlag('fields', fields ?? true),
    clock: checkClock(clock ?? systemClock)
  }
}
