import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { deny, denyPrefix } from './denial.ts'
import { HeldLease, UNKNOWN_KEY } from './held-lease.ts'
import { networkCaps } from './network-caps.ts'
import { PrefixLedger } from './prefix-ledger.ts'
import { PrefixRates } from './prefix-rates.ts'
import type { Ip } from '../address/ip.ts'
import type { ParsedLimits } from './connection-config.ts'
import type { Lease } from './lease.ts'
import type { NetworkCap, NetworkCaps } from './network-caps.ts'
import type { LevelLimits } from './prefix-ledger.ts'
import type { LevelRates } from './prefix-rates.ts'
import type { Remote } from './remote.ts'
import type { TrustList } from './trust-list.ts'
import type { Denied } from './verdict.ts'

const OVERFLOW_KEY = '(overflow)'

/** Which rules a remote is under: the prefixes' is the usual one. */
type Standing =
  | { readonly kind: 'prefixes' }
  | { readonly kind: 'network', readonly cap: NetworkCap }
  | { readonly kind: 'trusted' }

const NO_LIMITS: LevelLimits = new Map()
const PREFIXES: Standing = { kind: 'prefixes' }
const TRUSTED: Standing = { kind: 'trusted' }

export interface ConnectionCoreInit {
  readonly limits: ParsedLimits
  readonly trust: TrustList
  readonly capacity: number

  /** Whether a client has a score or a ban, so that what is known of its rate must stay. */
  readonly pinned?: (ip: Ip, now: number) => boolean
}

/** A gater, which may share its core with others, and keeps scores and bans of its own. */
export interface Sharer {
  /** Whether what is known of an address's rate must stay. */
  isHeld (ip: Ip): boolean

  /** Some range is not trusted any more, whoever said so. */
  trustLost (): void
}

/**
 * What `connectionLimiter`, `securityGate` and the gater share: who has how many connections and may have one more. It knows no clock and
 * no sockets. `check` everything first and then `take`, in one turn of the event loop, and a denial spends nothing anywhere.
 */
export class ConnectionCore {
  readonly trust: TrustList
  readonly #capacity: number
  readonly #pinned: ((ip: Ip, now: number) => boolean) | undefined
  /** Weak, because a limiter that is kept would keep everybody whom it was ever given to. */
  readonly #sharers = new Set<WeakRef<Sharer>>()
  #limits: ParsedLimits
  #prefixes: PrefixLedger
  #networks: NetworkCaps
  #rates: PrefixRates | undefined
  /** Clients whose connections no limit of a prefix counts: those of networks with their own cap, and trusted ones. */
  #apart: PrefixLedger
  #total = 0
  #unknown = 0
  #uncounted = 0
  /** A gater's connections that have no address, and so no lease: they count in the total only. */
  nameless = 0
  readonly #open = new HeldLease(undefined, undefined, 0) // a ring, begins and ends here

  constructor ({ limits, trust, capacity, pinned }: ConnectionCoreInit) {
    this.trust = trust
    this.#capacity = capacity
    this.#pinned = pinned
    this.#limits = limits
    this.#prefixes = this.#makePrefixes(limits)
    this.#apart = this.#makeApart(limits)
    this.#networks = networkCaps(limits.networks)
    this.#rates = this.#makeRates(limits)
  }

  get limits (): ParsedLimits {
    return this.#limits
  }

  /** Open connections, of whatever standing, of all who share this. */
  get total (): number {
    return this.#total + this.nameless
  }

  /**
   * @param rates - instead of the configured connect rate; give `take` the same
   * @returns why not, or undefined; counts nothing
   */
  check (remote: Remote, now: number, rates = this.#rates): Denied | undefined {
    const denied = this.#checkPlaces(remote)
    if (denied != null || remote == null || rates == null || this.isFree(remote)) return denied

    return this.#checkRate(rates, remote, now)
  }

