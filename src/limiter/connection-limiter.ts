import { formatCidr } from '../address/cidr.ts'
import { systemClock } from '../clock/system-clock.ts'
import { formatLimits, LIMIT_NAMES, parseLimits } from './connection-config.ts'
import { ConnectionCore } from './connection-core.ts'
import { Listeners } from './listeners.ts'
import { checkCapacity, checkChoice, checkClock, checkFunction, checkNames } from './options.ts'
import { DEFAULT_CAPACITY } from './rate-limiter.ts'
import { isIp, remoteOf } from './remote.ts'
import { trustList } from './trust-list.ts'
import { wrapSocket } from './wrap-socket.ts'
import type { Clock } from '../clock/clock.ts'
import type { ConnectionLimiterConfig, ConnectionLimits } from './connection-config.ts'
import type { Reporting } from './inside.ts'
import type { Lease } from './lease.ts'
import type { RemoteLike } from './remote.ts'
import type { Denied, DenyReason, Verdict } from './verdict.ts'

/** Options of a connection limiter. */
export interface ConnectionLimiterInit extends ConnectionLimits {
  /** Addresses and subnets without caps and rates. They count in totals. */
  readonly trust?: readonly string[]

  /**
   * Prefixes that are remembered at most, at each level. One IPv4 /16 or IPv6 /32 may have a sixteenth of them. A client that finds no place
   * is counted by its /24 or /48, with 8 times the limit, or the one that `prefixLimits` gives that prefix where it is lower.
   *
   * @default 100_000
   */
  readonly capacity?: number

  /** @default the system's clock */
  readonly clock?: Clock
}

/** Something `accept` or `turnAway` has refused, or a server of this package for a proxy's header that is none. */
export interface ConnectionDenial {
  readonly remote: RemoteLike
  readonly verdict: Denied
  /** Epoch ms. */
  readonly at: number
}

/** Hears of what `accept` and `turnAway` refuse. */
export type DenyListener = (event: { readonly type: 'deny', readonly detail: ConnectionDenial }) => void

/** A limiter's inside, for operators. */
export interface ConnectionLimiterInspection {
  readonly open: number
  readonly prefixes: Readonly<Record<string, number>>
  readonly networks: Readonly<Record<string, { readonly open: number, readonly limit: number }>>
  /** Who holds a place, oldest first. */
  readonly leases: ReadonlyArray<{ readonly key: string, readonly since: number }>
  readonly denied: Readonly<Partial<Record<DenyReason, number>>>
  /** Entries of the connect rate's ledgers. */
  readonly rateEntries: number
}

/** Gives places to connections, and counts who holds them. */
export interface ConnectionLimiter {
  /**
   * Asks for a place and takes it: at every level or, when one of them is full, at none. Give it back with the lease's `release`.
   *
   * The same socket accepted again, while its lease is held, gets that lease and counts once. A remote without an address that can be read
   * is dealt with as `onUnknownAddress` says. It never throws for what a remote sent.
   */
  accept (remote: RemoteLike): Verdict

  /** What `accept` would answer, without taking: there is no lease in it. */
  check (remote: RemoteLike): Verdict

  /**
   * For a server that can refuse before it has made a socket: a denial is counted and told to listeners as one of `accept`, and for whom
   * there is a place nothing is taken.
   *
   * @returns undefined where `accept` is to be asked
   */
  turnAway (remote: RemoteLike): Denied | undefined

  /**
   * Makes `socket` give the place back when it has closed.
   *
   * @returns the same socket
   * @throws {@link InvalidOptionError} for what is no lease: a denial has none
   */
  wrap<T extends object> (socket: T, lease: Lease): T

  /** Open connections of the client that the address belongs to. */
  numOpen (remote: RemoteLike): number

  /** @returns the limits in force */
  config (): ConnectionLimiterConfig

  /**
   * Changes some limits at once, or none when one of them is wrong. It closes nothing: who is open stays open, above a lowered limit, too,
   * and newcomers wait until it is below.
   *
   * @throws {@link InvalidOptionError} or {@link InvalidAddressError}
   */
  setConfig (change: ConnectionLimits): void

  /**
   * Who has to go for the limits to hold: the leases that would find no place if all that are open came again, oldest first. Empty unless a
   * limit was lowered. It closes and releases nothing.
   */
  excess (): Lease[]

  /** @returns whether it was not trusted before */
  trust (range: string): boolean

  /** @returns whether it was trusted before */
  untrust (range: string): boolean

  /** @returns a fresh snapshot; it walks over everybody who is there */
  inspect (): ConnectionLimiterInspection

  /**
   * Hears of everything `accept` and `turnAway` deny. A listener that throws or rejects harms nobody.
   *
   * @throws {@link InvalidOptionError} for another event
   */
  addEventListener (type: 'deny', listener: DenyListener): void

  /** The listener hears nothing any more. One that was never added is ignored. */
  removeEventListener (type: 'deny', listener: DenyListener): void
}

