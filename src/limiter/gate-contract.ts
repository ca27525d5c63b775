import type { Ban } from './ban-ledger.ts'
import type { ConnectionLimiterConfig, ConnectionLimits } from './connection-config.ts'
import type { Rate } from './rate.ts'
import type { RemoteLike } from './remote.ts'
import type { GateQuotas } from './request-quotas.ts'
import type { Unban } from './risk.ts'
import type { Denied, DenyReason, Verdict } from './verdict.ts'

/** Whatever tells one connection from another: a socket, a number, a text. A file descriptor is one only until it is closed. */
export type ConnectionId = unknown

/** Something a gate has refused. */
export interface GateDenial {
  readonly stage: 'connect' | 'request'
  /** Undefined where `turnAway` was asked. */
  readonly id: ConnectionId
  readonly verdict: Denied
  /** Epoch ms. */
  readonly at: number
}

/** What a gate says, by the name of the event. */
export interface GateEvents {
  readonly deny: GateDenial
  readonly ban: Ban
  readonly unban: Unban
}

/** Hears of one kind of event. */
export type GateListener<Type extends keyof GateEvents> = (event: { readonly type: Type, readonly detail: GateEvents[Type] }) => void

/** The limits in force, as they would be given. */
export interface SecurityGateConfig extends Omit<ConnectionLimiterConfig, 'connectRate'> {
  readonly connectRate: Rate
  readonly requestRate: Rate
  /** One for each family where they differ. */
  readonly clientRequestRate: Rate | { readonly ipv4: Rate, readonly ipv6: Rate }
  readonly pathRates: Readonly<Record<string, Rate>>
  readonly dropsBeforeClose: number
  readonly idleTimeout: number
}

/** A gate's inside, for operators. */
export interface SecurityGateInspection {
  readonly open: number
  readonly prefixes: Readonly<Record<string, number>>
  /** Oldest first. */
  readonly leases: ReadonlyArray<{ readonly key: string, readonly since: number }>
  readonly denied: Readonly<Partial<Record<DenyReason, number>>>
  readonly bans: readonly Ban[]
  /** Clients with a score. */
  readonly scored: number
}

/** Two stages for a server: may this address connect, and may this connection ask? It knows no sockets; ids stand for them. */
export interface SecurityGate {
  /**
   * May this address connect? In order: a ban, the cap of its prefixes, how often it connects; then it is registered under `id`. All denials
   * are `close`. One against the client's own cap or rate is an offence.
   *
   * The remote is the text of its address, a socket, or a parsed address. An id that is registered is `duplicate-id`; nothing changes. An address that cannot be read is dealt with as `onUnknownAddress` says.
   *
   * @param options.rate - counts this connection, and others with the same rate, in a quota of its own instead of the configured one's
   * @throws {@link InvalidOptionError} for a rate that is none, and for the seventeenth different one over the gate's life
   */
  allowConnect (remote: RemoteLike | undefined, id: ConnectionId, options?: { readonly rate?: Rate }): Verdict

  /**
   * For a server that can refuse before it has made a socket: as `allowConnect`, but a denial has no `id`, and whom it would allow is not
   * registered, and nothing is taken.
   *
   * @returns undefined where `allowConnect` is to be asked
   */
  turnAway (remote: RemoteLike | undefined): Denied | undefined

  /**
   * May this connection ask? An id that is not registered is `unknown-id` and a banned client `banned`, both `close`. Then the quotas of the
   * connection, of its client and of the path are asked, and only if all have something left, all are taken from.
   *
   * The first `dropsBeforeClose` violations of the first two are `drop`, each further one is `close` and an offence; they are forgotten
   * after one window without any. A path's is `close` and an offence at once. Only an admitted request counts as activity.
   *
   * @param path - origin, query, fragment and other ways to write the same path are nothing
   * @param options.rate - counts this request, and others of the same rate, in a quota of its own instead of the connection's configured one
   * @throws {@link InvalidOptionError} for a rate that is none, and for the seventeenth different one over the gate's life
   */
  allowRequest (id: ConnectionId, path: string, options?: { readonly rate?: Rate }): Verdict

  /** The connection has closed. @returns whether it was registered */
  release (id: ConnectionId): boolean

  /** Whether it has been idle for longer than `idleTimeout`. The caller closes it, and then releases it; false for an unknown id. */
  detectIdle (id: ConnectionId): boolean

  /** All that are idle, longest first. It costs as much as there are, however many are registered. */
  sweepIdle (): ConnectionId[]

  /**
   * Bans the client of an address: the IPv4 address, or the IPv6 /56. What is open is refused at its next request. A trusted client is
   * banned, too, since somebody said so. A ban is never shortened; an automatic one that is longer keeps its
   * end, and is by hand from then on.
   *
   * @param ttl - milliseconds above 0; `Infinity` is for good
   * @returns whether anything changed
   * @throws {@link InvalidAddressError}, {@link InvalidOptionError}, {@link CapacityError}
   */
  banAddress (ip: string, ttl: number, reason?: string): boolean

  /** Its score stays, and fades. @returns whether it was banned */
  unbanAddress (ip: string): boolean

  /** At the very end of a ban it is over. False for what is not an address. */
  isBanned (remote: RemoteLike | undefined): boolean

  /** What a connection has left, by the same path and rate as `allowRequest`; undefined for an unknown id. */
  quota (id: ConnectionId, path?: string, options?: { readonly rate?: Rate }): GateQuotas | undefined

  /** Open connections of the client that the address belongs to. */
  numOpen (remote: RemoteLike | undefined): number

  /** Changes some fields of a rate, its strategy too, for everybody: what is used stays used. @throws {@link InvalidOptionError} */
  setConnectRate (rate: Partial<Rate> | false): void

  /** Where `clientRequestRate` was not given, it follows. */
  setRequestRate (rate: Partial<Rate> | false): void

  /**
   * Adds a rule, then with all three fields, or changes some fields of one; false takes it away. Two texts of one path are one rule. The users of
   * a `limitRequests` keep the rules that there were when it was called.
   */
  setPathRate (path: string, rate: Partial<Rate> | false): void

  /** From now on no caps, rates and automatic bans hold it. @returns whether it was not trusted before */
  trust (range: string): boolean

  /** @returns whether it was trusted before */
  untrust (range: string): boolean

  /** @returns the limits in force */
  config (): SecurityGateConfig

  /**
   * Changes caps and networks; rates have methods of their own. It closes nothing. Where `clientRequestRate` was not given, it follows; a cap
   * of 0 leaves those who are open the requests of one connection.
   *
   * @throws {@link InvalidOptionError} or {@link InvalidAddressError}, and nothing is changed
   */
  setConfig (change: Omit<ConnectionLimits, 'connectRate'>): void

  /**
   * Who has to go for the caps to hold: the ids that would find no place if all that are open came again, oldest first. Empty unless a cap was
   * lowered. It closes and releases nothing.
   */
  excess (): ConnectionId[]

  /** @returns a fresh snapshot; it walks over everybody who is there */
  inspect (): SecurityGateInspection

  /**
   * A listener that throws or rejects harms nobody. `unban` says that a ban was lifted, or that its end was noticed when its client was next
   * asked about.
   *
   * @throws {@link InvalidOptionError} for another event
   */
  addEventListener<Type extends keyof GateEvents> (type: Type, listener: GateListener<Type>): void

  /** The listener hears nothing any more. One that was never added is ignored. */
  removeEventListener<Type extends keyof GateEvents> (type: Type, listener: GateListener<Type>): void
}
