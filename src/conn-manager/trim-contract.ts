import type { PeerId } from '@libp2p/interface'

/** A connection as the trim order sees it. */
export interface TrimCandidate {
  readonly connectionId: string
  readonly peer: PeerId

  /** The peer's value: the sum of all its tags. */
  readonly value: number

  /** Streams in use: negotiated, open, and not of the protocols that every connection has (ping, identify, …). */
  readonly streams: number
  readonly direction: 'inbound' | 'outbound'

  /** Whether the peer has a better connection and this one is not in use. */
  readonly redundant: boolean

  /** Connections open or pending from the same IPv4 /24 or IPv6 /48, this one included. */
  readonly crowd: number

  /** Epoch ms of our own `connected` notification. */
  readonly openedAt: number
}

/**
 * Why a connection was chosen: the first rule of the order in which it differs from the lowest connection that stays, and that only the count
 * spared. `only-candidate` when every candidate goes.
 */
export type TrimReason =
  | 'user-order'
  | 'redundant'
  | 'value'
  | 'idle'
  | 'inbound'
  | 'crowding'
  | 'streams'
  | 'age'
  | 'connection-id'
  | 'only-candidate'
  | 'protection-overridden' // `forceTrim()` alone, when nothing unprotected was left

/** Why an open connection could not be chosen. */
export type SpareReason = 'protected' | 'trusted' | 'grace' | 'keep-alive' | 'outbound-reserve'

/** A connection that a trim has chosen. */
export interface TrimEntry {
  readonly connectionId: string
  readonly peer: PeerId
  readonly reason: TrimReason

  /** The peer's value when it was chosen. */
  readonly value: number
}

/** Whom a trim would close, and whom it spares. */
export interface TrimPlan {
  /** Open connections the plan was made from. */
  readonly open: number

  /** Where the trim wants to get: `lowWater`. */
  readonly target: number

  /** In closing order. */
  readonly entries: readonly TrimEntry[]

  /** How many open connections each rule kept out of the choice. */
  readonly spared: Readonly<Record<SpareReason, number>>
}

/** What a trim has done. */
export interface TrimReport extends TrimPlan {
  /**
   * Connections of the plan that were closed, gracefully or by abort. Not among them are those that vanished by themselves before their turn, and those
   * that stay after all: protected or trusted meanwhile, or needed for `lowWater` or `outboundReserve` since others have left.
   */
  readonly closed: number

  /** Open connections after the trim. */
  readonly open: number

  /** Milliseconds from the decision to the last connection closed. */
  readonly duration: number
}
