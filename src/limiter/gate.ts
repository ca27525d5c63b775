import { formatCidr } from '../address/cidr.ts'
import { parseAddress } from '../address/parse-address.ts'
import { CallRates } from './call-rates.ts'
import { ClientRates, ofBothFamilies } from './client-rates.ts'
import { formatLimits } from './connection-config.ts'
import { ConnectionCore } from './connection-core.ts'
import { ALLOWED, deny, denyPrefix, isOwnLimit } from './denial.ts'
import { changeLimits, deriveClientRate, formatClientRate, parseRate } from './gate-options.ts'
import { GateReports } from './gate-reports.ts'
import { IdleQueue } from './idle-queue.ts'
import { checkDurationOrNever, checkReason } from './options.ts'
import { checkPathRule } from './path-rules.ts'
import { RequestQuotas } from './request-quotas.ts'
import { remoteOf } from './remote.ts'
import { Risk } from './risk.ts'
import { SteadyTime } from './steady-time.ts'
import { actionFor, NO_VIOLATIONS, violate } from './violations.ts'
import type { Ip } from '../address/ip.ts'
import type { Clock } from '../clock/clock.ts'
import type { Ban } from './ban-ledger.ts'
import type { ConnectionLimits } from './connection-config.ts'
import type { GateConfig } from './gate-options.ts'
import type { Idler } from './idle-queue.ts'
import type { GateInside } from './inside.ts'
import type { Lease } from './lease.ts'
import type { PrefixRates } from './prefix-rates.ts'
import type { Rate } from './rate.ts'
import type { RemoteLike } from './remote.ts'
import type { GateQuotas, QuotaShortage, Requester } from './request-quotas.ts'
import type { Offence } from './risk-options.ts'
import type { ConnectionId, GateEvents, GateListener, SecurityGateConfig, SecurityGateInspection } from './gate-contract.ts'
import type { TrustList } from './trust-list.ts'
import type { Denied, Verdict } from './verdict.ts'
import type { Violations } from './violations.ts'

interface Registered extends Idler, Requester {
  readonly id: ConnectionId
  readonly lease: Lease
  violations: Violations
}

/** `securityGate`'s inside: the order in which its ledgers are asked. */
export class Gate implements GateInside {
  readonly #config: GateConfig
  readonly #clock: Clock
  readonly #time = new SteadyTime()
  readonly #risk: Risk
  readonly #core: ConnectionCore
  readonly #connects: ClientRates
  readonly #requests: RequestQuotas
  readonly #callRates: CallRates<PrefixRates>
  readonly #connections = new Map<ConnectionId, Registered>()
  readonly #idle = new IdleQueue<Registered>()
  readonly #reports: GateReports

  constructor (config: GateConfig, trust: TrustList, clock: Clock) {
    const { capacity, limits, risk } = config
    const pinned = (ip: Ip, length: number, now: number): boolean => this.#core.isPinned(ip, length, now)

    this.#config = config
    this.#clock = clock
    this.#reports = new GateReports(clock)
    this.#risk = new Risk({ config: risk, capacity })
    this.#core = new ConnectionCore({ limits, trust, capacity, pinned: (ip, now) => this.#risk.isNoted(ip, now) })
    this.#connects = new ClientRates(ofBothFamilies(config.connectRate), capacity, pinned)
    this.#callRates = new CallRates(rate => new ClientRates(ofBothFamilies(rate), capacity, pinned).prefixes)
    this.#requests = new RequestQuotas(config, config.clientRequestRate ?? deriveClientRate(config.requestRate, limits), pinned)
    this.#risk.onBan.add(ban => { this.#reports.banned(this.#told(ban)) })
    this.#risk.onUnban.add(unban => { this.#reports.unbanned(this.#told(unban)) })
  }

