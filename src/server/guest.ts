import { rawSocketOf } from './sockets.ts'
import type { ServerHttp2Stream } from 'node:http2'
import type { ConnectionLimiter } from '../limiter/connection-limiter.ts'
import type { Lease } from '../limiter/lease.ts'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { TrustList } from '../limiter/trust-list.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Connection } from './sockets.ts'

/** A connection that was let in. */
export interface Guest {
  /** The one that was accepted, below TLS and HTTP/2. It is the id under which a gate knows the connection. */
  readonly socket: Connection

  /** The client's, as text: the socket's peer, or what a proxy said. Empty when unknown. */
  readonly address: string

  /** Given where the connection is a trusted proxy's, whose clients are known by their requests: it has no place and no quota of its own. */
  readonly proxies?: TrustList

  /** Where a limiter, not a gate, gave the place. */
  lease: Lease | undefined

  /** Where it speaks through TLS: the TLS socket on top. */
  speaker?: Connection

  /** Of an HTTP/2 connection: those that are open. */
  streams?: Set<ServerHttp2Stream>

  /** The same for each of its requests. */
  requester: Requester | undefined

  /** In the list of who is in. */
  place: number

  /** Bytes either way, when somebody last looked, and when they had last changed. */
  moved: number
  movedAt: number
}

/** Who asks, as far as a gate is concerned. */
export interface Requester {
  /** Under which the gate knows the connection. */
  readonly id: unknown
  /** The client's, as text. */
  readonly address: string
  /** Whether the connection is a proxy's and carries others' requests, too. */
  readonly isProxied: boolean
  readonly stream?: object
  readonly guest?: Guest
  /** The gate would not have the connection. */
  readonly denied?: Denied
}

/**
 * By accepted socket, and by whatever stands on top of it: its TLS socket, its HTTP/2 session. On the object itself, since a WeakMap of all
 * connections costs 4 µs for each, most of it when the collector runs.
 */
export class Guests {
  readonly #key = Symbol('guest')

  /** Set where `limitRequests` asks in a way that `limitConnections` knows nothing of: an HTTP/2 stream is then asked about there. */
  areAskedBehind = false

  get (connection: object): Guest | undefined {
    return (connection as Record<symbol, Guest | undefined>)[this.#key]
  }

  set (connection: object, guest: Guest | undefined): void {
    (connection as Record<symbol, Guest | undefined>)[this.#key] = guest
  }
}

const guestsByLimiter = new WeakMap<ConnectionLimiter | SecurityGate, Guests>()

/** Those that a limiter or gate knows, of all servers it stands before: so nobody is counted twice who passes through two of them. */
export function guestsOf (limiter: ConnectionLimiter | SecurityGate): Guests {
  let guests = guestsByLimiter.get(limiter)

  if (guests == null) {
    guests = new Guests()
    guestsByLimiter.set(limiter, guests)
  }

  return guests
}

const namedByProxies = new Guests()

/** For limiters other than the one that let it in: only where the socket's peer is not the client. */
export function nameGuest (connection: object, guest: Guest): void {
  namedByProxies.set(connection, guest)
}

export function namedGuest (connection: object): Guest | undefined {
  return findGuest(namedByProxies, connection)
}

/**
 * The guest of a connection or, where nobody has told us of this one, of what it stands on: another server, which saw the socket only, may have
 * handed it to one that speaks TLS or HTTP/2.
 */
export function findGuest (guests: Guests, connection: object): Guest | undefined {
  const known = guests.get(connection)
  if (known != null) return known

  const socket = socketBelow(connection)
  return guests.get(socket) ?? guests.get(rawSocketOf(socket) ?? socket)
}

/** An HTTP/2 session has one; what is asked of it after its end throws. */
export function socketBelow (connection: object): Connection {
  const { socket, destroyed } = connection as { readonly socket?: Connection, readonly destroyed?: boolean }
  return socket == null || destroyed === true ? connection as Connection : socket
}
