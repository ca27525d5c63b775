import type { ConnectionGaterConfig, ConnectionGaterLimits } from './options.ts'
import type { Stage } from './stages.ts'
import type { Transport } from '../address/client-key.ts'
import type { DenyReason, Verdict } from '../limiter/verdict.ts'
import type { ConnectionGater as Libp2pConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { TypedEventTarget } from 'main-event'

/** Something was denied. */
export interface Denial {
  /** Where it was denied. */
  readonly stage: Stage
  readonly reason: DenyReason

  /** Whose limit or rule it was: the client, prefix, relay, transport or peer, as text. */
  readonly key?: string
  readonly ip?: string
  readonly peer?: PeerId
  readonly limit?: number

  /** Milliseconds. */
  readonly retryAfter?: number

  /** Epoch ms. */
  readonly at: number
}

/** A client was banned for its offences. */
export interface GaterBan {
  /** The client: an IPv4 address, an IPv6 /56 or a peer. */
  readonly key: string
  readonly ip?: string
  readonly peer?: PeerId

  /** The offence that brought the score to its threshold. */
  readonly reason?: string

  /** Epoch ms. */
  readonly until: number
  readonly at: number
}

export interface GaterUnban extends GaterBan {
  readonly cause: 'ended' | 'lifted'
}

/** What a gater says, each when it has happened. */
export interface ConnectionGaterEvents {
  deny: CustomEvent<Denial>
  ban: CustomEvent<GaterBan>
  unban: CustomEvent<GaterUnban>
}

/** How long a block lasts, why, and what becomes of what is open. */
export interface BlockOptions {
  /**
   * Milliseconds above 0.
   *
   * @default Infinity
   */
  readonly ttl?: number
  readonly reason?: string

  /**
   * Whether connections that are open or upgrading are closed.
   *
   * @default true
   */
  readonly closeExisting?: boolean
}

/** What all lists say of a block. */
export interface Blocked {
  /** Epoch ms; absent where it has no end. */
  readonly until?: number
  readonly reason?: string

  /** Whether it is in the store, and so outlives the process. */
  readonly persisted: boolean
}

/** A blocked peer. */
export interface BlockedPeer extends Blocked {
  readonly peer: PeerId
}

/** A blocked address, as text in its canonical form. */
export interface BlockedAddress extends Blocked {
  readonly address: string
}

/** A blocked range, as a CIDR in its canonical form. */
export interface BlockedSubnet extends Blocked {
  readonly subnet: string
}

/** A gater's inside, for operators: counts as they are now, and denials since it was made. */
export interface GaterInspection {
  /** The limits in force. */
  readonly config: ConnectionGaterConfig

  /** Connections held: upgrading, open, and closed ones whose socket is still there. */
  readonly connections: number
  readonly open: { readonly inbound: number, readonly outbound: number }
  readonly pending: { readonly inbound: number, readonly outbound: number }

  /** Closed, their sockets not gone yet. */
  readonly closing: number

  /** By client, for those that hold any. */
  readonly clients: Readonly<Record<string, number>>

  /** By prefix at every level, for those under `prefixLimits`. */
  readonly prefixes: Readonly<Record<string, number>>
  readonly transports: Readonly<Partial<Record<Transport, number>>>

  /** Peers that have a connection. */
  readonly peers: number

  /** Since the gater was made. */
  readonly denials: Readonly<Partial<Record<DenyReason, number>>>
  readonly denialsByStage: Readonly<Partial<Record<Stage, Readonly<Partial<Record<DenyReason, number>>>>>>

  /** Pending connections that were closed because somebody else needed the place. */
  readonly displaced: number
  readonly bans: readonly GaterBan[]

  /** Clients and peers with a score. */
  readonly scored: number

  /** Entries of the connect rate's ledgers. */
  readonly rateEntries: number

  /** Event listeners that threw or rejected, since the gater was made. Each is logged and harms nobody else. */
  readonly listenerFailures: number
}

/**
 * go-libp2p's five stages, as verdicts with reasons. The `deny…` hooks are made from these, and call them: use one or the other.
 *
 * A verdict does not wait: the first one begins to load what is in the `datastore`, whose rules hold from when they are there, and close what they
 * find. The hooks do wait.
 */
export interface Intercept {
  /** May this peer be dialled, whatever its address? */
  peerDial (peer: PeerId): Verdict

  /**
   * May this address be dialled? The peer is undefined where the address names none. js-libp2p resolves `/dnsaddr` before it asks; a name in `/dns4`, `/dns6` or
   * `/dns` is resolved by the transport, behind us.
   */
  addrDial (peer: PeerId | undefined, address: Multiaddr): Verdict

  /** Counts the connection, in this turn of the event loop, until its socket has closed. */
  accept (maConn: MultiaddrConnection): Verdict

  /** May this peer stay, who has proved its key? Takes its place in the house. */
  secured (direction: 'inbound' | 'outbound', peer: PeerId, maConn: MultiaddrConnection): Verdict

  /** The last look before the connection is used. A yes takes the place that *secured* has reserved. */
  upgraded (direction: 'inbound' | 'outbound', peer: PeerId, maConn: MultiaddrConnection): Verdict
}

/** Decides who gets in: a gater for `createLibp2p({ connectionGater })`. */
export interface ConnectionGater extends Required<Libp2pConnectionGater>, Pick<TypedEventTarget<ConnectionGaterEvents>, 'addEventListener' | 'removeEventListener'> {
  /**
   * Refuses a peer at every stage from now on, and closes what it has. In force at once, then stored: when the store fails the call rejects,
   * and the block stays in force, `persisted: false`. A block that is there ends at the later of both ends. It wins over trust.
   *
   * @returns whether anything changed
   * @throws {@link InvalidOptionError} for what is no peer id, an option that there is not or is none, as a `ttl` of 0; {@link CapacityError};
   * nothing is changed
   */
  blockPeer (peer: PeerId, options?: BlockOptions): Promise<boolean>

  /**
   * Takes a block away, and a ban: from the store first, so that it cannot come back with the next start.
   *
   * @returns whether it was blocked or banned
   */
  unblockPeer (peer: PeerId): Promise<boolean>

  /** @returns a fresh list, bans not among it */
  blockedPeers (): BlockedPeer[]

  /** The same for an IP address. @throws {@link InvalidAddressError} */
  blockAddress (ip: string, options?: BlockOptions): Promise<boolean>

  /** Lifts the ban of the address's client, too: its own, or that of its IPv6 /56. @returns whether it was blocked or banned */
  unblockAddress (ip: string): Promise<boolean>

  /** @returns a fresh list, bans not among it */
  blockedAddresses (): BlockedAddress[]

  /** The same for a CIDR. @throws {@link InvalidAddressError} */
  blockSubnet (cidr: string, options?: BlockOptions): Promise<boolean>

  /**
   * Takes away the block of exactly this range; blocks of ranges within it and around it stay. Bans of clients that lie wholly in it are lifted.
   *
   * @returns whether there was a block, or a ban
   */
  unblockSubnet (cidr: string): Promise<boolean>

  /** @returns a fresh list */
  blockedSubnets (): BlockedSubnet[]

  /** No caps, rates, bans and trims for this peer, whose connections still count. It is known at *secured* only. @returns whether it was not trusted */
  trustPeer (peer: PeerId): boolean

  /** @returns whether it was trusted */
  untrustPeer (peer: PeerId): boolean

  /** @returns a fresh list */
  trustedPeers (): PeerId[]

  /** The same for an address, from accept on. @throws {@link InvalidAddressError} */
  trustAddress (ip: string): boolean

  /** @returns whether it was trusted by itself: a trusted subnet around it stays. @throws {@link InvalidAddressError} */
  untrustAddress (ip: string): boolean

  /** @returns a fresh list */
  trustedAddresses (): string[]

  /** The same for a CIDR. @throws {@link InvalidAddressError} */
  trustSubnet (cidr: string): boolean

  /** @returns whether exactly this range was trusted. @throws {@link InvalidAddressError} */
  untrustSubnet (cidr: string): boolean

  /** @returns a fresh list */
  trustedSubnets (): string[]

  readonly intercept: Intercept

  /**
   * Connections that the client of this address holds, upgrading ones included.
   *
   * @throws {@link InvalidAddressError}
   */
  numOpen (ip: string): number

  /** @returns the limits in force */
  config (): ConnectionGaterConfig

  /**
   * Changes some limits at once, or none when one of them is wrong. It closes nothing: newcomers wait until it is below.
   *
   * @throws {@link InvalidOptionError} or {@link InvalidAddressError}
   */
  setConfig (change: ConnectionGaterLimits): void

  /** @returns a fresh snapshot */
  inspect (): GaterInspection
}
