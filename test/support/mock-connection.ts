import { multiaddr } from '@multiformats/multiaddr'
import type { AbortOptions, Connection, ConnectionStatus, PeerId } from '@libp2p/interface'

/** What a connection does when it is asked to close. Only `in-peace` ends by itself, the others wait for `abort()`. */
export type Manners =
  | 'in-peace'
  | 'hangs' // until its signal fires, as a peer does that reads nothing
  | 'hangs-for-ever' // whatever its signal says
  | 'rejects'
  | 'throws'
  | 'silently' // ends, and nobody is told

export interface MockStream {
  protocol?: string
  status: string
}

export interface MockConnectionInit {
  readonly id: string
  readonly remotePeer: PeerId
  readonly remoteAddr: string
  readonly direction?: 'inbound' | 'outbound'
  readonly streams?: MockStream[]
  readonly status?: ConnectionStatus
  readonly direct?: boolean
  readonly limits?: Connection['limits']
  readonly manners?: Manners

  /** What a network does: it tells the manager. */
  readonly onEnd?: (connection: Connection) => void
}

/** What a test may look at and do beyond the interface. */
export interface MockControls {
  readonly timeline: { open: number, close?: number }
  streams: MockStream[]
  status: ConnectionStatus

  /** How often anybody asked for the status: a trim's plan reads it once per connection. */
  readonly statusReads: number

  /** Calls of `close()` and `abort()`, in order. */
  readonly calls: string[]

  /** Ends by itself, as a socket does that the remote closed. */
  end (status?: ConnectionStatus): void
}

export type MockConnection = Omit<Connection, keyof MockControls> & MockControls

class Mock implements MockControls {
  readonly id: string
  readonly remotePeer: PeerId
  readonly remoteAddr: Connection['remoteAddr']
  readonly direction: 'inbound' | 'outbound'
  readonly direct: boolean
  readonly limits: Connection['limits']
  readonly timeline = { open: 0 }
  readonly calls: string[] = []
  streams: MockStream[]
  statusReads = 0

  readonly #manners: Manners
  readonly #onEnd: (connection: Connection) => void
  #status: ConnectionStatus

  constructor (init: MockConnectionInit) {
    this.id = init.id
    this.remotePeer = init.remotePeer
    this.remoteAddr = multiaddr(init.remoteAddr)
    this.direction = init.direction ?? 'inbound'
    this.streams = init.streams ?? []
    this.direct = init.direct ?? true
    this.limits = init.limits
    this.#manners = init.manners ?? 'in-peace'
    this.#onEnd = init.onEnd ?? (() => {})
    this.#status = init.status ?? 'open'
  }

  get status (): ConnectionStatus {
    this.statusReads++
    return this.#status
  }

  set status (status: ConnectionStatus) {
    this.#status = status
  }

  // the method itself is not async: one of the manners is to throw
  close ({ signal }: AbortOptions = {}): Promise<void> {
    this.calls.push('close')
    this.#status = 'closing'

    const closings: Record<Manners, () => Promise<void>> = {
      'in-peace': async () => { this.end() },
      'hangs': async () => new Promise((_resolve, reject) => { signal?.addEventListener('abort', () => { reject(signal.reason) }) }),
      'hangs-for-ever': async () => new Promise(() => {}),
      'rejects': async () => { throw new Error('Muxer is gone') },
      'throws': () => { throw new Error('Not a function') },
      'silently': async () => { this.#status = 'closed' }
    }

    return closings[this.#manners]()
  }

  abort (error: Error): void {
    this.calls.push(`abort: ${error.message}`)
    this.end('aborted')
  }

  end (status: ConnectionStatus = 'closed'): void {
    this.#status = status
    this.#onEnd(this as unknown as Connection)
  }
}

/** A connection without a network: it does what a test tells it, and tells the manager when it ends. */
export function mockConnection (init: MockConnectionInit): MockConnection {
  return new Mock(init) as unknown as MockConnection
}

/** As the manager sees it. */
export function asConnection (connection: MockConnection): Connection {
  return connection as unknown as Connection
}
