import { NO_CONNECTION } from './connection-table.ts'
import { NO_PEER } from './peer-ledger.ts'
import { peerStoreTags } from './peer-store-tags.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { Connection, Logger, Peer, PeerId } from '@libp2p/interface'

export interface PeerStoreReaderInit {
  readonly ledger: PeerLedger

  /** Resolves to undefined for a peer that the store does not know. */
  readonly read: ((peer: PeerId) => Promise<Peer | undefined>) | undefined
  readonly log: Logger
  readonly now: () => number
}

/**
 * Keeps the ledger's copy of the peer store's tags: one read when a peer connects, and from then on the store's own events. Nothing is
 * read at trim time, where it would cost 50 µs and a microtask per peer.
 */
export class PeerStoreReader {
  readonly #init: PeerStoreReaderInit

  /** Peers whose record is being read, and for which connection: an event that comes meanwhile is the fresher one. */
  readonly #reads = new Map<string, Connection>()

  constructor (init: PeerStoreReaderInit) {
    this.#init = init
  }

  /** A peer's first connection opened. */
  opened (id: string, connection: Connection): void {
    const { read, log } = this.#init
    if (read == null) return

    this.#reads.set(id, connection)

    read(connection.remotePeer).then(peer => {
      if (peer != null && this.#reads.get(id) === connection) this.updated(peer)
    }, error => {
      log.error('could not read tags of %p - %e', connection.remotePeer, error)
    }).finally(() => {
      if (this.#reads.get(id) === connection) this.#reads.delete(id)
    })
  }

  closed (id: string): void {
    if (this.#reads.size > 0 && !this.#isConnected(id)) this.#reads.delete(id)
  }

  /**
   * The peer store's record of a peer changed. Of unconnected peers nothing is kept: it is read when they connect.
   *
   * @returns whether a `keep-alive` tag has gone
   */
  updated (peer: Peer): boolean {
    const { ledger, now } = this.#init
    const id = peer.id.toString()
    if (!this.#isConnected(id)) return false

    const row = ledger.find(id)
    const wasKept = ledger.storeTags(row, now())?.keepAlive === true
    const tags = peerStoreTags(peer.tags, now())

    this.#reads.delete(id)
    ledger.setStoreTags(row, tags)
    return wasKept && tags?.keepAlive !== true
  }

  #isConnected (id: string): boolean {
    const row = this.#init.ledger.find(id)

    return row !== NO_PEER && this.#init.ledger.firstConnection(row) !== NO_CONNECTION
  }
}
