import { deny } from '../limiter/denial.ts'
import { GuardedEvents } from '../limiter/guarded-events.ts'
import { SteadyTime } from '../limiter/steady-time.ts'
import { DENIAL_MESSAGE } from '../limiter/verdict.ts'
import { actionFor, violate } from '../limiter/violations.ts'
import { IdleWatch } from './idle-watch.ts'
import { parseLimits, rateOf } from './options.ts'
import { PendingWatch } from './pending-watch.ts'
import { ProtocolLimits } from './protocol-limits.ts'
import { StreamDenials } from './stream-denials.ts'
import { StreamLedger } from './stream-ledger.ts'
import type { StreamDenial, StreamGate, StreamGateConfig, StreamGateEvents, StreamGateInspection, StreamGateLimits } from './contract.ts'
import type { GatedStream, Guest } from './guest.ts'
import type { IdleGuest } from './idle-watch.ts'
import type { StreamGateOptions } from './options.ts'
import type { StreamGatePorts } from './ports.ts'
import type { Shortage } from './shortage.ts'
import type { Offence } from '../limiter/risk-options.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Connection, Stream } from '@libp2p/interface'

/** Of a time-out: timers are not exact. */
const NEARLY = 0.99

/** Made once: to write down where an error was made costs as much as to refuse a stream. */
export const REFUSED = new Error(DENIAL_MESSAGE)

/** The gate with its life: it asks the ledgers, resets streams, closes connections, and says so. */
export class StreamGatePart extends GuardedEvents<StreamGateEvents> implements StreamGate {
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
    super(ports.log)
    const { config, capacity, clock } = options