/**
 * Limits how many connections each client has, in the way of hashicorp's go-connlimit, and how often it may connect. It knows no sockets: it
 * is asked, and told when a connection is gone. Synchronous, without timers, for any runtime.
 *
 * It exempts nobody by itself, loopback neither. Counts are of this process only.
 *
 * @throws {@link InvalidOptionError} or {@link InvalidAddressError}
 *
 * @example
 *
 * ```ts
 * import { connectionLimiter } from 'libp2p-connmgr/limiter'
 *
 * const limiter = connectionLimiter({ maxConnsPerIp: 100 })
 * const verdict = limiter.accept('192.0.2.1')
 *
 * if (verdict.allow) {
 *   console.log(limiter.numOpen('192.0.2.1')) // 1
 *   verdict.lease?.release()
 * }
 * ```
 */
export function connectionLimiter (init: ConnectionLimiterInit = {}): ConnectionLimiter {
  const { trust, capacity = DEFAULT_CAPACITY, clock, ...limits } = checkNames('init', init, NAMES) as ConnectionLimiterInit
  const core = new ConnectionCore({ limits: parseLimits(limits), trust: trustList(trust), capacity: checkCapacity('capacity', capacity) })
  const limiter = new CoreLimiter(core, checkClock(clock ?? systemClock))

  cores.set(limiter, core)
  return limiter
}

const NAMES: Readonly<Record<keyof ConnectionLimiterInit, true>> = { ...LIMIT_NAMES, trust: true, capacity: true, clock: true }

const cores = new WeakMap<ConnectionLimiter, ConnectionCore>()

/** The inside of a limiter, for parts that check it together with rules of their own. */
export function coreOf (limiter: ConnectionLimiter): ConnectionCore | undefined {
  return cores.get(limiter)
}

class CoreLimiter implements ConnectionLimiter, Reporting {
  readonly #core: ConnectionCore
  readonly #clock: Clock
  readonly #leases = new WeakMap<object, Lease>()
  readonly #denied: Partial<Record<DenyReason, number>> = {}
  readonly #listeners = new Listeners<Parameters<DenyListener>[0]>()

  constructor (core: ConnectionCore, clock: Clock) {
    this.#core = core
    this.#clock = clock
  }

  accept (remote: RemoteLike): Verdict {
    const isSocket = typeof remote === 'object' && remote != null && !isIp(remote)
    const held = isSocket ? this.#leases.get(remote) : undefined
    if (held?.released === false) return { allow: true, lease: held }

    const ip = remoteOf(remote)
    const now = this.#clock.now()
    const denied = this.#core.check(ip, now)
    if (denied != null) return this.#deny(remote, denied, now)

    const lease = this.#core.take(ip, now)
    if (isSocket) this.#leases.set(remote, lease)
    return { allow: true, lease }
  }

  check (remote: RemoteLike): Verdict {
    return this.#core.check(remoteOf(remote), this.#clock.now()) ?? { allow: true }
  }

  turnAway (remote: RemoteLike): Denied | undefined {
    const now = this.#clock.now()
    const denied = this.#core.check(remoteOf(remote), now)

    return denied == null ? undefined : this.#deny(remote, denied, now)
  }

  report (denied: Denied, remote: RemoteLike): void {
    this.#deny(remote, denied, this.#clock.now())
  }

  wrap<T extends object> (socket: T, lease: Lease): T {
    return wrapSocket(socket, lease)
  }

  numOpen (remote: RemoteLike): number {
    return this.#core.numOpen(remoteOf(remote))
  }

  config (): ConnectionLimiterConfig {
    return formatLimits(this.#core.limits, formatCidr)
  }

  setConfig (change: ConnectionLimits): void {
    this.#core.setLimits(parseLimits(change, this.#core.limits, 'change'), this.#clock.now())
  }

  excess (): Lease[] {
    return this.#core.excess()
  }

  trust (range: string): boolean {
    return this.#core.addTrust(range)
  }

  untrust (range: string): boolean {
    return this.#core.dropTrust(range)
  }

  inspect (): ConnectionLimiterInspection {
    return {
      open: this.#core.total,
      prefixes: this.#core.prefixes(),
      networks: this.#core.networks(),
      leases: this.#core.leases().map(({ key, since }) => ({ key, since })),
      denied: { ...this.#denied },
      rateEntries: this.#core.rateEntries
    }
  }

  addEventListener (type: 'deny', listener: DenyListener): void {
    checkChoice('type', type, ['deny'])
    this.#listeners.add(checkFunction('listener', listener))
  }

  removeEventListener (type: 'deny', listener: DenyListener): void {
    checkChoice('type', type, ['deny'])
    this.#listeners.delete(listener)
  }

  #deny (remote: RemoteLike, verdict: Denied, at: number): Denied {
    this.#denied[verdict.reason] = (this.#denied[verdict.reason] ?? 0) + 1
    if (this.#listeners.size > 0) this.#listeners.emit({ type: 'deny', detail: { remote, verdict, at } })
    return verdict
  }
}
