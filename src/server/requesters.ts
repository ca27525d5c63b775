import { Duplex } from 'node:stream'
import { parseIp } from '../address/ip.ts'
import { deny } from '../limiter/denial.ts'
import { forwardedClient } from './forwarded.ts'
import { findGuest, guestsOf, namedGuest } from './guest.ts'
import { noteStream } from './http2-streams.ts'
import { proxiedClientsOf } from './proxied-clients.ts'
import { peerOf } from './sockets.ts'
import type { EventEmitter } from 'node:events'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { TrustList } from '../limiter/trust-list.ts'
import type { Guest, Guests, Requester } from './guest.ts'
import type { ProxiedClients } from './proxied-clients.ts'
import type { AnyResponse } from './refuse-request.ts'
import type { AnyRequest, RequestConfig } from './request-options.ts'
import type { Connection } from './sockets.ts'

/** Finds who asks, and introduces to the gate whom it does not know. */
export class Requesters {
  readonly #gate: SecurityGate
  readonly #config: RequestConfig
  readonly #guests: Guests
  readonly #proxied: ProxiedClients

  constructor (gate: SecurityGate, config: RequestConfig) {
    this.#gate = gate
    this.#config = config
    this.#guests = guestsOf(gate)
    this.#proxied = proxiedClientsOf(gate, config.clock)
  }

  /** @param res - the answer, where there is one yet: it ends what has no other end */
  of (req: AnyRequest, res?: AnyResponse): Requester {
    const stream = 'stream' in req ? req.stream : undefined
    const connection: object = stream?.session ?? req.socket
    const requester = this.#find(req, connection, () => stream == null ? endOf(connection, res) : connection as Connection)
    if (stream == null || requester.guest == null) return requester

    noteStream(requester.guest, stream)
    return { ...requester, stream }
  }

  #find (req: AnyRequest, connection: object, end: () => EventEmitter): Requester {
    const guest = findGuest(this.#guests, connection)
    const named = guest ?? namedGuest(connection)
    const peer = named?.address ?? peerOf(req.socket as Connection) ?? ''
    const proxies = this.#config.trustedProxies ?? named?.proxies

    if (proxies != null && isIn(proxies, peer)) return this.#proxiedRequester(req, peer, proxies)
    // A proxy's connection that is not believed here is its own, and has no place with the gate until it is introduced.
    if (guest != null && (guest.proxies == null || guest.requester != null)) return guest.requester ??= requesterOf(guest)
    return this.#introduce(connection, peer, end(), guest?.proxies)
  }

  #proxiedRequester (req: AnyRequest, peer: string, proxies: TrustList): Requester {
    const field = this.#config.forwardedField
    const value = req.headers[field]
    const address = forwardedClient(field, Array.isArray(value) ? value.join(',') : value, peer, ip => proxies.has(ip))
    const id = this.#proxied.idOf(address)

    if ('allow' in id) return { id: undefined, address, isProxied: true, denied: id }
    return { id, address, isProxied: true }
  }

  /** @param proxies - of a proxy's connection, which elsewhere may be believed */
  #introduce (connection: object, address: string, end: EventEmitter, proxies: TrustList | undefined): Requester {
    // It has closed, and would never say so again.
    if ((connection as Connection).destroyed) return { id: connection, address, isProxied: false, denied: deny({ action: 'close', reason: 'not-open' }) }
    const verdict = this.#gate.allowConnect(address, connection)
    if (!verdict.allow) return { id: connection, address, isProxied: false, denied: verdict }

    const socket = connection as Connection
    const guest: Guest = { socket, address, lease: undefined, place: -1, moved: 0, movedAt: 0, requester: undefined, ...proxies != null && { proxies } }
    this.#guests.set(connection, guest)
    end.once('close', () => {
      this.#guests.set(connection, undefined)
      this.#gate.release(connection)
    })

    return guest.requester ??= requesterOf(guest)
  }
}

/** Whose `close` it is: what stands for a socket where a framework makes up a request (`inject` of Fastify) says nothing when it is over. */
function endOf (connection: object, res: AnyResponse | undefined): EventEmitter {
  return connection instanceof Duplex ? connection : res ?? connection as Connection
}

function requesterOf (guest: Guest): Requester {
  return { id: guest.socket, address: guest.address, isProxied: false, guest }
}

function isIn (ranges: TrustList, address: string): boolean {
  const ip = parseIp(address)
  return ip != null && ranges.has(ip)
}
