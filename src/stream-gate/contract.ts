import type { Clock } from '../clock/clock.ts'
import type { Rate } from '../limiter/rate.ts'
import type { DenyReason } from '../limiter/verdict.ts'
import type { PeerId, Startable } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/**
 * Where js-libp2p is hooked in: `muxer` sees a stream when it is opened, before its protocol is known; `middleware` when it is negotiated, before
 * its handler runs.
 */
export type StreamHook = 'muxer' | 'middleware'

/** What can be changed at run time. */
export interface StreamGateLimits {
  /**
   * How often the remote may open a stream on one connection, before its protocol is known; false for no limit.
   *
   * @default { strategy: 'token-bucket', limit: 500, window: 10_000 }
   */
  readonly openRate?: Rate | false

  /**
   * Streams of one connection that the remote has opened and whose protocol is not negotiated yet.
   *
   * @default 64
   */
  readonly maxPendingStreams?: number

  /**
   * Milliseconds that the remote may take to negotiate a stream's protocol. js-libp2p gives up after 10,000 by itself: more than that changes
   * nothing.
   *
   * @default 10_000
   */
  readonly negotiationTimeout?: number

  /**
   * Protocol → how often one peer may open a stream of it, over all of its connections. A name that ends in `/` is a prefix, `/ipfs/kad/` stands
   * for every protocol below it together; an exact name comes before a prefix, a longer prefix before a shorter one, and only one rule holds.
   *
   * @default {}
   */
  readonly protocolRates?: Readonly<Record<string, Rate>>

  /**
   * How often one peer may open a stream of any protocol, over all of its connections; false for no limit.
   *
   * @default false
   */
  readonly peerRate?: Rate | false

  /**
   * Protocol → streams of it that are open on the whole node at once, all peers together; names as in `protocolRates`. Reaching it is no offence:
   * it may be others who hold the places.
   *
   * @default {}
   */
  readonly maxStreamsPerProtocol?: Readonly<Record<string, number>>

  /**
   * Whose streams are limited by protocol and by peer: those that the remote opens, or ours as well. Each direction has a quota and places of its
   * own, so that no stranger uses up ours; ours are refused with an error and are nobody's offence. `peerRate` leaves our own pings and the rest of a
   * connection's upkeep alone: js-libp2p's connection monitor gives up a connection that it may not ping.
   *
   * @default 'inbound'
   */
  readonly directions?: 'inbound' | 'both'

  /**
   * Refused streams of a connection that are dropped before one closes it: 0 closes at the first, `Infinity` never. They are forgotten after one
   * window of the limit without any.
   *
   * @default 2
   */
  readonly dropsBeforeClose?: number

  /**
   * Milliseconds after which a connection without counted streams is closed; `Infinity` is never. Streams of ping, identify, autonat and dcutr do
   * not count, nor does one that is not negotiated.
   *
   * @default Infinity
   */
  readonly idleTimeout?: number
}

export interface StreamGateInit extends StreamGateLimits {
  /**
   * What it is when js-libp2p has moved a field that one of the given options needs: true refuses to start, and closes a connection whose muxer
   * cannot be heard; false says in the log which options are without effect.
   *
   * @default false
   */
  readonly strict?: boolean

  /**
   * Peers that each rate remembers. At capacity those that have their whole quota leave first; newcomers that find no place share one quota of 64
   * times the limit.
   *
   * @default 100_000
   */
  readonly capacity?: number

  /** @default the system's clock */
  readonly clock?: Clock
}

/** What is in force. */
export interface StreamGateConfig extends Required<StreamGateLimits> {
  readonly strict: boolean
}

/** A stream was refused, or its connection closed for it. */
export interface StreamDenial {
  /** Where it was refused: at its opening, while its protocol was awaited, or once that was known. */
  readonly stage: 'open' | 'negotiate' | 'protocol'

  /** `drop` reset the stream, `close` closed the connection. */
  readonly action: 'drop' | 'close'
  readonly reason: DenyReason
  readonly direction: 'inbound' | 'outbound'

  /** Absent where it is not negotiated. */
  readonly protocol?: string
  readonly peer: PeerId
  readonly connectionId: string

  /** The rule that held, or the peer. */
  readonly key?: string
  readonly limit?: number

  /** Milliseconds. */
  readonly retryAfter?: number

  /** Epoch ms. */
  readonly at: number
}

/** A connection is closed because nothing happened on it. */
export interface IdleClosing {
  readonly peer: PeerId
  readonly connectionId: string

  /** Milliseconds since its last counted stream closed, or since it opened. */
  readonly idleFor: number

  /** Epoch ms. */
  readonly at: number
}

/** What the gate tells its listeners. */
export interface StreamGateEvents {
  deny: CustomEvent<StreamDenial>
  idle: CustomEvent<IdleClosing>
}

/** What the gate counts, as of now. It is made when it is asked for, by looking at every stream. */
export interface StreamGateInspection {
  readonly config: StreamGateConfig

  /** Where js-libp2p could not be hooked in: the options that need it are without effect. */
  readonly off: readonly StreamHook[]
  readonly connections: number

  /** Connections without counted streams. */
  readonly idle: number

  /** Streams that are negotiated, and inbound ones that are not yet. */
  readonly streams: { readonly open: number, readonly pending: number }

  /** Open streams for each name in `maxStreamsPerProtocol`, trusted peers' included. */
  readonly protocols: Readonly<Record<string, { readonly inbound: number, readonly outbound: number }>>

  /** Since the gate was made. */
  readonly denials: Readonly<Partial<Record<DenyReason, number>>>

  /** Listeners that threw or rejected. */
  readonly listenerFailures: number

  /** Entries of all rates by peer. */
  readonly rateEntries: number
}

/** Decides how fast who was let in may ask. */
export interface StreamGate extends Startable, Pick<TypedEventTarget<StreamGateEvents>, 'addEventListener' | 'removeEventListener'> {
  /** The limits in force. */
  config (): StreamGateConfig

  /**
   * Changes some limits at once, or none when one of them is wrong. A record replaces the one before as a whole. What has been used of a rate stays
   * used, up to its new limit, also where its strategy changes; a name that is taken out of `protocolRates` is forgotten. It resets no stream that
   * is open, and closes nothing that is not idle.
   *
   * @throws {@link InvalidOptionError}
   */
  setConfig (change: StreamGateLimits): void

  /** What is counted now. */
  inspect (): StreamGateInspection
}
