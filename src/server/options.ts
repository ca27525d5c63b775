import { systemClock } from '../clock/system-clock.ts'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkArray, checkChoice, checkClock, checkDuration, checkDurationOrNever, checkFlag, checkNames } from '../limiter/options.ts'
import { trustList } from '../limiter/trust-list.ts'
import type { Clock } from '../clock/clock.ts'
import type { TrustList } from '../limiter/trust-list.ts'
import type { DenyAction, DenyHandler } from './refuse.ts'
import type { ServerKind } from './server-kind.ts'

/** Who may say whose a connection is. */
export interface ProxyProtocolOptions {
  /** Addresses and CIDRs of the proxies. */
  readonly from: readonly string[]

  /**
   * Milliseconds for the whole header, from accept on.
   *
   * @default 5_000
   */
  readonly headerDeadline?: number
}

/** Options of `limitConnections`. */
export interface LimitConnectionsOptions {
  /**
   * What a refused connection gets.
   *
   * - `reset`: a RST, which leaves nothing behind on either side.
   * - `close`: an ordinary end, without a word. Where all refusals are one of these two, they come before Node has made a socket, and cost less than a
   *   `socket.destroy()` would.
   * - `too-many-requests`: a complete HTTP answer 429 with `Retry-After`, `Connection: close` and a body that says nothing, and then the end. On
   *   anything but a plain HTTP/1 server it is `close`: nobody can read it before a TLS handshake, and that is what a refusal saves.
   * - A function gets the socket, which nobody else has seen, and the verdict, and closes it. It is closed for it after `writeDeadline`, or when
   *   it throws or rejects.
   *
   * @default `reset` for the banned, `too-many-requests` for all others
   */
  readonly onDeny?: DenyAction | DenyHandler

  /**
   * Milliseconds after which a refused connection is ended that will not hear why. Above 256 of them nobody is told any more. An HTTP/2 connection
   * that a refused request ends has as long, and longer only while the server owes it an answer, up to the gate's `idleTimeout`.
   *
   * @default 1_000
   */
  readonly writeDeadline?: number

  /**
   * Proxies that write the client's address before everything else on the connection, as HAProxy, nginx and cloud load balancers do (`send-proxy`,
   * version 1 or 2). A connection from one of them must begin with such a header, and is its client's from then on; a connection from
   * anybody else that begins with one is refused. Where the header says that the connection is the proxy's own (`LOCAL`, `UNKNOWN`), the
   * proxy is the client. Of several limiters before one server, give it to the one that is put there last, which hears first: the others then
   * limit the client, too.
   *
   * @default none
   */
  readonly proxyProtocol?: ProxyProtocolOptions

  /**
   * Addresses and CIDRs of HTTP proxies, whose clients are known by each request's `X-Forwarded-For` or `Forwarded` only. Their connections take
   * no place; limit the requests with `limitRequests`.
   *
   * @default none
   */
  readonly trustedProxies?: readonly string[]

  /**
   * Milliseconds from accept on in which a client has to say anything at all; the server sees it when it has. `Infinity` is for servers that speak
   * first.
   *
   * @default Infinity
   */
  readonly firstByteDeadline?: number

  /**
   * Milliseconds from accept on in which the header of the first request has to be complete, including the TLS handshake and a proxy's header.
   * HTTP/1 sees the connection when it is; HTTP/2 sees it before, and loses it when it is not. For HTTP servers only. Later requests are under
   * Node's own `headersTimeout`.
   *
   * @default Infinity
   */
  readonly headerDeadline?: number

  /**
   * Whether a handed-over connection (WebSocket, CONNECT) gives its place back when it is handed over, instead of when it closes: as soon as the
   * listeners of `upgrade` and `connect` have returned. A gate does not know it from then on: `limitRequests(gate).upgrade` can be asked in them, and
   * not after an `await`; `gate.allowRequest` about each message cannot be used together with this.
   *
   * @default false
   */
  readonly releaseOnUpgrade?: boolean

  /**
   * Milliseconds between two looks for connections that are idle by the gate's `idleTimeout`, and for those that closed without saying so.
   * Idle is who has been granted no request, awaits no answer to a whole one, and has moved no byte either way for that long: who asks and never reads
   * is idle, too. `Infinity` never looks.
   *
   * @default 10_000
   */
  readonly sweepInterval?: number

