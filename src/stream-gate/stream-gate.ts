import { TypedEventEmitter } from 'main-event'
import { deny } from '../limiter/denial.ts'
import { SteadyTime } from '../limiter/steady-time.ts'
import { DENIAL_MESSAGE } from '../limiter/verdict.ts'
import { IdleWatch } from './idle-watch.ts'
import { parseLimits, rateOf } from './options.ts'
import { PendingWatch } from './pending-watch.ts'
import { ProtocolLimits } from './protocol-limits.ts'
import { StreamDenials } from './stream-denials.ts'
import { StreamLedger } from './stream-ledger.ts'
import { actionFor, violate } from './violations.ts'
import type { StreamDenial, StreamGate, StreamGateConfig, StreamGateEvents, StreamGateInspection, StreamGateLimits } from './contract.ts'
import type { GatedStream, Guest } from './guest.ts'
import type { StreamGateOptions } from './options.ts'
import type { StreamGatePorts } from './ports.ts'
import type { Shortage } from './shortage.ts'
import type { Offence } from '../limiter/risk-options.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Connection, Stream } from '@libp2p/interface'

/** Timers are not exact. */
const SLACK = 100

/** Made once: to write down where an error was made costs as much as to refuse a stream. */
export const REFUSED = new Error(DENIAL_MESSAGE)

/** The gate with its life: it asks the ledgers, resets streams, closes connections, and says so. */
export class StreamGatePart extends TypedEventEmitter<StreamGateEvents> implements StreamGate {
  readonly #options: StreamGateOptions
  readonly #ports: StreamGatePorts
  readonly #time = new SteadyTime()
  readonly #ledger: StreamLedger
  readonly #protocols: ProtocolLimits
  readonly #idle: IdleWatch
  readonly #pending: PendingWatch
  readonly denials: StreamDenials
  #config: StreamGateConfig
  #started = false