  allowConnect (remote: RemoteLike | undefined, id: ConnectionId, { rate }: { readonly rate?: Rate } = {}): Verdict {
    const now = this.#now()
    const ip = remoteOf(remote)
    const rates = rate === undefined ? this.#connects.prefixes : this.#callRates.of(rate)
    const banned = this.#banned(ip, now)
    // Who is told that a ban has ended may register the id himself.
    if (this.#connections.has(id)) return this.#reports.deny('connect', id, deny({ action: 'close', reason: 'duplicate-id' }))

    const refused = this.#refuse(ip, id, now, rates, banned)
    if (refused != null) return refused

    const connection: Registered = {
      id,
      ip,
      lease: this.#core.take(ip, now, rates),
      row: this.#requests.add(),
      callRows: undefined,
      violations: NO_VIOLATIONS,
      lastActivity: now,
      older: undefined,
      newer: undefined
    }

    this.#connections.set(id, connection)
    this.#idle.add(connection, now)
    return ALLOWED
  }

  turnAway (remote: RemoteLike | undefined): Denied | undefined {
    return this.#refuse(remoteOf(remote), undefined, this.#now(), this.#connects.prefixes)
  }

  allowRequest (id: ConnectionId, path: string, { rate }: { readonly rate?: Rate } = {}): Verdict {
    const connection = this.#connections.get(id)
    const now = this.#now()
    const banned = this.#banned(connection?.ip, now)

    // Who is told that a ban has ended may release whoever asks.
    if (connection == null || connection.lease.released) return this.#reports.deny('request', id, deny({ action: 'close', reason: 'unknown-id' }))
    if (banned != null) return this.#reports.deny('request', id, banned)

    if (!this.#core.isFree(connection.ip)) {
      const shortage = this.#requests.take(connection, path, now, rate)
      if (shortage != null) return this.#reports.deny('request', id, this.#violation(connection, shortage, now))
    }

    this.#idle.touch(connection, now)
    return ALLOWED
  }

  allowBy (id: ConnectionId, remote: RemoteLike | undefined, take: () => Denied | undefined): Verdict {
    const now = this.#now()
    const ip = remoteOf(remote)
    const denied = this.#banned(ip, now) ?? (this.#core.isFree(ip) ? undefined : take())
    if (denied != null) return this.#reports.deny('request', id, denied)

    const connection = this.#connections.get(id)
    if (connection != null) this.#idle.touch(connection, now)
    return ALLOWED
  }

  report (denied: Denied, _remote: RemoteLike | undefined, id: ConnectionId): void {
    this.#reports.deny('connect', id, denied)
  }

  reserveRequestRate (rate: Rate): void {
    this.#requests.reserveRate(rate)
  }

  release (id: ConnectionId): boolean {
    const connection = this.#connections.get(id)
    if (connection == null) return false

    this.#connections.delete(id)
    this.#idle.remove(connection)
    this.#requests.remove(connection)
    connection.lease.release()
    return true
  }

  detectIdle (id: ConnectionId): boolean {
    const connection = this.#connections.get(id)

    return connection != null && this.#now() - connection.lastActivity > this.#config.idleTimeout
  }

  sweepIdle (): ConnectionId[] {
    return this.#idle.idle(this.#config.idleTimeout, this.#now()).map(({ id }) => id)
  }

  banAddress (text: string, ttl: number, reason?: string): boolean {
    return this.#risk.ban(parseAddress(text), checkDurationOrNever('ttl', ttl), this.#now(), checkReason(reason))
  }

  unbanAddress (text: string): boolean {
    return this.#risk.lift(parseAddress(text), this.#now())
  }

  isBanned (remote: RemoteLike | undefined): boolean {
    const ip = remoteOf(remote)
    return ip != null && this.#risk.banLeft(ip, this.#now()) > 0
  }

  quota (id: ConnectionId, path = '/', { rate }: { readonly rate?: Rate } = {}): GateQuotas | undefined {
    const connection = this.#connections.get(id)
    return connection == null ? undefined : this.#requests.quotas(connection, path, this.#now(), rate)
  }

  numOpen (remote: RemoteLike | undefined): number {
    return this.#core.numOpen(remoteOf(remote))
  }

  setConnectRate (rate: Partial<Rate> | false): void {
    this.#connects.setRate(ofBothFamilies(parseRate('connectRate', rate, this.#connects.rate.ipv4)), this.#now())
  }

  setRequestRate (rate: Partial<Rate> | false): void {
    this.#requests.setRequestRate(parseRate('requestRate', rate, this.#requests.requestRate), this.#now())
    this.#deriveClientRate()
  }

  setPathRate (path: string, rate: Partial<Rate> | false): void {
    const rule = checkPathRule('path', path)

    if (rate === false) this.#requests.deletePathRate(rule)
    else this.#requests.changePathRate(rule, rate, this.#now())
  }

  trust (range: string): boolean {
    return this.#core.addTrust(range)
  }

  untrust (range: string): boolean {
    return this.#core.dropTrust(range)
  }

  config (): SecurityGateConfig {
    const { dropsBeforeClose, idleTimeout } = this.#config

    return {
      ...formatLimits(this.#core.limits, formatCidr),
      connectRate: this.#connects.rate.ipv4,
      requestRate: this.#requests.requestRate,
      clientRequestRate: formatClientRate(this.#requests.clientRate),
      pathRates: this.#requests.pathRates(),
      dropsBeforeClose,
      idleTimeout
    }
  }

  setConfig (change: Omit<ConnectionLimits, 'connectRate'>): void {
    this.#core.setLimits(changeLimits(change, this.#core.limits), this.#now())
    this.#deriveClientRate()
  }

  excess (): ConnectionId[] {
    const leases = new Set<Lease>(this.#core.excess())
    if (leases.size === 0) return []
    return [...this.#connections.values()].filter(({ lease }) => leases.has(lease)).map(({ id }) => id)
  }

  inspect (): SecurityGateInspection {
    const now = this.#now()

    return {
      open: this.#core.total,
      prefixes: this.#core.prefixes(),
      leases: this.#core.leases().map(({ key, since }) => ({ key, since: this.#time.toClock(since) })),
      denied: this.#reports.denied(),
      bans: this.#risk.bans(now).map(ban => this.#told(ban)),
      scored: this.#risk.scored(now)
    }
  }

  addEventListener<Type extends keyof GateEvents> (type: Type, listener: GateListener<Type>): void {
    this.#reports.add(type, listener)
  }

  removeEventListener<Type extends keyof GateEvents> (type: Type, listener: GateListener<Type>): void {
    this.#reports.delete(type, listener)
  }

  #now (): number {
    return this.#time.at(this.#clock.now())
  }

  /** Everything in here counts in steady time, and people read a clock. */
  #told<B extends Ban> (ban: B): B {
    return { ...ban, until: this.#time.toClock(ban.until) }
  }

  /** Automatic bans pass over trusted clients and unlimited networks; what somebody banned by hand is banned. */
  #banned (ip: Ip | undefined, now: number): Denied | undefined {
    if (ip == null || this.#risk.banLeft(ip, now) === 0) return undefined
    const ban = this.#risk.banOf(ip, now)
    if (ban == null || (ban.automatic && this.#core.isFree(ip))) return undefined

    return deny({ action: 'close', reason: 'banned', retryAfter: this.#risk.banLeft(ip, now), key: ban.key })
  }

  /** A denial is told, and an offence where it is one. */
  #refuse (ip: Ip | undefined, id: ConnectionId, now: number, rates: PrefixRates, banned = this.#banned(ip, now)): Denied | undefined {
    const denied = banned ?? this.#core.check(ip, now, rates)
    if (denied == null) return undefined

    if (isOwnLimit(denied)) this.#offend(ip, denied.reason as Offence, now)
    return this.#reports.deny('connect', id, denied)
  }

  /** What a path has too much of closes at once. */
  #violation (connection: Registered, shortage: QuotaShortage, now: number): Denied {
    const { isPath, reason, window } = shortage
    if (!isPath) connection.violations = violate(connection.violations, now, window)
    const action = isPath ? 'close' : actionFor(connection.violations, this.#config.dropsBeforeClose)

    if (action === 'close' && reason !== 'overflow-limit') this.#offend(connection.ip, reason, now)
    return denial(action, connection, shortage)
  }

  #offend (ip: Ip | undefined, offence: Offence, now: number): void {
    if (ip != null && !this.#core.isFree(ip)) this.#risk.offend(ip, offence, now)
  }

  #deriveClientRate (): void {
    if (this.#config.clientRequestRate !== undefined) return
    this.#requests.setClientRate(deriveClientRate(this.#requests.requestRate, this.#core.limits), this.#now())
  }
}

function denial (action: 'drop' | 'close', { ip }: Registered, { reason, limit, wait, length }: QuotaShortage): Denied {
  return ip == null || length === 0 ? deny({ action, reason, limit, retryAfter: wait }) : denyPrefix(action, reason, ip, length, limit, wait)
}
