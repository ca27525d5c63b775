import type { ConnectionGater as Libp2pConnectionGater } from '@libp2p/interface'

// How a connection passes through the gater
//
//   denyDialPeer ──► peerDial ─┐
//   denyDialMultiaddr ► addrDial│                        lists ── rules of an operator; trust; stored
//                              ▼                          │
//   socket on a /ws listener ► accept ◄─ denyInboundConnection
//                              │  check everything, then take everything: limiter's core, pending places, the house
//                              ▼
//                          HeldConnections: pending ──► open ──► closing ──► gone
//                              ▲              │            ▲         ▲          ▲
//   denyOutboundConnection ────┘              │            │         │          └ the socket has closed: its place is free
//   deny…EncryptedConnection ──► secured ─────┘            │         └ the connection has closed
//   deny…UpgradedConnection ──► upgraded ──────────────────┘
//
//   every Verdict ──► hooks.ts makes the boolean of it, asks the user's own gater, and ends what was denied
//                └──► Denials counts it, says it ('deny', log, metrics), and the risk desk scores the offences among them

/** Where a connection is when it is asked about: go-libp2p's five, to which `outbound`, relays and the peer store come here. */
export const STAGES = [
  'peer-dial', 'addr-dial', 'accept', 'outbound', 'secured', 'upgraded', 'relay-reservation', 'relay-through', 'relayed', 'filter'
] as const

/** One of {@link STAGES}. */
export type Stage = typeof STAGES[number]

/** What may be asked of somebody. The code of each is in the file that is named. */
export type Check =
  | 'blocked' // lists.ts: the address, the subnet, the peer, the relay
  | 'banned' // risk-desk.ts
  | 'prefix-caps' // limiter/connection-core.ts: all levels, or the cap of its network
  | 'connect-rate' // limiter/connection-core.ts
  | 'transport-cap' // held-connections.ts, as all that follow but the last
  | 'relay-cap'
  | 'totals'
  | 'pending-caps'
  | 'peer-cap'
  | 'house' // the manager's, by its port
  | 'dial-policy' // dial-rules.ts

export interface StageRule {
  readonly hooks: ReadonlyArray<keyof Libp2pConnectionGater>

  /**
   * In the order in which they are asked; `maxConns` of the totals is asked with the caps of an address already. Trust skips all but the first, and
   * in the house it displaces somebody.
   */
  readonly checks: readonly Check[]

  /** Whether it is about one socket, which is ended when it is denied. */
  readonly hasSocket: boolean
}

/** The one table of who is asked what, and when. A test holds the accept stage to its order. */
export const STAGE_RULES: Readonly<Record<Stage, StageRule>> = {
  'peer-dial': { hooks: ['denyDialPeer'], checks: ['blocked', 'banned', 'peer-cap', 'totals', 'pending-caps'], hasSocket: false },
  'addr-dial': { hooks: ['denyDialMultiaddr'], checks: ['blocked', 'dial-policy'], hasSocket: false },
  'accept': {
    hooks: ['denyInboundConnection'],
    checks: ['blocked', 'banned', 'prefix-caps', 'connect-rate', 'transport-cap', 'relay-cap', 'totals', 'pending-caps', 'house'],
    hasSocket: true
  },
  'outbound': { hooks: ['denyOutboundConnection'], checks: ['blocked', 'peer-cap', 'totals', 'pending-caps'], hasSocket: true },
  'secured': {
    hooks: ['denyInboundEncryptedConnection', 'denyOutboundEncryptedConnection'],
    checks: ['blocked', 'banned', 'peer-cap', 'house'],
    hasSocket: true
  },
  'upgraded': { hooks: ['denyInboundUpgradedConnection', 'denyOutboundUpgradedConnection'], checks: ['blocked', 'banned', 'totals'], hasSocket: true },
  'relay-reservation': { hooks: ['denyInboundRelayReservation'], checks: ['blocked', 'banned'], hasSocket: false },
  'relay-through': { hooks: ['denyOutboundRelayedConnection'], checks: ['blocked', 'banned'], hasSocket: false },
  'relayed': { hooks: ['denyInboundRelayedConnection'], checks: ['blocked', 'banned', 'relay-cap'], hasSocket: false },
  'filter': { hooks: ['filterMultiaddrForPeer'], checks: ['blocked'], hasSocket: false }
}