  /** Takes a place at every level, and of every rate, whatever the limits say. */
  take (remote: Remote, now: number, rates = this.#rates): Lease {
    const lease = this.hold(remote, now)

    if (remote != null && rates != null && !isFree(this.#standing(remote))) rates.take(remote, now)
    return lease
  }

  /** Takes a place at every level and of no rate, whatever the limits say: it is we who connected. */
  hold (remote: Remote, now: number): Lease {
    const lease = new HeldLease(this, remote, now)

    this.#place(lease)
    lease.previous = this.#open.previous
    lease.next = this.#open
    this.#open.previous.next = lease
    this.#open.previous = lease
    this.#total++
    return lease
  }

  /** Whether rates, pending caps and risk leave this remote alone: it is trusted, or in a network whose cap is `Infinity`. */
  isFree (remote: Remote): boolean {
    return remote != null && isFree(this.#standing(remote))
  }

  /** What he holds stays, and he hears of lost trust, for as long as somebody else keeps him. */
  join (sharer: Sharer): void {
    this.#sharers.add(new WeakRef(sharer))
  }

  /** Whether what is known of a prefix must stay: it has connections, or its client has a score or a ban. */
  isPinned (ip: Ip, length: number, now: number): boolean {
    if (this.#prefixes.isLive(ip, length) || this.#apart.isLive(ip, length)) return true
    return length === CLIENT_PREFIX_LENGTH[ip.family] && (this.#pinned?.(ip, now) === true || this.#isHeld(ip))
  }

  numOpen (remote: Remote): number {
    if (remote == null) return this.#unknown
    const counted = this.#prefixes.count(remote) + this.#apart.count(remote)
    if (this.#uncounted === 0) return counted

    // Rare, and the only way to tell who is who behind a coarser key.
    const key = formatPrefix(remote, CLIENT_PREFIX_LENGTH[remote.family])
    return counted + this.leases().filter(lease => lease.isUncounted && lease.key === key).length
  }

  /** Oldest first. */
  leases (): HeldLease[] {
    const all: HeldLease[] = []
    for (let lease = this.#open.next; lease !== this.#open; lease = lease.next) all.push(lease)
    return all
  }

  /** Every prefix that has connections, at every level. */
  prefixes (): Record<string, number> {
    return this.#prefixes.snapshot()
  }

  networks (): Record<string, { open: number, limit: number }> {
    return Object.fromEntries(this.#networks.list().map(({ text, count, limit }) => [text, { open: count, limit }]))
  }

  get rateEntries (): number {
    return this.#rates?.size ?? 0
  }

  /** What is open stays open, and is counted as if it had been admitted under the new limits. */
  setLimits (limits: ParsedLimits, now: number): void {
    const leases = this.leases()
    for (const lease of leases) this.#displace(lease)

    this.#limits = limits
    this.#prefixes = this.#makePrefixes(limits)
    this.#apart = this.#makeApart(limits)
    this.#networks = networkCaps(limits.networks)
    for (const lease of leases) this.#place(lease)

    if (limits.rates != null && this.#rates != null) this.#rates.setRates(limits.rates, now)
    else this.#rates = this.#makeRates(limits)
  }

  /** @returns whether it was not trusted before @throws {@link InvalidAddressError} */
  addTrust (range: string): boolean {
    const isNew = this.trust.add(range)
    if (isNew) this.#recount()
    return isNew
  }

  /** @returns whether it was trusted before @throws {@link InvalidAddressError} */
  dropTrust (range: string): boolean {
    if (!this.trust.delete(range)) return false

    this.#recount()
    for (const ref of this.#sharers) ref.deref()?.trustLost()
    return true
  }

  /**
   * Who would find no place if all that are open came again, oldest first; rates are not asked. Changes nothing: they stay open, and counted,
   * until they are released.
   */
  excess (): HeldLease[] {
    const leases = this.leases()
    for (const lease of leases) this.#displace(lease)
    this.#total = 0

    const excess = leases.filter(lease => {
      if (this.#checkPlaces(lease.ip) != null) return true
      this.#place(lease)
      this.#total++
      return false
    })

    for (const lease of excess) this.#place(lease)
    this.#total = leases.length
    return excess
  }

  /** Called by a lease, once. */
  release (lease: HeldLease): void {
    lease.previous.next = lease.next
    lease.next.previous = lease.previous
    // a dead lease in the old generation would keep its neighbour alive, and that one its own, until the next full collection
    lease.next = lease.previous = lease
    this.#total--
    this.#displace(lease)
  }

  /** Counts everybody anew after the trust list changed. */
  #recount (): void {
    const leases = this.leases()
    for (const lease of leases) this.#displace(lease)
    for (const lease of leases) this.#place(lease)
  }

  #isHeld (ip: Ip): boolean {
    for (const ref of this.#sharers) {
      const sharer = ref.deref()
      if (sharer == null) this.#sharers.delete(ref)
      else if (sharer.isHeld(ip)) return true
    }
    return false
  }

  #standing (ip: Ip): Standing {
    if (this.trust.has(ip)) return TRUSTED
    const cap = this.#networks.find(ip)
    return cap == null ? PREFIXES : { kind: 'network', cap }
  }

  #checkPlaces (remote: Remote): Denied | undefined {
    if (remote == null) return this.#checkUnknown()
    const standing = this.#standing(remote)

    if (standing.kind === 'trusted') return undefined
    return (standing.kind === 'network' ? checkNetwork(standing.cap) : this.#checkPrefixes(remote)) ?? this.#checkTotal()
  }

  #checkUnknown (): Denied | undefined {
    const { unknown, maxUnknown } = this.#limits
    if (unknown === 'deny') return deny({ action: 'close', reason: 'unknown-address', key: UNKNOWN_KEY })
    if (this.#unknown < maxUnknown) return this.#checkTotal()
    return deny({ action: 'close', reason: 'connection-limit', limit: maxUnknown, key: UNKNOWN_KEY })
  }

  #checkPrefixes (ip: Ip): Denied | undefined {
    const shortage = this.#prefixes.check(ip)
    if (shortage == null) return undefined

    const { length, limit, overflow } = shortage
    if (!overflow) return denyPrefix('close', 'connection-limit', ip, length, limit)
    if (length === 0) return deny({ action: 'close', reason: 'overflow-limit', limit, key: OVERFLOW_KEY })
    return denyPrefix('close', 'overflow-limit', ip, length, limit)
  }

  #checkTotal (): Denied | undefined {
    const { maxConns } = this.#limits
    return this.total < maxConns ? undefined : deny({ action: 'close', reason: 'total-limit', limit: maxConns })
  }

  /** Last, because it alone may forget somebody to make room. */
  #checkRate (rates: PrefixRates, ip: Ip, now: number): Denied | undefined {
    const shortage = rates.check(ip, now)
    if (shortage == null) return undefined

    const { length, limit, wait, overflow } = shortage
    return denyPrefix('close', overflow ? 'overflow-limit' : 'connect-rate', ip, length, limit, wait)
  }

  #place (lease: HeldLease): void {
    const { ip } = lease
    if (ip == null) {
      this.#unknown++
      return
    }

    const standing = this.#standing(ip)
    lease.isApart = standing.kind !== 'prefixes'
    const counts = lease.isApart ? this.#apart : this.#prefixes
    lease.places = counts.take(ip)
    lease.isUncounted = counts.isUncounted(ip, lease.places)
    lease.cap = standing.kind === 'network' ? standing.cap : undefined

    if (lease.cap != null) lease.cap.count++
    if (lease.isUncounted) this.#uncounted++
  }

  #displace (lease: HeldLease): void {
    const { ip, places, cap } = lease
    if (ip == null) {
      this.#unknown--
    } else {
      (lease.isApart ? this.#apart : this.#prefixes).release(ip, places)
      if (cap != null) cap.count--
    }

    if (lease.isUncounted) this.#uncounted--
    lease.isApart = false
    lease.isUncounted = false
    lease.cap = undefined
  }

  #makePrefixes ({ ipv4, ipv6, maxConns, rates }: ParsedLimits): PrefixLedger {
    // "One shared bucket with a quarter of the total cap."
    return this.#makeLedger({ ipv4, ipv6 }, rates, Math.ceil(maxConns / 4))
  }

  #makeApart ({ rates }: ParsedLimits): PrefixLedger {
    return this.#makeLedger({ ipv4: NO_LIMITS, ipv6: NO_LIMITS }, rates, Infinity)
  }

  /** A prefix with a rate is counted, too: what is known of the rate must stay as long as it has connections. */
  #makeLedger ({ ipv4, ipv6 }: Pick<ParsedLimits, 'ipv4' | 'ipv6'>, rates: ParsedLimits['rates'], sharedLimit: number): PrefixLedger {
    return new PrefixLedger({ ipv4: withCounts(ipv4, rates?.ipv4), ipv6: withCounts(ipv6, rates?.ipv6), capacity: this.#capacity, sharedLimit })
  }

  #makeRates ({ rates }: ParsedLimits): PrefixRates | undefined {
    if (rates == null) return undefined
    return new PrefixRates({ ...rates, capacity: this.#capacity, pinned: (ip, length, now) => this.isPinned(ip, length, now) })
  }
}

/** The lengths of the rates as well, at no limit. */
function withCounts (limits: LevelLimits, rates: LevelRates | undefined): LevelLimits {
  return rates == null ? limits : new Map([...[...rates.keys()].map(length => [length, Infinity] as const), ...limits])
}

/** Trusted remotes and those of unlimited networks. */
function isFree (standing: Standing): boolean {
  return standing.kind === 'trusted' || (standing.kind === 'network' && standing.cap.limit === Infinity)
}

function checkNetwork ({ count, limit, text }: NetworkCap): Denied | undefined {
  return count < limit ? undefined : deny({ action: 'close', reason: 'network-limit', limit, key: text })
}
