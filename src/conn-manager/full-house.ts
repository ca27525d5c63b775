import { NO_CONNECTION } from './connection-table.ts'
import { NO_PEER } from './peer-ledger.ts'
import type { Limits } from './contract.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { Client } from '../address/client-key.ts'
import type { Crowd } from '../limiter/crowd-ledger.ts'
import type { Guest, House, Place, Trust } from '../limiter/ports.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { PeerId } from '@libp2p/interface'

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

  /** What the peer store's tags of an unconnected peer are worth; undefined where there is nothing to read. */
  readonly storedValue: (peer: PeerId) => Promise<number> | undefined
  readonly now: () => number
}

/**
 * The ceiling: who may come in at `hardLimit`, and whom a newcomer displaces. Places are reserved from the moment the peer is known,
 * so that upgrades under way at the same time cannot share one.
 */
export class FullHouse implements House {
  readonly #init: FullHouseInit
  readonly #places = new WeakMap<object, Place>()

  /** By timeline: what the peer store's tags of those are worth who have been recalled, and are not connected. */
  readonly #storedValues = new WeakMap<object, number>()

  /** Rows that close once the newcomer they give way to is usable. */
  readonly #doomed = new Set<number>()
  #reserved = 0

  constructor (init: FullHouseInit) {
    this.#init = init
  }

  /** Places held for connections that are not open yet. */
  get reserved (): number {
    return this.#reserved
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
    const displaced = full ? this.#whomFor(guest, this.#lowestInbound()) : NO_CONNECTION
    if (typeof displaced !== 'number') return displaced

    if (full && displaced === NO_CONNECTION) this.#init.admittedAboveLimit(guest.peer)

    const place = this.#place(guest, displaced)
    this.#places.set(guest.timeline, place)
    return place
  }

  recall ({ peer, timeline }: Pick<Guest, 'peer' | 'timeline'>): Promise<void> | undefined {
    if (this.#init.onHardLimit === 'deny' || this.#storedValues.has(timeline)) return undefined

    return this.#init.storedValue(peer)?.then(value => { this.#storedValues.set(timeline, value) })
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

    const { connections } = this.#init.ledger
    if (connections.open + this.#reserved <= this.#limitFor(newcomer.direction)) return true

    const displaced = this.#whomFor(newcomer, this.#lowestInbound(row))
    if (typeof displaced !== 'number') return false

    if (displaced === NO_CONNECTION) this.#init.admittedAboveLimit(newcomer.peer)
    else this.#init.evict(displaced, newcomer.peer)

    return true
  }

  /** The row is free for another connection. */
  closed (row: number): void {
    this.#doomed.delete(row)
  }

  #place ({ direction, peer }: Guest, displaced: number): Place {
    let [held, taken] = [true, false]
    this.#reserved++
    if (displaced !== NO_CONNECTION) this.#doomed.add(displaced)

    return {
      allow: true,

      take: () => {
        if (!held || taken) return
        taken = true

        // it may have left by itself meanwhile or been protected, or somebody else has left
        const mayGo = this.#doomed.delete(displaced) && this.#mayBeDisplaced(displaced)
        const { open } = this.#init.ledger.connections
        if (mayGo && open + this.#reserved > this.#limitFor(direction)) this.#init.evict(displaced, peer)
      },

      giveBack: () => {
        if (!held) return
        held = false
        this.#reserved--
        if (!taken) this.#doomed.delete(displaced)
      }
    }
  }

  #limitFor (direction: Guest['direction']): number {
    const { hardLimit, outboundReserve } = this.#init.limits()

    return direction === 'inbound' ? hardLimit - outboundReserve : hardLimit
  }

  #isFullFor (direction: Guest['direction']): boolean {
    return this.#init.ledger.connections.open + this.#reserved >= this.#limitFor(direction)
  }

  #denied (): Denied {
    return { allow: false, action: 'close', reason: 'hard-limit', limit: this.#init.limits().hardLimit }
  }

  /** Whom a newcomer at the full house displaces: a row, `NO_CONNECTION` when it comes in and nobody is left to go, or a denial. */
  #whomFor (newcomer: Guest, lowest: number): number | Denied {
    const entitled = newcomer.direction === 'outbound' || newcomer.trusted || this.#init.isProtected(newcomer.peer)
    if (entitled) return lowest

    const mayCompete = lowest !== NO_CONNECTION && this.#init.onHardLimit === 'evict'

    return mayCompete && this.#isWorthMore(newcomer, lowest) ? lowest : this.#denied()
  }

  /** Peer value first, then crowding. Ties keep the incumbent. */
  #isWorthMore (newcomer: Guest, incumbent: number): boolean {
    const { ledger, now } = this.#init

    const order =
      this.#valueOf(newcomer) - ledger.value(ledger.connections.peer(incumbent), now()) ||
      this.#compareCrowds(ledger.connections.crowd(incumbent), ledger.crowds.find(newcomer.client))

    return order > 0
  }

  /** The ledger knows the peer store's tags of connected peers only. */
  #valueOf ({ peer, timeline }: Guest): number {
    const { ledger, now } = this.#init
    const stored = this.#storedValues.get(timeline) ?? 0
    const row = ledger.find(peer.toString())
    if (row === NO_PEER) return stored

    return ledger.value(row, now()) + (ledger.storeTags(row, now()) == null ? stored : 0)
  }

  /**
   * The inbound connection worth least, `except` left out: peer value first, then crowding. Streams, grace and age give no right here,
   * so that one idle stream per connection does not fill the house for ever.
   *
   * One pass over all connections. It is walked at the full house alone, for strangers at most `contestRate` times.
   */
  #lowestInbound (except = NO_CONNECTION): number {
    const { ledger, trust, now } = this.#init
    const { connections } = ledger
    const at = now()
    let lowest = NO_CONNECTION
    let lowestValue = Infinity

    for (let row = 0; row < connections.rows; row++) {
      if (row === except || !this.#mayBeDisplaced(row)) continue

      const value = ledger.value(connections.peer(row), at)
      if (value > lowestValue) continue
      if (trust?.trustsAnybody === true && trust.isTrusted(connections.connection(row)!)) continue

      if (value < lowestValue || this.#isCheaper(row, lowest)) {
        lowest = row
        lowestValue = value
      }
    }

    return lowest
  }

  #mayBeDisplaced (row: number): boolean {
    const { connections } = this.#init.ledger

    return connections.connection(row)?.status === 'open' &&
      !connections.isClosing(row) &&
      !connections.isOutbound(row) &&
      !this.#init.ledger.isProtected(connections.peer(row)) &&
      !this.#doomed.has(row)
  }

  /** Between two of one value: the more crowded goes, then the younger, then the smaller id. */
  #isCheaper (row: number, than: number): boolean {
    const { connections } = this.#init.ledger
    const order =
      this.#compareCrowds(connections.crowd(than), connections.crowd(row)) ||
      connections.openedAt(than) - connections.openedAt(row) ||
      (connections.connection(row)!.id < connections.connection(than)!.id ? -1 : 1)

    return order < 0
  }

  /** Above zero when `a` is the more crowded. */
  #compareCrowds (a: Crowd, b: Crowd): number {
    const { crowds } = this.#init.ledger

    return crowds.wide(a) - crowds.wide(b) || crowds.narrow(a) - crowds.narrow(b)
  }
}
