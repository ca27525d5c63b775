import type { Clock } from '../clock/clock.ts'
import type { DecayingTag, DecayingTagInit } from './decay-contract.ts'
import type { TrimCandidate, TrimPlan, TrimReport } from './trim-contract.ts'
import type { Rate } from '../limiter/rate.ts'
import type { AbortOptions, Connection, PeerId, Startable } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/** The marks between which the number of open connections is kept, each a count of connections. */
export interface Limits {
  /** A trim goes down to this many, and never below. */
  readonly lowWater: number

  /** A trim becomes due above this many. `Infinity` never trims by itself. */
  readonly highWater: number

  /**
   * Inbound is full at this many less `outboundReserve`: a stranger comes in when another connection goes for it, or not at all. Protected and trusted
   * peers come in above it where nobody is left to go, and outbound connections do, too. `Infinity` lets everybody in.
   */
  readonly hardLimit: number

  /** Places of `hardLimit` that only outbound connections may take, and outbound connections that a trim leaves alone. */
  readonly outboundReserve: number
}

/** Options of the manager. All may be left out; periods are in ms. */
export interface ConnManagerInit {
  /**
   * A trim goes down to this many open connections, exactly. A missing mark is derived from a given one: `max(1, floor(highWater × 5 / 6))`.
   *
   * @default 160
   */
  readonly lowWater?: number

  /**
   * Above this many open connections a trim becomes due. Derived from a given `lowWater`: `ceil(lowWater × 6 / 5)`. `Infinity` never
   * trims by itself.
   *
   * @default 192
   */
  readonly highWater?: number

  /**
   * Strangers are let in up to this many less `outboundReserve`, and beyond only in the place of another one, or where the one that was to go for them
   * has been protected since. Outbound connections, and protected and trusted peers, always are. At least `highWater`, and derived from it: twice as many.
   *
   * @default 384
   */
  readonly hardLimit?: number

  /**
   * How many of `hardLimit` are kept free for outbound connections. Derived: a tenth of `hardLimit`, rounded down.
   *
   * @default 38
   */
  readonly outboundReserve?: number

  /**
   * What a newcomer may do at `hardLimit`: compete with the lowest inbound connection once its peer is known, or be refused at accept. Who would lose
   * is given up to a second, in which the peer store says what other services think of him.
   *
   * @default 'evict'
   */
  readonly onHardLimit?: 'evict' | 'deny'

  /**
   * How many upgrades strangers may start while the house is full, so that a flood costs refusals and not handshakes. A quarter of
   * them from one IPv4 /24 or IPv6 /48.
   *
   * @default { strategy: 'token-bucket', limit: 32, window: 10_000 }
   */
  readonly contestRate?: Rate

  /**
   * A connection younger than this, in ms, is not trimmed. Zero gives no grace.
   *
   * @default 60_000
   */
  readonly gracePeriod?: number

  /**
   * Least time between two trims by themselves, in ms. `trimOpenConns()` and `forceTrim()` do not wait for it. Zero is no silence.
   *
   * @default 10_000
   */
  readonly silencePeriod?: number

  /**
   * The grid on which decaying tags decay, in ms. A tag's interval below it is raised to it.
   *
   * @default 60_000
   */
  readonly decayResolution?: number

  /**
   * How many peers without a connection keep their own tags. The least valuable, then the oldest, leave first. Zero forgets a peer's
   * tags at its last disconnect.
   *
   * @default 4_096
   */
  readonly maxUnconnectedPeers?: number

  /**
   * Whether js-libp2p's own pruner and accept limits are replaced by this manager's while it runs.
   *
   * @default true
   */
  readonly takeOver?: boolean

  /**
   * Asked before the built-in order: negative when `a` is to be closed before `b`, zero to leave it to the built-in order. When it
   * throws or returns NaN the built-in order is used and the error logged.
   */
  readonly trimOrder?: (a: TrimCandidate, b: TrimCandidate) => number

  /** @default the system's clock */
  readonly clock?: Clock
}

/** The marks cannot be kept: what is left of the house after a trim is above `highWater`. */
export interface LimitsUnmet {
  readonly open: number
  readonly highWater: number
  readonly protected: number
  readonly trusted: number
  readonly inGrace: number
  readonly keepAlive: number
  readonly outboundReserve: number
}

/** Somebody came at `hardLimit`, and one connection more than there are places. */
export interface Eviction {
  /** The connection that closes. Absent when nobody was left to displace and the newcomer was let in above the limit. */
  readonly connectionId?: string
  readonly peer?: PeerId
  readonly value?: number

  readonly newcomer: PeerId

  /**
   * `displaced`: another connection gave way to the newcomer. `not-worth-more`: the newcomer itself was closed again, where no gater could
   * refuse it before. `admitted-above-limit`: nobody was left to go.
   */
  readonly reason: 'displaced' | 'not-worth-more' | 'admitted-above-limit'
}

/** What a manager says, each when it has happened. */
export interface ConnManagerEvents {
  'trim': CustomEvent<TrimReport>
  'evict': CustomEvent<Eviction>
  'limits-unmet': CustomEvent<LimitsUnmet>
}

