import type { Transport } from '../address/client-key.ts'
import type { Clock } from '../clock/clock.ts'
import type { PrefixLimits, PrefixRateLimits } from '../limiter/connection-config.ts'
import type { ConnectionLimiter } from '../limiter/connection-limiter.ts'
import type { Rate } from '../limiter/rate.ts'
import type { RiskInit } from '../limiter/risk-options.ts'
import type { ConnectionGater as Libp2pConnectionGater, PeerId } from '@libp2p/interface'
import type { Datastore } from 'interface-datastore'

export type LimitedTransport = Exclude<Transport, 'unknown'>

/** What can be changed at run time. */
export interface ConnectionGaterLimits {
  /**
   * Prefix length → connections, pending ones included, by family; all levels hold. An absent family keeps its default. Not together with
   * `maxConnsPerIp`. The default is go-libp2p's.
   *
   * @default { ipv4: { 32: 8 }, ipv6: { 56: 8, 48: 64 } }
   */
  readonly prefixLimits?: PrefixLimits

  /**
   * Connections that one client may have, upgrading ones included: shorthand `n` for the `prefixLimits`
   * `{ ipv4: { 32: n }, ipv6: { 56: n, 48: 8 * n } }`. `Infinity` counts and never refuses, 0 admits nobody.
   */
  readonly maxConnsPerIp?: number

  /**
   * CIDR → cap over all of its addresses together, instead of `prefixLimits`; the narrowest wins. Replaces the default as a whole. A range at
   * `Infinity` is free of rate, pending cap and risk, too.
   *
   * @default { '127.0.0.0/8': Infinity, '::1/128': Infinity }
   */
  readonly networks?: Readonly<Record<string, number>>

  /**
   * Connections of one peer, both directions.
   *
   * @default 8
   */
  readonly maxConnsPerPeer?: number

  /**
   * Inbound connections that are upgrading at once, sockets of `/ws` listeners included. At the cap room is made where it is most crowded.
   *
   * @default 64
   */
  readonly maxPending?: number

  /**
   * Inbound connections of one client, an address or a relay, that are upgrading at once. What has neither (memory, Unix sockets) has
   * `transportLimits`.
   *
   * @default 4
   */
  readonly maxPendingPerIp?: number

  /**
   * Inbound connections that are open. Trusted ones count and are not refused, as for all totals.
   *
   * @default Infinity
   */
  readonly maxInbound?: number

  /** @default Infinity */
  readonly maxOutbound?: number

  /**
   * Outbound connections that are upgrading at once.
   *
   * @default Infinity
   */
  readonly maxPendingOutbound?: number

  /**
   * All connections, upgrading ones included.
   *
   * @default Infinity
   */
  readonly maxConns?: number

  /**
   * How often a client may connect to us: one rate for each IPv4 address and IPv6 /56, or rates by prefix length, which all hold. An absent
   * family keeps its default, one that is empty has no rate. The default is go-libp2p's: token buckets of 16 per 80 s for an IPv4 address and an IPv6 /56, 80 per 160 s for a /48.
   *
   * @default { ipv4: { 32: { strategy: 'token-bucket', limit: 16, window: 80_000 } }, ipv6: { 56: { strategy: 'token-bucket', limit: 16, window: 80_000 }, 48: { strategy: 'token-bucket', limit: 80, window: 160_000 } } }
   */
  readonly connectRate?: false | Rate | PrefixRateLimits

  /**
   * Connections of a transport, all of them together.
   *
   * @default {}
   */
  readonly transportLimits?: Readonly<Partial<Record<LimitedTransport, number>>>

  /**
   * Connections that come through one relay.
   *
   * @default 64
   */
  readonly maxConnsPerRelay?: number

  /**
   * False refuses to dial private, link-local and other addresses that mean nothing on the internet, as is the default in browsers; `localhost` by name, and
   * IPv4 addresses in other notations than dotted decimal, too. What other names stand for nobody knows yet.
   *
   * @default true
   */
  readonly dialPrivate?: boolean

  /**
   * False refuses to dial WebSockets without TLS, as is the default in browsers.
   *
   * @default true
   */
  readonly dialInsecure?: boolean

  /**
   * How long the user's own gater may take, and the store, in ms. A change holds for what is asked from then on.
   *
   * @default 5_000
   */
  readonly checkTimeout?: number

  /**
   * What it is when the user's own gater throws, rejects or takes longer. Not for the `datastore`.
   *
   * @default 'deny'
   */
  readonly onCheckFailed?: 'deny' | 'allow'

  /**
   * How offences become bans; false scores nothing. What a change does not name has its default again; scores and bans stay, and the new rules hold from
   * the next offence on.
   *
   * @default { threshold: 10, halfLife: 600_000, banTime: 600_000, maxBanTime: 86_400_000 }
   */
  readonly risk?: RiskInit | false
}

export interface ConnectionGaterInit extends ConnectionGaterLimits {
  /** The user's own gater. It is asked after ours, and either may deny. Any truthy answer denies. */
  readonly also?: Libp2pConnectionGater

  /** Blocked from the start: addresses, CIDRs and peers. They are not stored: they come again with the next start. */
  readonly blocks?: ReadonlyArray<string | PeerId>

  /** Trusted from the start: addresses, CIDRs and peers. */
  readonly trust?: ReadonlyArray<string | PeerId>

  /**
   * Where blocks and bans are kept. Without it they end with the process. A store that fails to load, or takes longer than `checkTimeout`, shuts nobody out,
   * whatever `onCheckFailed` says, and is logged: rules that it still gives are in force from then on.
   * What has ended is taken out when it is loaded and, once a minute at most, when something else is put or deleted; nothing is done to it by the clock.
   */
  readonly datastore?: Datastore

  /** Shared with a plain server: its caps, networks, `maxConns`, connect rate and trusted addresses rule here, too. Giving both throws. */
  readonly limiter?: ConnectionLimiter

  /**
   * Entries of each ledger whose keys strangers choose, and rules of the block list. One IPv4 /16 or IPv6 /32 may have a sixteenth of a ledger:
   * automatic bans above that, stored ones, too, are not in force. Blocks have no such share.
   *
   * @default 100_000
   */
  readonly capacity?: number

  /** @default the system's clock */
  readonly clock?: Clock
}

/** What is in force: every limit, as it would be given. */
export interface ConnectionGaterConfig extends Required<Omit<ConnectionGaterLimits, 'maxConnsPerIp' | 'prefixLimits' | 'connectRate' | 'risk'>> {
  readonly prefixLimits: Required<PrefixLimits>
  readonly connectRate: false | Required<PrefixRateLimits>
  readonly risk: Required<Omit<RiskInit, 'weights'>> & Pick<RiskInit, 'weights'> | false
}
