import { IdleQueue } from '../limiter/idle-queue.ts'
import { RowRates } from '../limiter/row-rates.ts'
import { GatedStream, Guest } from './guest.ts'
import { ProtocolPlaces } from './protocol-places.ts'
import type { StreamGateConfig } from './contract.ts'
import type { Rate } from '../limiter/rate.ts'
import type { Connection, Stream } from '@libp2p/interface'

export interface StreamLedgerInit {
  readonly openRate: Rate
  readonly config: () => Pick<StreamGateConfig, 'maxStreamsPerProtocol' | 'idleTimeout'>

  /** Whether it may take a place of its protocol. */
  isLimited (stream: Stream): boolean

  /** Whether it keeps its connection from being idle. */
  isLife (stream: Stream): boolean

  /** One that holds something has closed. */
  onClose (stream: GatedStream): void
}

/**
 * Every connection and stream that is watched, and every count of them. Each change is synchronous, and what a stream holds is written on it, so
 * that giving it back twice gives back nothing. Bounded by the connections and streams that there are. `now` never goes back.
 *
 * To listen to a stream costs more than all else that is done about it, so that is done only where it holds something: a place, or its connection's
 * life. The others are looked at when somebody wants to know.
 */
export class StreamLedger {
  readonly #init: StreamLedgerInit
  readonly #guests = new Map<Connection, Guest>()
  readonly #idle = new IdleQueue<Guest>()
  readonly opens: RowRates
  readonly places: ProtocolPlaces

  constructor (init: StreamLedgerInit) {
    this.#init = init
    this.opens = new RowRates(init.openRate)
    this.places = new ProtocolPlaces(init.config().maxStreamsPerProtocol)
  }

  get connections (): number {
    return this.#guests.size
  }

  /** Connections without a stream that is life. */
  get idle (): number {
    return this.guests().filter(guest => !this.#openOf(guest).some(stream => this.#init.isLife(stream))).length
  }

  get streams (): { open: number, pending: number } {
    const sums = { open: 0, pending: 0 }

    for (const guest of this.#guests.values()) {
      sums.open += this.#openOf(guest).length
      for (const stream of guest.pending.keys()) if (stream.status === 'open' && stream.protocol === '') sums.pending++
    }
    return sums
  }

  find (connection: Connection): Guest | undefined {
    return this.#guests.get(connection)
  }

  guests (): Guest[] {
    return [...this.#guests.values()]
  }

  enter (connection: Connection, now: number): Guest {
    const guest = new Guest(connection, this.opens.add())

    this.#guests.set(connection, guest)
    this.#idle.add(guest, now)
    return guest
  }

  leave (guest: Guest, now: number): void {
    if (!this.#guests.has(guest.connection)) return

    for (const stream of [...guest.holders.keys()]) this.letGo(guest, stream, now)
    guest.pending.clear()
    this.#idle.remove(guest)
    this.opens.remove(guest.row)
    this.#guests.delete(guest.connection)
  }

  /** Its protocol is not known yet. */
  await (guest: Guest, stream: Stream, now: number): GatedStream {
    const gated = new GatedStream(guest, stream, now, this.#init.onClose)

    guest.pending.set(stream, gated)
    return gated
  }

  /** It is negotiated and open: what it holds is counted until it closes. */
  hold (guest: Guest, stream: Stream, now: number): void {
    const places = this.#init.isLimited(stream) ? this.places.take(stream.protocol, stream.direction) : undefined
    const isCounted = this.#init.config().idleTimeout !== Infinity && this.#init.isLife(stream)
    if (places == null && !isCounted) return

    const gated = new GatedStream(guest, stream, now, this.#init.onClose)
    gated.places = places
    guest.holders.set(stream, gated)
    stream.addEventListener('close', gated)
    if (isCounted) this.#count(gated)
  }

  /** It has closed; to stop listening to what cannot close again would only cost. @returns whether this call released it */
  release (gated: GatedStream, now: number): boolean {
    const { guest, stream, places } = gated
    if (!guest.holders.delete(stream)) return false

    if (places != null) this.places.giveBack(places, stream.direction)
    if (gated.isCounted && --guest.counted === 0) this.#idle.add(guest, now)
    return true
  }

  /** It has not closed, and holds nothing any more. */
  letGo (guest: Guest, stream: Stream, now: number): void {
    const gated = guest.holders.get(stream)
    if (gated == null) return

    stream.removeEventListener('close', gated)
    this.release(gated, now)
  }

  /** Other streams hold something from now on: every count is made anew, of what is open. */
  recount (now: number): void {
    this.places.set(this.#init.config().maxStreamsPerProtocol)

    for (const guest of this.#guests.values()) {
      for (const gated of [...guest.holders.values()]) {
        gated.places = undefined
        this.letGo(guest, gated.stream, now)
      }
      for (const stream of this.#openOf(guest)) this.hold(guest, stream, now)
    }
  }

  /** Those idle for longer, longest first. */
  idleFor (timeout: number, now: number): Guest[] {
    return this.#idle.idle(timeout, now)
  }

  /** Steady ms since when the one that is idle longest is. */
  get idleSince (): number | undefined {
    return this.#idle.oldest?.lastActivity
  }

  /** From now on it is as if it had just been active. */
  spare (guest: Guest, now: number): void {
    if (guest.counted === 0 && this.#guests.has(guest.connection)) this.#idle.touch(guest, now)
  }

  #count (gated: GatedStream): void {
    gated.isCounted = true
    if (gated.guest.counted++ === 0) this.#idle.remove(gated.guest)
  }

  #openOf ({ connection }: Guest): Stream[] {
    return connection.streams.filter(({ status, protocol }) => status === 'open' && protocol !== '')
  }
}
