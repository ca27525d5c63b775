import type { Transport } from '../address/client-key.ts'
import type { Clock } from '../clock/clock.ts'
import type { DenyReason } from '../limiter/verdict.ts'
import type { ConnectionGater as Libp2pConnectionGater, PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface ConnectionGaterInit {
  /**
   * Connections that one client may have, upgrading ones included. A client is an IPv4 address or an IPv6 /56. `Infinity` counts and
   * never refuses, 0 admits nobody.
   *
   * @default 8
   */
  readonly maxConnsPerIp?: number

  /**
   * Ranges with a cap of their own, the narrowest wins. Replaces the default as a whole; a range at `Infinity` is exempt.
   *
   * @default { '127.0.0.0/8': Infinity, '::1/128': Infinity }
   */
  readonly networks?: Readonly<Record<string, number>>

  /**
   * Connections per transport, for clients without an IP: all of a transport together.
   *
   * @default {}
   */
  readonly transportLimits?: Readonly<Partial<Record<Exclude<Transport, 'unknown'>, number>>>

  /** @default the system's clock */
  readonly clock?: Clock
}

export interface Denial {
  /** Where it was denied. */
  readonly stage: 'accept'
  readonly reason: DenyReason

  /** The client, as text. */
  readonly key?: string
  readonly ip?: string
  readonly peer?: PeerId
  readonly limit?: number

  /** Milliseconds. */
  readonly retryAfter?: number

  /** Epoch ms. */
  readonly at: number
}

export interface ConnectionGaterEvents {
  deny: CustomEvent<Denial>
}

export interface GaterInspection {
  /** Connections held, upgrading and open ones. */
  readonly connections: number

  /** By client, for those that hold any. */
  readonly clients: Readonly<Record<string, number>>

  /** Since the gater was made. */
  readonly denials: Readonly<Partial<Record<DenyReason, number>>>
}

/** Decides who gets in: a gater for `createLibp2p({ connectionGater })`. */
export interface ConnectionGater extends Libp2pConnectionGater, TypedEventTarget<ConnectionGaterEvents> {
  /**
   * Refuses an address from now on.
   *
   * @returns whether anything changed
   * @throws InvalidAddressError
   */
  blockAddress (ip: string): Promise<boolean>

  /**
   * @returns whether anything changed
   * @throws InvalidAddressError
   */
  unblockAddress (ip: string): Promise<boolean>

  blockedAddresses (): string[]

  /**
   * Connections that the client of this address holds, upgrading ones included.
   *
   * @throws InvalidAddressError
   */
  numOpen (ip: string): number

  inspect (): GaterInspection
}
