import type { CrowdLedger } from './crowd-ledger.ts'
import type { Offence } from './risk-options.ts'
import type { Denied } from './verdict.ts'
import type { Client } from '../address/client-key.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/**
 * What the three parts ask of each other. They never import one another: a door joins them through these.
 */

/** Who stays, as who-gets-in sees it: implemented by the manager, asked by the gater. */
export interface House {
  /** Whether the manager protects this peer. */
  isProtected (peer: PeerId): boolean

  /**
   * At accept, before the peer is known: is there a place, or a chance to win one? Counts one try against `contestRate` when the
   * house is full, unless `favoured`: a trusted address, or one from which a protected or trusted peer last came.
   */
  atAccept (client: Client, favoured: boolean): Denied | undefined

  /**
   * Once the peer is known: reserves a place and chooses who has to go for it. The place counts as taken until the connection is
   * reported open, or until it is given back.
   */
  reserve (guest: Guest): Place | Denied

  /**
   * Reads what the peer store says of a guest who was refused for being worth too little: then he is to be asked about once more. Never rejects, and
   * has a deadline of its own.
   *
   * @returns undefined where it would change nothing
   */
  recall (guest: Pick<Guest, 'peer' | 'timeline'>): Promise<void> | undefined

  /** Somebody is not trusted any more: a trim that had to spare them may go on. */
  trustLost (): void
}

/** Somebody whose peer is known and whose connection is upgrading. The gate counts it among the crowds already. */
export interface Guest {
  readonly peer: PeerId
  readonly client: Client
  readonly direction: 'inbound' | 'outbound'
  readonly trusted: boolean

  /** The object that a connection shares with the socket it was made of: how its opening is recognised. */
  readonly timeline: object
}

/** A place in the house, kept from *secured* until the connection is open. */
export interface Place {
  readonly allow: true

  /** The upgrade is done: whoever has to go for it is closed now. Idempotent. */
  take (): void

  /** The upgrade failed, nobody is displaced. Idempotent, and nothing once the connection is open. */
  giveBack (): void
}

/** Whom no limit holds. */
export interface Trust {
  /** Whether anybody is trusted at all, so that a trim over thousands of connections does not ask thousands of times. */
  readonly trustsAnybody: boolean

  /** Neither capped, limited, banned nor trimmed. */
  isTrusted (connection: Connection): boolean
}

/** Under this key a gater of ours carries its `Gate`, so that a manager and a stream gate find it among libp2p's components. */
export const gatePort = Symbol.for('libp2p-connmgr.gate')

/** Who gets in, as the others see it: implemented by the gater. */
export interface Gate extends Trust {
  /** The gater enters connections that are upgrading, the manager those that are open: crowding counts both. */
  readonly crowds: CrowdLedger

  /**
   * From here on the gate asks this house; while several nodes share the gate, only who is protected there, as it cannot see whose a connection is.
   *
   * @param host - what only the node knows: js-libp2p's own allow list, which is trust, and how long an inbound upgrade may take
   * @returns what ends that
   */
  attach (house: House, host?: GateHost): () => void

  /** Resolves when stored blocks and bans are in force, or when the store failed or took too long, which is logged; what failed is tried again. Never rejects. */
  ready (): Promise<void>

  /** Hears of every denial: for metrics. @returns what ends that */
  onDeny (listener: (denial: { readonly stage: string, readonly reason: Denied['reason'] }) => void): () => void

  /**
   * A socket that has connected and may become a WebSocket: the accept decision, before a byte was read. Its place becomes that of the
   * WebSocket that comes over it, and is given back when the socket has closed.
   *
   * @param close - ends the socket at once, when somebody else needs its place
   */
  admitSocket (remote: SocketAddress, close: () => void): SocketPlace | Denied

  /** The connection has closed. The gate hears it from the socket, too; not all browsers' sockets say so. */
  connectionClosed (connection: Connection): void

  /** Whether rates and risk leave this connection alone: its peer is trusted or protected, or its address trusted or in an exempt network. */
  isExempt (connection: Connection): boolean

  /**
   * Scores an offence on the connection's client; a relayed one's on its peer id. Exempt connections score nothing. When it leads to a ban the
   * gate refuses new sockets of the client and closes its pending connections and this one.
   *
   * @returns whether a ban came of it
   */
  offend (connection: Connection, offence: Offence): boolean

  /** Ends a connection at once, its socket too. @returns whether the gate knew it */
  close (connection: Connection, why: Error): boolean
}

export interface GateHost {
  isAllowed (client: Client): boolean

  /** Milliseconds. */
  readonly upgradeTimeout: number
}

/** Where a socket comes from, and where it came to: who has two listeners may be connected to both from one address and port. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
}

export interface SocketPlace {
  readonly allow: true

  /** The socket has closed. Idempotent. @param silent - it sent nothing in the time it had */
  release (silent?: boolean): void
}
