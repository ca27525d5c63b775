import { deny, denyPrefix } from './denial.ts'
import { UNKNOWN_KEY } from './held-lease.ts'
import { networkCaps } from './network-caps.ts'
import { PrefixLedger } from './prefix-ledger.ts'
import type { Ip } from '../address/ip.ts'
import type { ParsedLimits } from './connection-config.ts'
import type { HeldLease } from './held-lease.ts'
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

/** The places under one set of limits: who may have one, and who has how many. What a lease took depends on who is trusted: where that changes, all take theirs anew. */
export class Places {
  readonly #limits: ParsedLimits
  readonly #trust: TrustList
  readonly #prefixes: PrefixLedger
  readonly #networks: NetworkCaps
  /** Clients whose connections no limit of a prefix counts: those of networks with their own cap, and trusted ones. */
  readonly #apart: PrefixLedger
  #unknown = 0
  #uncounted = 0

  constructor (limits: ParsedLimits, trust: TrustList, capacity: number) {
    const { ipv4, ipv6, maxConns, rates } = limits

    this.#limits = limits
    this.#trust = trust
    // "One shared bucket with a quarter of the total cap."
    this.#prefixes = makeLedger({ ipv4, ipv6 }, rates, Math.ceil(maxConns / 4), capacity)
    this.#apart = makeLedger({ ipv4: NO_LIMITS, ipv6: NO_LIMITS }, rates, Infinity, capacity)
    this.#networks = networkCaps(limits.networks)
  }

  /** Whether leases hold places that a coarser key counts: how many a client has can then only be counted one by one. */
  get hasUncounted (): boolean {
    return this.#uncounted > 0
  }

  /**
   * @param total - connections that are open, of whatever standing
   * @returns why there is no place, or undefined; takes none
   */
  check (remote: Remote, total: number): Denied | undefined {
    if (remote == null) return this.#checkUnknown() ?? this.#checkTotal(total)
    const standing = this.#standing(remote)

    if (standing.kind === 'trusted') return undefined
    return (standing.kind === 'network' ? checkNetwork(standing.cap) : this.#checkPrefixes(remote)) ?? this.#checkTotal(total)
  }

  /** Whatever the limits say. */
  take (lease: HeldLease): void {
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

  /** What a lease took here. */
  release ({ ip, places, cap, isApart, isUncounted }: HeldLease): void {
    if (ip == null) {
      this.#unknown--
      return
    }

    (isApart ? this.#apart : this.#prefixes).release(ip, places)
    if (cap != null) cap.count--
    if (isUncounted) this.#uncounted--
  }

  /** Trusted remotes and those of unlimited networks. */
  isFree (ip: Ip): boolean {
    const standing = this.#standing(ip)
    return standing.kind === 'trusted' || (standing.kind === 'network' && standing.cap.limit === Infinity)
  }

  /** Whether a prefix has connections. */
  isLive (ip: Ip, length: number): boolean {
    return this.#prefixes.isLive(ip, length) || this.#apart.isLive(ip, length)
  }

  /** Those that a coarser key counts are not among them. */
  count (remote: Remote): number {
    return remote == null ? this.#unknown : this.#prefixes.count(remote) + this.#apart.count(remote)
  }

  /** Every prefix that has connections, at every level. */
  prefixes (): Record<string, number> {
    return this.#prefixes.snapshot()
  }

  networks (): Record<string, { open: number, limit: number }> {
    return Object.fromEntries(this.#networks.list().map(({ text, count, limit }) => [text, { open: count, limit }]))
  }

  #standing (ip: Ip): Standing {
    if (this.#trust.has(ip)) return TRUSTED
    const cap = this.#networks.find(ip)
    return cap == null ? PREFIXES : { kind: 'network', cap }
  }

  #checkUnknown (): Denied | undefined {
    const { unknown, maxUnknown } = this.#limits

    if (unknown === 'deny') return deny({ action: 'close', reason: 'unknown-address', key: UNKNOWN_KEY })
    return this.#unknown < maxUnknown ? undefined : deny({ action: 'close', reason: 'connection-limit', limit: maxUnknown, key: UNKNOWN_KEY })
  }

  #checkPrefixes (ip: Ip): Denied | undefined {
    const shortage = this.#prefixes.check(ip)
    if (shortage == null) return undefined

    const { length, limit, overflow } = shortage
    if (!overflow) return denyPrefix('close', 'connection-limit', ip, length, limit)
    if (length === 0) return deny({ action: 'close', reason: 'overflow-limit', limit, key: OVERFLOW_KEY })
    return denyPrefix('close', 'overflow-limit', ip, length, limit)
  }

  #checkTotal (total: number): Denied | undefined {
    const { maxConns } = this.#limits
    return total < maxConns ? undefined : deny({ action: 'close', reason: 'total-limit', limit: maxConns })
  }
}

/** A prefix with a rate is counted, too: what is known of the rate must stay as long as it has connections. */
function makeLedger ({ ipv4, ipv6 }: Pick<ParsedLimits, 'ipv4' | 'ipv6'>, rates: ParsedLimits['rates'], sharedLimit: number, capacity: number): PrefixLedger {
  return new PrefixLedger({ ipv4: withCounts(ipv4, rates?.ipv4), ipv6: withCounts(ipv6, rates?.ipv6), capacity, sharedLimit })
}

/** The lengths of the rates as well, at no limit. */
function withCounts (limits: LevelLimits, rates: LevelRates | undefined): LevelLimits {
  return rates == null ? limits : new Map([...[...rates.keys()].map(length => [length, Infinity] as const), ...limits])
}

function checkNetwork ({ count, limit, text }: NetworkCap): Denied | undefined {
  return count < limit ? undefined : deny({ action: 'close', reason: 'network-limit', limit, key: text })
}
