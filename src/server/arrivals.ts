import { parseIp } from '../address/ip.ts'
import { deny } from '../limiter/denial.ts'
import { Deadlines } from './deadlines.ts'
import { hold } from './hold.ts'
import { looksLikeProxyHeader, readProxyHeader } from './proxy-protocol.ts'
import type { Clock } from '../clock/clock.ts'
import type { TrustList } from '../limiter/trust-list.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Heard } from './hold.ts'
import type { Connection } from './sockets.ts'

/** The remote hears nothing of it; the operator, that a proxy or somebody who plays one speaks wrongly. */
export const BAD_PROXY_HEADER: Denied = deny({ action: 'close', reason: 'unknown-address' })

export interface Arrivals {
  /** Sockets whose header has not arrived. */
  readonly size: number

  /** Whether the peer is a proxy, which has to say whose connection it is. */
  isProxy (peer: string): boolean

  /** Calls `told` with the client's address, or with undefined for "the peer itself", when the header is there and taken off. */
  awaitHeader (socket: Connection, told: (address: string | undefined) => void): void

  /** Calls `cleared` when the socket, of somebody who is no proxy, cannot begin with a header any more. */
  awaitOther (socket: Connection, cleared: () => void): void

  /** Ends those that wait for a header, and lets the others go on. */
  stop (): void
}

interface Waiting {
  readonly letGo: () => unknown
  readonly late: () => void
}

/** Who a connection is from, where proxies say so on the connection itself. */
export function arrivals (from: TrustList, headerDeadline: number, clock: Clock, refuse: (socket: Connection) => void): Arrivals {
  const waiting = new Set<Waiting>()
  const deadlines = new Deadlines<Waiting>(clock, headerDeadline, entry => { end(entry) })

  function end (entry: Waiting): void {
    forget(entry)
    entry.late()
  }

  function forget (entry: Waiting): void {
    waiting.delete(entry)
    deadlines.delete(entry)
    entry.letGo()
  }

  function wait (socket: Connection, look: (piece: Uint8Array) => boolean, heard: (heard: Heard) => void, late: () => void): void {
    const letGo = hold(socket, look, all => {
      forget(entry)
      heard(all)
    })
    const entry: Waiting = { letGo, late }

    waiting.add(entry)
    deadlines.add(entry)
    socket.once('close', () => { forget(entry) })
  }

  return {
    get size () { return waiting.size },

    isProxy (peer) {
      const ip = parseIp(peer)
      return ip != null && from.has(ip)
    },

    awaitHeader (socket, told) {
      const bytes = collector()

      wait(socket, piece => readProxyHeader(bytes(piece)).kind !== 'more', heard => {
        const header = readProxyHeader(heard.bytes)

        if (header.kind !== 'header') {
          refuse(socket)
        } else {
          putBack(socket, heard.bytes.subarray(header.length))
          told(header.source?.address)
        }
      }, () => { refuse(socket) })
    },

    awaitOther (socket, cleared) {
      const bytes = collector()

      wait(socket, piece => looksLikeProxyHeader(bytes(piece)) !== undefined, ({ bytes: all, ended }) => {
        if (all.length > 0 && (ended || looksLikeProxyHeader(all) === true)) {
          refuse(socket)
        } else {
          putBack(socket, all)
          cleared()
        }
      }, () => {
        // Nothing, or too little to tell. Who says nothing may be waiting for the server to speak.
        if (bytes().length > 0) refuse(socket)
        else cleared()
      })
    },

    stop () {
      for (const entry of [...waiting]) end(entry)
    }
  }
}

/** All pieces so far as one, which is short: whoever asks stops at the longest header. */
function collector (): (piece?: Uint8Array) => Uint8Array {
  let all: Uint8Array = Buffer.alloc(0)

  return piece => {
    if (piece != null) all = all.length === 0 ? piece : Buffer.concat([all, piece])
    return all
  }
}

export function putBack (socket: Connection, bytes: Uint8Array): void {
  if (bytes.length > 0) socket.unshift(bytes)
}