    this.#options = options
    this.#ports = ports
    this.#config = config
    this.#ledger = new StreamLedger({
      openRate: rateOf(config.openRate),
      config: () => this.#config,
      isLimited: ({ direction }) => this.#protocols.isLimited(direction),
      isLife: ({ protocol }) => ports.isLife(protocol),
      onClose: gated => { this.#closed(gated) }
    })
    this.#protocols = new ProtocolLimits(config, this.#ledger.places, capacity, clock)
    this.#idle = new IdleWatch({
      ledger: this.#ledger, clock, time: this.#time, timeout: () => this.#idleTimeout, onIdle: idle => { ports.closeIdle(idle.map(({ guest }) => guest.connection), at => this.#mayClose(idle[at]!)) }
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
      // a listener may have stopped us while one of its streams is looked at
      guest.isClosing = true
      guest.undo?.()
      this.#ledger.leave(guest, this.#now())
    }
  }

  config (): StreamGateConfig {
    return this.#config
  }

  setConfig (change: StreamGateLimits): void {
    const { strict, ...current } = this.#config
    const config = Object.freeze({ ...parseLimits(change, current), strict })
    const now = this.#now()

    this.#config = config
    if (change.openRate !== undefined) this.#ledger.opens.setRate(rateOf(config.openRate), now)
    this.#protocols.set(config, change)
    if (change.maxStreamsPerProtocol !== undefined || change.directions !== undefined || change.idleTimeout !== undefined) this.#ledger.recount(now)
    if (change.negotiationTimeout !== undefined) this.#pending.reset()
    if (change.idleTimeout === undefined) return

    // until now nobody has seen when they were active
    if (current.idleTimeout === Infinity) for (const guest of this.#ledger.guests()) this.#ledger.spare(guest, now)
    this.#idle.reset()
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
      listenerFailures: this.listenerFailures,
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
    for (const gated of guest.pending.values()) this.#pending.delete(gated)
    this.#ledger.leave(guest, this.#now())
  }

  /** A stream's protocol is known, its handler has not run. @returns why that must not be; the caller resets the stream */
  negotiated (connection: Connection, stream: Stream): Denied | undefined {
    const guest = this.#ledger.find(connection)
    if (guest == null) return undefined
    if (guest.isClosing) return deny({ action: 'close', reason: 'not-open' })

    const now = this.#now()
    this.#settle(guest, stream)
    // whose protocol was agreed when all were counted anew is counted already: its own place must not be what it lacks
    this.#ledger.letGo(guest, stream, now)
    const shortage = this.#protocols.ask(connection.remotePeer, stream.protocol, stream.direction, this.#ports.isLife(stream.protocol))
    const denied = shortage == null ? undefined : this.#deny(guest, stream, 'protocol', shortage, now)
    if (denied != null) return denied

    // one that has closed already would never be given back
    if (stream.status === 'open') this.#ledger.hold(guest, stream, now)
    return undefined
  }

  /** A stream was opened whose protocol is not known. */
  #opened (guest: Guest, stream: Stream): void {
    if (guest.isClosing) {
      stream.abort(REFUSED)
      return
    }
    if (guest.pending.has(stream)) return

    const now = this.#now()
    const shortage = this.#openShortage(guest, now)
    const isDenied = shortage != null && this.#deny(guest, stream, 'open', shortage, now) != null

    // looking at who is late may have closed the connection, and its row is the next one's then
    if (isDenied || guest.isClosing) {
      stream.abort(REFUSED)
      return
    }

    this.#ledger.opens.take(guest.row, now)
    // streams that came before anybody listened are announced later, also those that have closed since
    if (stream.status === 'open') this.#pending.add(this.#ledger.await(guest, stream, now))
  }

  #openShortage (guest: Guest, now: number): Shortage | undefined {
    const { maxPendingStreams, negotiationTimeout } = this.#config
    const { opens } = this.#ledger

    if (guest.pending.size >= maxPendingStreams) this.#lookAtPending(guest)
    if (guest.pending.size >= maxPendingStreams) return { reason: 'pending-streams', limit: maxPendingStreams, offence: 'pending-streams', window: negotiationTimeout }

    const wait = opens.wait(guest.row, now)
    return wait === 0 ? undefined : { reason: 'stream-rate', limit: opens.rate.limit, retryAfter: wait, offence: 'stream-rate', window: opens.rate.window }
  }

  /** Those that have closed, or have a protocol although the middleware was not heard, make room. */
  #lookAtPending (guest: Guest): void {
    for (const gated of [...guest.pending.values()]) {
      const { stream } = gated
      if (stream.status === 'open' && stream.protocol === '') continue

      this.#settle(guest, stream)
      this.#blameIfLate(gated)
    }
  }

  #settle (guest: Guest, stream: Stream): void {
    const gated = guest.pending.get(stream)
    if (gated == null) return

    guest.pending.delete(stream)
    this.#pending.delete(gated)
  }

  /** Streams that were there before the gate. */
  #adopt (guest: Guest): void {
    const now = this.#now()

    for (const stream of guest.connection.streams) {
      if (stream.status !== 'open') continue

      if (stream.protocol !== '') this.#ledger.hold(guest, stream, now)
      else if (stream.direction === 'inbound') this.#pending.add(this.#ledger.await(guest, stream, now))
    }
  }

  #closed (gated: GatedStream): void {
    this.#ledger.release(gated, this.#now())
    this.#idle.look()
  }

  #timedOut (gated: GatedStream): void {
    const { guest, stream } = gated
    guest.pending.delete(stream)

    if (stream.status !== 'open') this.#blameIfLate(gated)
    else if (stream.protocol === '' && this.#deny(guest, stream, 'negotiate', this.#tooLate(), this.#now()) != null) stream.abort(REFUSED)
  }

  /** js-libp2p's own time-out may have been faster. */
  #blameIfLate ({ guest, stream }: GatedStream): void {
    const { status, protocol, timeline: { open, close = open } } = stream
    const isLate = status === 'aborted' && protocol === '' && close - open >= this.#config.negotiationTimeout * NEARLY

    if (isLate) this.#deny(guest, stream, 'negotiate', this.#tooLate(), this.#now())
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

  /** Among many a turn may be long in coming, and a stream begin before it. */
  #mayClose ({ guest, idleFor }: IdleGuest): boolean {
    const { connection } = guest
    const isIdle = this.#ledger.find(connection) === guest && guest.counted === 0 && !guest.isClosing && this.#idleTimeout !== Infinity
    if (!isIdle || this.#ports.isExempt(connection)) return false

    const { remotePeer: peer, id: connectionId } = connection
    this.safeDispatchEvent('idle', { detail: { peer, connectionId, idleFor, at: this.#options.clock.now() } })
    return true
  }

  /** Where streams are not heard of when they are negotiated, nobody knows who is idle. */
  get #idleTimeout (): number {
    return this.#ports.off().includes('middleware') ? Infinity : this.#config.idleTimeout
  }

  #now (): number {
    return this.#time.at(this.#options.clock.now())
  }
}
