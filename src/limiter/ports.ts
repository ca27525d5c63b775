import type { CrowdLedger } from './crowd-ledger.ts'
import type { Denied } from './verdict.ts'
import type { Client } from '../address/client.ts'
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
   * house is full, unless `favoured`: an address from which a protected or trusted peer last came.
   */
  atAccept (client: Client, favoured: boolean): Denied | undefined

  /**
   * Once the peer is known: reserves a place and chooses who has to go for it. The place counts as taken until the connection is
   * reported open, or until it is given back.
   */
  reserve (guest: Guest): Place | Denied
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

/** Under this key a gater of ours carries its `Gate`, so that a manager finds it among libp2p's components. */
export const gatePort = Symbol.for('libp2p-connmgr.gate')

/** Who gets in, as who-stays sees it: implemented by the gater, asked by the manager. */
export interface Gate extends Trust {
  /** The gater enters connections that are upgrading, the manager those that are open: crowding counts both. */
  readonly crowds: CrowdLedger

  /** From here on the gate asks this house. @returns what ends that */
  attach (house: House): () => void
}
