import type { Lease } from './lease.ts'

/**
 * The answer to every "may it?" in this package: a value, never an exception.
 */
export type Verdict = Allowed | Denied

/** A yes. */
export interface Allowed {
  readonly allow: true

  /** The place that was taken. Absent where nothing is held: rates, block lists, dials. */
  readonly lease?: Lease
}

/** A no, and why. */
export interface Denied {
  readonly allow: false

  /** `drop` refuses this one thing and keeps the connection, `close` ends the connection. */
  readonly action: 'drop' | 'close'

  readonly reason: DenyReason

  /** The number that was reached. For the operator: never tell the remote. */
  readonly limit?: number

  /** Milliseconds until the same question may be answered with yes. Absent when unknown, and for what will never be allowed. */
  readonly retryAfter?: number

  /** The client, prefix, peer or protocol whose limit was reached, as text. Written when it is read: what is spread from a denial may lack it. */
  readonly key?: string
}

/**
 * Why something was denied. Closed, and used as a metric label: none holds anything a stranger chose.
 */
export type DenyReason =
  // an operator's or the limiter's rule
  | 'blocked-address' // a block list's address
  | 'blocked-subnet' // a block list's subnet
  | 'blocked-peer' // a block list's peer
  | 'banned' // an automatic ban, or one set with an end
  // places
  | 'connection-limit' // the client's own cap, or one of its prefixes'
  | 'network-limit' // the cap that `networks` gives its range
  | 'transport-limit' // `transportLimits`
  | 'relay-limit' // `maxConnsPerRelay`
  | 'peer-limit' // `maxConnsPerPeer`
  | 'total-limit' // `maxConns`, `maxInbound`, `maxOutbound`
  | 'pending-limit' // `maxPendingPerIp`
  | 'pending-total' // `maxPending`, `maxPendingOutbound`
  | 'hard-limit' // the manager's `hardLimit`, nobody to displace
  | 'overflow-limit' // the ledger is full and the coarser key that stands in has reached its own cap
  | 'unknown-address' // `onUnknownAddress: 'deny'`
  // rates
  | 'connect-rate'
  | 'contest-rate' // strangers competing at the full house
  | 'request-rate'
  | 'client-request-rate'
  | 'path-rate'
  | 'stream-rate'
  | 'protocol-rate'
  | 'peer-rate'
  | 'rate' // a bare `rateLimiter`
  | 'cost-above-limit' // never, not "not now": the cost is more than the limit
  // streams
  | 'pending-streams'
  | 'protocol-streams'
  | 'negotiation-timeout'
  // ids
  | 'unknown-id'
  | 'duplicate-id'
  // dials
  | 'private-address'
  | 'insecure-address'
  // the node itself
  | 'denied-by-user' // the user's own gater, given as `also`
  | 'check-failed' // a check threw or took longer than `checkTimeout`
  | 'not-open' // the connection died while it was asked about
  | 'stopping'

/** The only words a remote ever hears about a denial. */
export const DENIAL_MESSAGE = 'Connection refused'
