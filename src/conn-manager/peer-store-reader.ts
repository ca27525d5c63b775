import { withDeadline } from '../clock/deadline.ts'
import { NO_CONNECTION } from './connection-table.ts'
import { NO_PEER } from './peer-ledger.ts'
import { peerStoreTags } from './peer-store-tags.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { Clock } from '../clock/clock.ts'
import type { Connection, Logger, Peer, PeerId } from '@libp2p/interface'

/** Resolves to undefined for a peer that the store does not know. */
export type ReadPeer = (peer: PeerId) => Promise<Peer | undefined>

export interface PeerStoreReaderInit {
  readonly ledger: PeerLedger

  readonly read: ReadPeer | undefined
  readonly log: Logger
  readonly clock: Clock
}

/** For those who wait for an answer. A store on this machine has one in well under a millisecond. */
const DEADLINE = 1_000

/**
 * Keeps the ledger's copy of the peer store's tags: one read when a peer connects, and from then on the store's own events. Nothing is
 * read at trim time, where it would cost 50 µs and a microtask per peer.
 */
export class PeerStoreReader {
  readonly #init: PeerStoreReaderInit

  /** Peers whose record is being read, and for which connection: an event that comes meanwhile is the fresher one. */
  readonly #reads = new Map<string, { readonly connection: Connection, readonly done: Promise<void> }>()

  constructor (init: PeerStoreReaderInit) {
    this.#init = init
  }

  /** A peer's first connection opened. @returns when its tags are known; undefined where there is no store */
  opened (id: string, connection: Connection): Promise<void> | undefined {
    const { read } = this.#init
    if (read == null) return undefined

    const isLatest = (): boolean => this.#reads.get(id)?.connection === connection
    const done = this.#read(read, connection.remotePeer, peer => {
      if (isLatest()) this.#apply(peer)
    }).then(() => {
      if (isLatest()) this.#reads.delete(id)
    })

    this.#reads.set(id, { connection, done })
    return done
  }

  /** When the tags of a connected peer are known; undefined where they are. */
  reading (id: string): Promise<void> | undefined {
    return this.#reads.get(id)?.done
  }

  /**
   * What the peer store's tags of an unconnected peer are worth, of whom nothing is kept here. Zero when that is not known in time, and of
   * connected peers, whose tags are in the ledger then.
   *
   * @returns undefined where there is no store, and of connected peers whose tags are in the ledger already
   */
  valueOf (peer: PeerId): Promise<number> | undefined {
    const { read, clock } = this.#init
    if (read == null) return undefined

    const id = peer.toString()
    if (this.#isConnected(id)) return this.#valueLater(this.reading(id))

    const value = this.#read(read, peer, known => peerStoreTags(known.tags, clock.now())?.value)
    return this.inTime(value).then(known => known ?? 0)
  }

  #valueLater (read: Promise<void> | undefined): Promise<number> | undefined {
    return read == null ? undefined : this.inTime(read).then(() => 0)
  }

  /** Undefined where the store has no answer in time. */
  async inTime<T> (answer: Promise<T>): Promise<T | undefined> {
    return withDeadline(answer, DEADLINE, this.#init.clock).catch(() => undefined)
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
    try {
      return this.#apply(peer)
    } catch (error) {
      this.#init.log.error('could not read tags of %p - %e', peer?.id, error)
      return false
    }
  }

  #apply (peer: Peer): boolean {
    const { ledger, clock } = this.#init
    const now = clock.now()
    const id = peer.id.toString()
    if (!this.#isConnected(id)) return false

    const row = ledger.find(id)
    const wasKept = ledger.storeTags(row, now)?.keepAlive === true
    const tags = peerStoreTags(peer.tags, now)

    this.#reads.delete(id)
    ledger.setStoreTags(row, tags)
    return wasKept && tags?.keepAlive !== true
  }

  /** A store that fails, or answers with rubbish, knows nobody. */
  async #read<T> (read: ReadPeer, id: PeerId, use: (peer: Peer) => T): Promise<T | undefined> {
    try {
      const peer = await read(id)
      return peer == null ? undefined : use(peer)
    } catch (error) {
      this.#init.log.error('could not read tags of %p - %e', id, error)
      return undefined
    }
  }

  #isConnected (id: string): boolean {
    const row = this.#init.ledger.find(id)

    return row !== NO_PEER && this.#init.ledger.firstConnection(row) !== NO_CONNECTION
  }
}