/** What is known of a peer: a snapshot. */
export interface TagInfo {
  /** Epoch ms from which the peer has been connected, or while it is not, from which its tags are kept without a connection. */
  readonly firstSeen: number

  /** The sum of `tags`. */
  readonly value: number

  /** Own, decaying and peer store tags by name. Where two sources use one name, their sum. */
  readonly tags: Readonly<Record<string, number>>

  /** Connection id → epoch ms of our `connected` notification. */
  readonly conns: Readonly<Record<string, number>>
}

export interface ConnManagerInfo extends Limits {
  readonly gracePeriod: number
  readonly silencePeriod: number

  /** Epoch ms of the end of the last trim, forced and empty ones included. Absent before the first. */
  readonly lastTrim?: number

  /** Open connections: not those already closing, not those still upgrading. */
  readonly connCount: number
  readonly protectedPeers: number

  /** Peers with a connection or a tag. */
  readonly trackedPeers: number
}

/**
 * What a network tells the manager when it runs without libp2p's event bus. `stop()` forgets all connections: those that are open when the manager
 * starts again are reported again. On a libp2p node it finds them itself.
 */
export interface Notifee {
  /** A connection has opened. One that is not `open` any more, or was reported before, is ignored. */
  connected (connection: Connection): void

  /** A connection has closed. One that is unknown is ignored. */
  disconnected (connection: Connection): void
}

/**
 * Decides who stays: peers are tagged and protected, and above a high watermark the connections worth least are closed until the low
 * one is reached.
 */
export interface ConnManager extends TypedEventTarget<ConnManagerEvents>, Startable {
  /**
   * Sets one named weight of a peer, connected or not. Setting it again overwrites.
   *
   * @throws InvalidTagError when `tag` is empty or `value` is not a safe integer, InvalidOptionError for what is no peer id
   */
  tagPeer (peer: PeerId, tag: string, value: number): void

  /** @returns whether the peer had this tag */
  untagPeer (peer: PeerId, tag: string): boolean

  /**
   * Replaces a tag's value by what `upsert` makes of it; 0 stands for a missing one. When `upsert` throws nothing changes and the error is logged.
   *
   * @throws InvalidTagError when `tag` is empty, `upsert` is no function or the result is not a safe integer, InvalidOptionError for what is no peer id
   */
  upsertTag (peer: PeerId, tag: string, upsert: (value: number) => number): void

  /** @returns a fresh snapshot, or undefined for a peer that has neither a connection nor a tag */
  getTagInfo (peer: PeerId): TagInfo | undefined

  /**
   * Keeps every connection of a peer out of all trims, until `unprotect` with the same tag; `forceTrim()` alone takes it, when all others are gone.
   * Protecting twice with one tag is undone by one `unprotect`. It does not depend on connections.
   *
   * @throws InvalidTagError when `tag` is empty, InvalidOptionError for what is no peer id
   */
  protect (peer: PeerId, tag: string): void

  /** @returns whether the peer is still protected by another tag */
  unprotect (peer: PeerId, tag: string): boolean

  /** Without a tag: by any. Trust and `keep-alive` tags do not count. */
  isProtected (peer: PeerId, tag?: string): boolean

  /**
   * @throws DecayingTagError when the name is taken, InvalidTagError when it is empty or `decay` or `bump` is no function, InvalidLimitError when the
   * interval is not finite and above zero, InvalidOptionError for an option that there is not
   */
  registerDecayingTag (name: string, init: DecayingTagInit): DecayingTag

  /**
   * Trims to `lowWater` now, whatever the high mark and the silence say. Callers at one time share one trim.
   *
   * @throws what `signal` gives as its reason when it fires; the trim goes on. Where it had fired before, no trim starts
   */
  trimOpenConns (options?: AbortOptions): Promise<TrimReport>

  /**
   * For memory pressure: trims to `lowWater` whatever grace and silence say, busiest first among equals, and takes protected peers
   * too when all others are gone, exactly as many as needed. Trusted ones stay, and `outboundReserve` holds.
   *
   * @throws what `signal` gives as its reason when it fires; the trim goes on. Where it had fired before, no trim starts
   */
  forceTrim (options?: AbortOptions): Promise<TrimReport>

  /** What `trimOpenConns()` would do now, and why. Closes nothing. */
  planTrim (): TrimPlan

  /** @throws LimitConflictError when `highWater` is above what the other limiter allows */
  checkLimit (limiter: { getConnLimit: () => number }): void

  /** @returns a fresh snapshot of marks, periods and counts */
  getInfo (): ConnManagerInfo

  /**
   * Changes marks at run time; those not given keep their value. Validated as at construction, all or nothing. A lowered watermark makes
   * a normal trim due, under silence and grace; a lowered `hardLimit` alone refuses newcomers until below.
   *
   * @throws InvalidLimitError, InvalidOptionError for a name that is no mark, as most of `getInfo()` are
   */
  setLimits (limits: Partial<Limits>): void

  /** @returns what a network without libp2p's event bus has to call */
  notifee (): Notifee
}