  /**
   * Whether streams of an HTTP/2 server are requests of the gate: a refused one is answered 429, a client that goes on loses its connection.
   * Given as true, streams are counted here whatever `limitRequests` is told of paths, rates and proxies.
   *
   * Not given they are, too, until a `limitRequests` of the gate has `trustedProxies`, `skip`, `keyOf` or `pathOf`, which this knows nothing of: then
   * `limitRequests` alone asks about streams, and those of a route that passes by it are not limited. A `rate` leaves them counted here, and is
   * asked in addition.
   *
   * @default undefined
   */
  readonly limitStreams?: boolean

  /** @default the system's clock */
  readonly clock?: Clock
}

export const SERVER_DEFAULTS = {
  writeDeadline: 1_000,
  proxyHeaderDeadline: 5_000,
  firstByteDeadline: Infinity,
  headerDeadline: Infinity,
  sweepInterval: 10_000
} as const

const NAMES: Readonly<Record<keyof LimitConnectionsOptions, true>> = {
  onDeny: true,
  writeDeadline: true,
  proxyProtocol: true,
  trustedProxies: true,
  firstByteDeadline: true,
  headerDeadline: true,
  releaseOnUpgrade: true,
  sweepInterval: true,
  limitStreams: true,
  clock: true
}

export interface GuardConfig {
  readonly onDeny: DenyAction | DenyHandler | undefined
  readonly writeDeadline: number
  readonly proxyProtocol: { readonly from: TrustList, readonly headerDeadline: number } | undefined
  readonly trustedProxies: TrustList | undefined
  readonly firstByteDeadline: number
  readonly headerDeadline: number
  readonly releaseOnUpgrade: boolean
  readonly sweepInterval: number
  readonly limitStreams: boolean | undefined
  readonly clock: Clock
}

/** @throws {@link InvalidOptionError} or {@link InvalidAddressError} */
export function parseGuard (options: LimitConnectionsOptions, { protocol }: ServerKind): GuardConfig {
  const { onDeny, writeDeadline, proxyProtocol, trustedProxies, firstByteDeadline, headerDeadline, releaseOnUpgrade, sweepInterval, limitStreams, clock } = checkNames('options', options, NAMES) as LimitConnectionsOptions
  const headers = checkDurationOrNever('headerDeadline', headerDeadline ?? SERVER_DEFAULTS.headerDeadline)

  if (headers !== Infinity && protocol === 'raw') throw new InvalidOptionError('headerDeadline', 'absent for a server that is none of HTTP', headerDeadline)

  return {
    onDeny: onDeny === undefined || typeof onDeny === 'function' ? onDeny : checkChoice<DenyAction>('onDeny', onDeny, ['reset', 'close', 'too-many-requests']),
    writeDeadline: checkDuration('writeDeadline', writeDeadline ?? SERVER_DEFAULTS.writeDeadline),
    proxyProtocol: proxyProtocol === undefined ? undefined : parseProxyProtocol(proxyProtocol),
    trustedProxies: trustedProxies === undefined ? undefined : checkRanges('trustedProxies', trustedProxies),
    firstByteDeadline: checkDurationOrNever('firstByteDeadline', firstByteDeadline ?? SERVER_DEFAULTS.firstByteDeadline),
    headerDeadline: headers,
    releaseOnUpgrade: checkFlag('releaseOnUpgrade', releaseOnUpgrade ?? false),
    sweepInterval: checkDurationOrNever('sweepInterval', sweepInterval ?? SERVER_DEFAULTS.sweepInterval),
    limitStreams: limitStreams === undefined ? undefined : checkFlag('limitStreams', limitStreams),
    clock: checkClock(clock ?? systemClock)
  }
}

function parseProxyProtocol (value: unknown): { from: TrustList, headerDeadline: number } {
  const { from, headerDeadline } = checkNames('proxyProtocol', value, { from: true, headerDeadline: true })

  return {
    from: checkRanges('proxyProtocol.from', from),
    headerDeadline: checkDuration('proxyProtocol.headerDeadline', headerDeadline ?? SERVER_DEFAULTS.proxyHeaderDeadline)
  }
}

/** Ranges, and never `true`: whoever trusts every proxy believes every client. */
export function checkRanges (option: string, value: unknown): TrustList {
  return trustList(checkArray(option, value as readonly string[], 'addresses and CIDRs'))
}