  constructor (options: StreamGateOptions, ports: StreamGatePorts) {
    super()
    const { config, capacity, clock } = options

    this.#options = options
    this.#ports = ports
    this.#config = config
    this.#ledger = new StreamLedger(rateOf(config.openRate), config.maxStreamsPerProtocol, (gated, event) => { this.#closed(gated, event) })
    this.#protocols = new ProtocolLimits(config, this.#ledger.places, capacity, clock)
    this.#idle = new IdleWatch({
      ledger: this.#ledger, clock, time: this.#time, timeout: () => this.#config.idleTimeout, onIdle: guests => { this.#closeIdle(guests) }
    })
    this.#pending = new PendingWatch({
      clock, time: this.#time, timeout: () => this.#config.negotiationTimeout, onDue: gated => { this.#timedOut(gated) }
    })
    this.denials = new StreamDenials({
      write: (now, line) => { ports.write(now, line) },
      isHeard: () => this.listenerCount('deny') > 0,
      tell: detail => { this.safeDispatchEvent('deny', { detail }) }
    })
  }

  start (): void {
    this.#started = true
    this.#idle.start()
  }

  stop (): void {
    this.#started = false
    this.#pending.clear()
    this.#idle.stop()

    for (const guest of this.#ledger.guests()) {
      guest.undo?.()
      this.#ledger.leave(guest, this.#now())
    }
  }

  config (): StreamGateConfig {
    return this.#config
  }

  setConfig (change: StreamGateLimits): void {
    const { strict, ...current } = this.#config
    const config = { ...parseLimits(change, current), strict }
    const now = this.#now()

    this.#config = config
    if (change.openRate !== undefined) this.#ledger.opens.setRate(rateOf(config.openRate), now)
    this.#protocols.set(config, change)
    if (change.maxStreamsPerProtocol !== undefined || change.directions !== undefined) {
      this.#ledger.setPlaces(config.maxStreamsPerProtocol, ({ direction }) => this.#protocols.isLimited(direction))
    }
    if (change.negotiationTimeout !== undefined) this.#pending.reset()
    if (change.idleTimeout !== undefined) this.#idle.reset()
  }

  inspect (): StreamGateInspection {
    const { connections, idle, streams, places } = this.#ledger

    return {
      config: this.#config,
      off: [...this.#ports.off()],
      connections,
      idle,
      streams,
      protocols: places.inspect(),
      denials: this.denials.byReason,
      rateEntries: this.#protocols.entries
    }
  }

  /** @param isNew - false for one that was open before the gate, and has streams already */
  connected (connection: Connection, isNew: boolean): void {
    // js-libp2p announces connections that died during their upgrade, and never announces their end
    if (!this.#started || connection.status !== 'open' || this.#ledger.find(connection) != null) return

    const guest = this.#ledger.enter(connection, this.#now())
    guest.undo = this.#ports.hear(connection, stream => { this.#opened(guest, stream) })
    if (!isNew) this.#adopt(guest)
    this.#idle.look()
  }

  disconnected (connection: Connection): void {
    const guest = this.#ledger.find(connection)
    if (guest == null) return

    // what the remote sent with its last words may yet arrive: it is still heard, and refused
    guest.isClosing = true
    for (const gated of guest.streams.values()) this.#pending.delete(gated)
    this.#ledger.leave(guest, this.#now())
  }

  /** A stream's protocol is known, its handler has not run. @returns why that must not be; the caller resets the stream */
  negotiated (connection: Connection, stream: Stream): Denied | undefined {
    const guest = this.#ledger.find(connection)
    if (guest == null) return undefined
    if (guest.isClosing) return deny({ action: 'close', reason: 'not-open' })

    const shortage = this.#protocols.ask(connection.remotePeer, stream.protocol, stream.direction)
    const denied = shortage == null ? undefined : this.#deny(guest, stream, 'protocol', shortage, this.#now())
    if (denied != null) return denied

    // one that has closed already would never be given back
    if (stream.status === 'open') this.#enter(guest, stream)
    return undefined
  }

  /** A stream was opened whose protocol is not known. */
  #opened (guest: Guest, stream: Stream): void {
    if (guest.isClosing) {
      stream.abort(REFUSED)
      return
    }
    if (guest.streams.has(stream)) return

    const now = this.#now()
    const shortage = this.#openShortage(guest, now)

    if (shortage != null && this.#deny(guest, stream, 'open', shortage, now) != null) {
      stream.abort(REFUSED)
      return
    }

    if (shortage == null) this.#ledger.opens.take(guest.row, now)
    // streams that came before anybody listened are announced later, also those that have closed since
    if (stream.status === 'open') this.#pending.add(this.#ledger.add(guest, stream, now))
  }

  #openShortage (guest: Guest, now: number): Shortage | undefined {
    const { maxPendingStreams, negotiationTimeout } = this.#config
    const { opens } = this.#ledger

    if (guest.pending >= maxPendingStreams) this.#recountPending(guest)
    if (guest.pending >= maxPendingStreams) return { reason: 'pending-streams', limit: maxPendingStreams, offence: 'pending-streams', window: negotiationTimeout }

    const wait = opens.wait(guest.row, now)
    return wait === 0 ? undefined : { reason: 'stream-rate', limit: opens.rate.limit, retryAfter: wait, offence: 'stream-rate', window: opens.rate.window }
  }

  /** Where the middleware cannot be heard, a stream with a protocol is one that was negotiated. */
  #recountPending (guest: Guest): void {
    for (const gated of guest.streams.values()) {
      if (gated.state === 'pending' && gated.stream.protocol !== '') this.#ledger.negotiated(gated, false, true)
    }
  }

  #enter (guest: Guest, stream: Stream): void {
    const known = guest.streams.get(stream)

    if (known != null) this.#pending.delete(known)
    this.#ledger.negotiated(known ?? this.#ledger.add(guest, stream, this.#now()), this.#protocols.isLimited(stream.direction), this.#ports.isLife(stream.protocol))
  }

  /** Streams that were there before the gate. */
  #adopt (guest: Guest): void {
    for (const stream of guest.connection.streams) {
      if (stream.status !== 'open' || guest.streams.has(stream)) continue

      if (stream.protocol !== '') this.#enter(guest, stream)
      else if (stream.direction === 'inbound') this.#pending.add(this.#ledger.add(guest, stream, this.#now()))
    }
  }

  #closed (gated: GatedStream, event: Event): void {
    const now = this.#now()
    const { state, guest, since, stream } = gated

    this.#pending.delete(gated)
    this.#ledger.release(gated, now)

    // js-libp2p's own time-out may have been faster
    const isLate = state === 'pending' && now - since >= this.#config.negotiationTimeout - SLACK && (event as { local?: boolean }).local === true
    if (isLate && stream.protocol === '') this.#deny(guest, stream, 'negotiate', this.#tooLate(), now)
    this.#idle.look()
  }

  #timedOut (gated: GatedStream): void {
    const { guest, stream } = gated
    if (gated.state !== 'pending') return

    if (stream.protocol !== '') {
      this.#ledger.negotiated(gated, false, true)
      return
    }

    const now = this.#now()
    if (this.#deny(guest, stream, 'negotiate', this.#tooLate(), now) == null) return
    this.#ledger.release(gated, now)
    stream.abort(REFUSED)
  }

  #tooLate (): Shortage {
    const { negotiationTimeout } = this.#config

    return { reason: 'negotiation-timeout', limit: negotiationTimeout, offence: 'negotiation-timeout', window: negotiationTimeout }
  }

  /** @returns undefined for whom no limit holds */
  #deny (guest: Guest, stream: Stream, stage: StreamDenial['stage'], { reason, limit, retryAfter, key, offence, window }: Shortage, now: number): Denied | undefined {
    const { connection } = guest
    if (guest.isClosing || this.#ports.isExempt(connection)) return undefined

    // what we open ourselves is nobody's offence
    const isOffence = offence != null && stream.direction === 'inbound'
    if (isOffence) guest.violations = violate(guest.violations, now, window)

    const denied = deny({ action: isOffence ? actionFor(guest.violations, this.#config.dropsBeforeClose) : 'drop', reason, limit, retryAfter, key })
    this.denials.add(stage, denied, connection, stream, this.#options.clock.now())
    if (denied.action === 'close') this.#close(guest, offence!)
    return denied
  }

  #close (guest: Guest, offence: Offence): void {
    const { connection } = guest

    guest.isClosing = true
    // first, while the gater still knows whose connection it is
    this.#ports.offend(connection, offence)
    this.#ports.close(connection, REFUSED)
  }

  #closeIdle (guests: ReadonlyArray<{ readonly guest: Guest, readonly idleFor: number }>): void {
    const closing = guests.filter(({ guest: { isClosing, connection } }) => !isClosing && !this.#ports.isExempt(connection))

    for (const { guest: { connection: { remotePeer: peer, id: connectionId } }, idleFor } of closing) {
      this.safeDispatchEvent('idle', { detail: { peer, connectionId, idleFor, at: this.#options.clock.now() } })
    }
    if (closing.length > 0) this.#ports.closeIdle(closing.map(({ guest }) => guest.connection))
  }

  #now (): number {
    return this.#time.at(this.#options.clock.now())
  }
}
