import { IdleQueue } from '../limiter/idle-queue.ts'
import { RowRates } from '../limiter/row-rates.ts'
import { GatedStream, Guest } from './guest.ts'
import { ProtocolPlaces } from './protocol-places.ts'
import type { Rate } from '../limiter/rate.ts'
import type { Connection, Stream } from '@libp2p/interface'

/**
 * Every connection and stream that is watched, and every count of them. Each change is synchronous, and what a stream holds is written on it, so
 * that giving it back twice gives back nothing. Bounded by the connections and streams that there are. `now` never goes back.
 */
export class StreamLedger {
  readonly #guests = new Map<Connection, Guest>()
  readonly #idle = new IdleQueue<Guest>()
  readonly #onClose: (stream: GatedStream, event: Event) => void
  readonly opens: RowRates
  readonly places: ProtocolPlaces
  #idleCount = 0
  #pending = 0
  #open = 0

  constructor (openRate: Rate, maxStreamsPerProtocol: Readonly<Record<string, number>>, onClose: (stream: GatedStream, event: Event) => void) {
    this.opens = new RowRates(openRate)
    this.places = new ProtocolPlaces(maxStreamsPerProtocol)
    this.#onClose = onClose
  }

  get connections (): number {
    return this.#guests.size
  }

  get idle (): number {
    return this.#idleCount
  }

  get streams (): { open: number, pending: number } {
    return { open: this.#open, pending: this.#pending }
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
    this.#rest(guest, now)
    return guest
  }

  leave (guest: Guest, now: number): void {
    if (!this.#guests.delete(guest.connection)) return

    for (const gated of [...guest.streams.values()]) {
      gated.stream.removeEventListener('close', gated)
      this.release(gated, now)
    }
    this.#wake(guest)
    this.opens.remove(guest.row)
  }

  /** Its protocol is not known yet. */
  add (guest: Guest, stream: Stream, now: number): GatedStream {
    const gated = new GatedStream(guest, stream, now, this.#onClose)

    guest.streams.set(stream, gated)
    guest.pending++
    this.#pending++
    stream.addEventListener('close', gated)
    return gated
  }

  /** @param takesPlace - whether it counts among those of its protocol; @param isCounted - whether it is life */
  negotiated (gated: GatedStream, takesPlace: boolean, isCounted: boolean): void {
    if (gated.state !== 'pending') return
    const { guest, stream, direction } = gated

    gated.state = 'open'
    guest.pending--
    this.#pending--
    this.#open++
    if (takesPlace) gated.places = this.places.take(stream.protocol, direction)
    if (!isCounted) return

    gated.isCounted = true
    if (guest.counted++ === 0) this.#wake(guest)
  }

  /** It has closed; to stop listening to what cannot close again would only cost. @returns whether this call released it */
  release (gated: GatedStream, now: number): boolean {
    const { guest, stream, state } = gated
    if (state === 'gone') return false

    gated.state = 'gone'
    guest.streams.delete(stream)

    if (state === 'pending') {
      guest.pending--
      this.#pending--
      return true
    }

    this.#open--
    if (gated.places != null) this.places.giveBack(gated.places, gated.direction)
    if (gated.isCounted && --guest.counted === 0) this.#rest(guest, now)
    return true
  }

  /** Counts are made anew for other names, of what is open now. */
  setPlaces (limits: Readonly<Record<string, number>>, takesPlace: (stream: GatedStream) => boolean): void {
    this.places.set(limits)

    for (const guest of this.#guests.values()) {
      for (const gated of guest.streams.values()) {
        gated.places = gated.state === 'open' && takesPlace(gated) ? this.places.take(gated.stream.protocol, gated.direction) : undefined
      }
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

  /** It may stay: from now on it is as if it had just been active. */
  spare (guest: Guest, now: number): void {
    if (guest.counted === 0 && this.#guests.has(guest.connection)) this.#idle.touch(guest, now)
  }

  #rest (guest: Guest, now: number): void {
    if (!this.#guests.has(guest.connection)) return
    this.#idle.add(guest, now)
    this.#idleCount++
  }

  #wake (guest: Guest): void {
    if (guest.older === undefined && guest.newer === undefined && this.#idle.oldest !== guest) return
    this.#idle.remove(guest)
    this.#idleCount--
  }
}
