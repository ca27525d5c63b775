import { clientOf } from '../address/client.ts'
import { NO_CONNECTION } from './connection-table.ts'
import type { FullHouse } from './full-house.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { PeerStoreReader } from './peer-store-reader.ts'
import type { Client } from '../address/client-key.ts'
import type { Guest, Trust } from '../limiter/ports.ts'
import type { Connection } from '@libp2p/interface'

export interface NewcomersInit {
  readonly ledger: PeerLedger
  readonly house: FullHouse
  readonly peerStore: PeerStoreReader
  readonly trust: Trust | undefined
  readonly now: () => number

  /** Somebody has come to stay. */
  readonly onStay: () => void

  /** The connection of this row came at a full house, and is worth too little. */
  readonly onLost: (row: number, newcomer: Connection) => void
}

/** Connections as they come and go: the ledger has them, and the house says whether they stay. */
export class Newcomers {
  readonly #init: NewcomersInit

  constructor (init: NewcomersInit) {
    this.#init = init
  }

  connected (connection: Connection): void {
    // js-libp2p announces connections that died during their upgrade, and never announces their end
    if (connection.status !== 'open') return

    const { ledger, house, peerStore, now, onStay, onLost } = this.#init
    const { connections } = ledger
    const id = connection.remotePeer.toString()
    const client = clientOf(connection.remoteAddr)
    const row = ledger.connected(id, connection, client, now())
    if (row === NO_CONNECTION) return

    const isFirst = connections.next(row) === NO_CONNECTION
    const read = isFirst ? peerStore.opened(id, connection) : peerStore.reading(id)

    if (house.opened(row, this.#guest(connection, client))) {
      onStay()
    } else if (read == null) {
      onLost(row, connection)
    } else {
      connections.markWaiting(row)
      void peerStore.inTime(read).then(() => { this.#competeAgain(connection) })
    }
  }

  disconnected (connection: Connection): void {
    const { ledger, house, peerStore, now } = this.#init
    const id = connection.remotePeer.toString()
    const row = ledger.disconnected(id, connection, now())
    if (row === NO_CONNECTION) return

    house.closed(row)
    peerStore.closed(id)
  }

  /** It was worth too little, before the peer store had said what it knows of the peer. */
  #competeAgain (connection: Connection): void {
    const { ledger, house, onStay, onLost } = this.#init
    const { remotePeer, remoteAddr, status } = connection
    const row = ledger.rowOf(remotePeer.toString(), connection)
    if (row === NO_CONNECTION || ledger.connections.isClosing(row) || status !== 'open') return

    ledger.connections.unmarkWaiting(row)
    if (house.opened(row, this.#guest(connection, clientOf(remoteAddr)))) onStay()
    else onLost(row, connection)
  }

  #guest (connection: Connection, client: Client): Guest {
    const { remotePeer: peer, direction, timeline } = connection

    return { peer, client, direction, trusted: this.#init.trust?.isTrusted(connection) === true, timeline }
  }
}
