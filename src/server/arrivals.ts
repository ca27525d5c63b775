import { parseIp } from '../address/ip.ts'
import { DeadlineQueue } from '../clock/deadline-queue.ts'
import { deny } from '../limiter/denial.ts'
import { handOn, handOnNow, hold } from './hold.ts'
import { looksLikeProxyHeader, readProxyHeader } from './proxy-protocol.ts'
import type { Clock } from '../clock/clock.ts'
import type { TrustList } from '../limiter/trust-list.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Heard } from './hold.ts'
import type { Connection } from './sockets.ts'

/** The remote hears nothing of it; the operator, that a proxy or somebody who plays one speaks wrongly. */
export const BAD_PROXY_HEADER: Denied = deny({ action: 'close', reason: 'unknown-address' })

interface Waiting {
  readonly socket: Connection
  readonly letGo: () => unknown
  readonly late: (hand: typeof handOn) => void
}

/** Who a connection is from, where proxies say so on the connection itself. */
export class Arrivals {
  readonly #from: TrustList
  readonly #refuse: (socket: Connection) => void
  readonly #waiting = new Set<Waiting>()
  readonly #deadlines: DeadlineQueue<Waiting>

  constructor (from: TrustList, headerDeadline: number, clock: Clock, refuse: (socket: Connection) => void) {
    this.#from = from
    this.#refuse = refuse
    this.#deadlines = new DeadlineQueue(clock, headerDeadline, entry => { this.#end(entry, handOn) })
  }

  /** Sockets whose first bytes have not arrived. */
  get size (): number {
    return this.#waiting.size
  }

  /** Whether the peer is a proxy, which has to say whose connection it is. */
  isProxy (peer: string): boolean {
    const ip = parseIp(peer)
    return ip != null && this.#from.has(ip)
  }

  /** Calls `told` with the client's address, or with undefined for "the peer itself", when the header is there and taken off. */
  awaitHeader (socket: Connection, told: (address: string | undefined) => void): void {
    const bytes = collector()

    this.#wait(socket, piece => readProxyHeader(bytes(piece)).kind !== 'more', heard => {
      const header = readProxyHeader(heard.bytes)

      if (header.kind !== 'header') {
        this.#refuse(socket)
      } else {
        handOn(socket, heard.bytes.subarray(header.length), () => { told(header.source?.address) })
      }
    }, () => { this.#refuse(socket) })
  }

  /**
   * Calls `cleared` when the socket, of somebody who is no proxy, cannot begin with a header any more, and `spoke` when anything comes. `ended` says
   * that it has ended without a byte: nobody can wait for its first one any more.
   */
  awaitOther (socket: Connection, { spoke, cleared }: { readonly spoke: () => void, readonly cleared: (ended: boolean) => void }): void {
    const bytes = collector()

    this.#wait(socket, piece => {
      spoke()
      return looksLikeProxyHeader(bytes(piece)) !== undefined
    }, ({ bytes: all, ended }) => {
      if (all.length > 0 && (ended || looksLikeProxyHeader(all) === true)) {
        this.#refuse(socket)
      } else {
        handOn(socket, all, () => { cleared(ended) })
      }
    }, hand => {
      // Nothing, or too little to tell. Who says nothing may be waiting for the server to speak.
      if (bytes().length > 0) this.#refuse(socket)
      else hand(socket, bytes(), () => { cleared(false) })
    })
  }

  closeAll (): void {
    for (const { socket } of this.#waiting) socket.destroy()
  }

  /** Ends those that wait for a header, and lets the others go on. */
  stop (): void {
    for (const entry of [...this.#waiting]) this.#end(entry, handOnNow)
    this.#deadlines.clear()
  }

  #wait (socket: Connection, look: (piece: Uint8Array) => boolean, heard: (heard: Heard) => void, late: Waiting['late']): void {
    const letGo = hold(socket, look, all => {
      this.#forget(entry)
      heard(all)
    })
    const entry: Waiting = { socket, letGo, late }

    this.#waiting.add(entry)
    this.#deadlines.add(entry)
    socket.once('close', () => { this.#forget(entry) })
  }

  #end (entry: Waiting, hand: typeof handOn): void {
    this.#forget(entry)
    entry.late(hand)
  }

  #forget (entry: Waiting): void {
    this.#waiting.delete(entry)
    this.#deadlines.delete(entry)
    entry.letGo()
  }
}

const readers = new WeakMap<object, readonly Arrivals[]>()
const NOBODY: readonly Arrivals[] = []

/** Who reads headers before a server, whichever limiter it belongs to: their proxies are nobody's clients. */
export function readersOf (server: object): readonly Arrivals[] {
  return readers.get(server) ?? NOBODY
}

export function addReader (server: object, arrivals: Arrivals): void {
  readers.set(server, [...readersOf(server), arrivals])
}

export function deleteReader (server: object, arrivals: Arrivals): void {
  readers.set(server, readersOf(server).filter(reader => reader !== arrivals))
}

/** All pieces so far as one, which is short: whoever asks stops at the longest header. */
function collector (): (piece?: Uint8Array) => Uint8Array {
  let all: Uint8Array = Buffer.alloc(0)

  return piece => {
    if (piece != null) all = all.length === 0 ? piece : Buffer.concat([all, piece])
    return all
  }
}
