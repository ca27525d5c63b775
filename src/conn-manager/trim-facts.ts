/**
 * What a trim knows of the open connections, one column per fact and one index per connection. Plain data: the rules read nothing else.
 */
export interface TrimFacts {
  /** Open connections. */
  readonly size: number

  /** The value of the connection's peer. */
  readonly value: Float64Array

  /** Has counted streams. Zero until `readUse`. */
  readonly active: Uint8Array

  /** Counted streams. Zero until `readTies`. */
  readonly streams: Int32Array
  readonly outbound: Uint8Array

  /** The peer has a better connection, and this one has no counted streams. */
  readonly redundant: Uint8Array

  /** Connections, pending ones included, from the same IPv4 /24 or IPv6 /48, relay or transport. Zero until `readUse`. */
  readonly wideCrowd: Int32Array

  /** The same for IPv4 /32 or IPv6 /56. Zero until `readTies`. */
  readonly narrowCrowd: Int32Array

  /** Epoch ms. */
  readonly openedAt: Float64Array
  readonly guard: Uint8Array

  /** The peer's best connection, and the peer has a `keep-alive` tag. */
  readonly keepAlive: Uint8Array

  /**
   * Whether these have counted streams, and their wide crowds: for those that are worth the same. Each stream is an object somewhere in
   * memory, and most connections of a house are told apart without them.
   */
  readonly readUse: (items: Int32Array) => void

  /** How many streams these have, and their narrow crowds: for those that even that does not tell apart. After `readUse`. */
  readonly readTies: (items: Int32Array) => void

  readonly connectionId: (index: number) => string
}

/** Values of the `guard` column. */
export const GUARD = { none: 0, protected: 1, trusted: 2 } as const
