import { NO_CONNECTION } from './connection-table.ts'
import { Incumbents } from './incumbents.ts'
import type { Limits } from './contract.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { Client } from '../address/client-key.ts'
import type { Guest, House, Place, Trust } from '../limiter/ports.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Connection, PeerId } from '@libp2p/interface'

export interface FullHouseInit {
  readonly ledger: PeerLedger
  readonly limits: () => Limits
  readonly onHardLimit: 'evict' | 'deny'
  readonly isProtected: (peer: PeerId) => boolean
  readonly trust: Trust | undefined

  /** Counts one stranger's try at a full house. */
  readonly mayContest: (client: Client) => Denied | undefined

  /** Closes the connection of this row, which has to go for `newcomer`. */
  readonly evict: (row: number, newcomer: PeerId) => void

  /** Nobody was left to displace. */
  readonly admittedAboveLimit: (newcomer: PeerId) => void
  readonly trustLost: () => void

  /** A connection had ended without anybody telling us. */
  readonly onEnded: (connection: Connection) => void

  /** What the peer store's tags of an unconnected peer are worth; undefined where there is nothing to read. */
  readonly storedValue: (peer: PeerId) => Promise<number> | undefined
  readonly now: () => number
}

/** Milliseconds for which a house that has been looked through is taken to be as full as its counts say. */
const LOOK_INTERVAL = 1_000

/**
 * The ceiling: who may come in at `hardLimit`, and whom a newcomer displaces. Places are reserved from the moment the peer is known,
 * so that upgrades under way at the same time cannot share one.
 */
export class FullHouse implements House {
  readonly #init: FullHouseInit
  readonly #incumbents: Incumbents
  readonly #places = new WeakMap<object, Place>()
  #reserved = 0
  #lookedAt = -Infinity

  constructor (init: FullHouseInit) {
    this.#init = init
    this.#incumbents = new Incumbents(init.ledger, init.trust)
  }

  isProtected (peer: PeerId): boolean {
    return this.#init.isProtected(peer)
  }

  atAccept (client: Client, favoured: boolean): Denied | undefined {
    if (favoured || !this.#isFullFor('inbound')) return undefined

    return this.#init.onHardLimit === 'deny' ? this.#denied() : this.#init.mayContest(client)
  }

  reserve (guest: Guest): Place | Denied {
    const full = this.#isFullFor(guest.direction)
    const displaced = full ? this.#whomFor(guest) : NO_CONNECTION
    if (typeof displaced !== 'number') return displaced

    const place = this.#place(guest, full, displaced)
    this.#places.set(guest.timeline, place)
    return place
  }

  recall ({ peer, timeline }: Pick<Guest, 'peer' | 'timeline'>): Promise<void> | undefined {
    if (this.#init.onHardLimit === 'deny' || this.#incumbents.isRemembered(timeline)) return undefined

    return this.#init.storedValue(peer)?.then(value => { this.#incumbents.remember(timeline, value) })
  }

  trustLost (): void {
    this.#init.trustLost()
  }

  /**
   * A connection is open, and counted. Its place is given back; one that has none, because no gate asked for it, competes now.
   *
   * @returns false when it lost and has to close
   */
  opened (row: number, newcomer: Guest): boolean {
    const place = this.#places.get(newcomer.timeline)

    if (place != null) {
      place.giveBack()
      return true
    }

    if (!this.#isTooFullFor(newcomer.direction)) return true

    const displaced = this.#whomFor(newcomer, row)
    if (typeof displaced !== 'number') return false

    this.#displace(displaced, newcomer.peer)
    return true
  }

  /** The row is free for another connection. */
  closed (row: number): void {
    this.#incumbents.undoom(row)
  }

  #place (guest: Guest, full: boolean, displaced: number): Place {
    let [held, taken] = [true, false]
    this.#reserved++
    if (displaced !== NO_CONNECTION) this.#incumbents.doom(displaced)

    return {
      allow: true,

      take: () => {
        if (!held || taken) return
        taken = true

        const isThere = this.#incumbents.undoom(displaced)
        if (isThere) this.#settle(displaced)
        const mayGo = isThere && this.#incumbents.mayGo(displaced)
        // he or somebody else may have left meanwhile; where he has, those who go for others do not stand in the way of this one
        if (!full || !this.#isTooFullFor(guest.direction, mayGo ? 0 : this.#incumbents.doomed)) return

        this.#displace(mayGo ? displaced : this.#instead(guest), guest.peer)
      },

      giveBack: () => {
        if (!held) return
        held = false
        this.#reserved--
        if (!taken) this.#incumbents.undoom(displaced)
      }
    }
  }

  #limitFor (direction: Guest['direction']): number {
    const { hardLimit, outboundReserve } = this.#init.limits()

    return direction === 'inbound' ? hardLimit - outboundReserve : hardLimit
  }

  /** Whether one more would be too many. */
  #isFullFor (direction: Guest['direction']): boolean {
    return this.#exceeds(this.#limitFor(direction) - 1)
  }

  /** Whether there is one too many, the newcomer counted and so many others left out. */
  #isTooFullFor (direction: Guest['direction'], others = 0): boolean {
    return this.#exceeds(this.#limitFor(direction) + others)
  }

  #exceeds (count: number): boolean {
    const { connections } = this.#init.ledger
    if (connections.open + this.#reserved <= count) return false

    this.#lookForLeaving()
    return connections.open + this.#reserved > count
  }

  /**
   * Connections that somebody else is closing, and those that have ended without anybody telling us, count until they are looked at, which else a
   * trim does. One pass over all, and at a house that stays full not for each newcomer.
   */
  #lookForLeaving (): void {
    const now = this.#init.now()
    if (now >= this.#lookedAt && now - this.#lookedAt < LOOK_INTERVAL) return

    this.#lookedAt = now
    for (let row = 0; row < this.#init.ledger.connections.rows; row++) this.#settle(row)
  }

  /** What is closing or has ended counts no more. */
  #settle (row: number): void {
    const { connections } = this.#init.ledger
    const connection = connections.connection(row)
    if (connection == null || connection.status === 'open') return

    if (connection.status === 'closing') connections.markClosing(row)
    else this.#init.onEnded(connection)
  }

  /** @param row - `NO_CONNECTION` where nobody is left to go */
  #displace (row: number, newcomer: PeerId): void {
    if (row === NO_CONNECTION) this.#init.admittedAboveLimit(newcomer)
    else this.#init.evict(row, newcomer)
  }

  /** Who goes for a guest with a place, when the one that was chosen may not go any more. */
  #instead (guest: Guest): number {
    const lowest = this.#whomFor(guest)

    return typeof lowest === 'number' ? lowest : NO_CONNECTION
  }

  #denied (): Denied {
    return { allow: false, action: 'close', reason: 'hard-limit', limit: this.#init.limits().hardLimit }
  }

  /** Whom a newcomer at the full house displaces: a row, `NO_CONNECTION` when it comes in and nobody is left to go, or a denial. */
  #whomFor (newcomer: Guest, except = NO_CONNECTION): number | Denied {
    const now = this.#init.now()
    const isEntitled = newcomer.direction === 'outbound' || newcomer.trusted || this.#init.isProtected(newcomer.peer)
    if (!isEntitled && this.#init.onHardLimit === 'deny') return this.#denied()

    const lowest = this.#incumbents.lowest(now, except)
    if (isEntitled) return lowest

    return lowest !== NO_CONNECTION && this.#incumbents.isWorthMore(newcomer, lowest, now) ? lowest : this.#denied()
  }
}
