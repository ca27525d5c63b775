import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { denyPrefix } from './denial.ts'
import { HeldLease } from './held-lease.ts'
import { LeaseRing } from './lease-ring.ts'
import { Places } from './places.ts'
import { PrefixRates } from './prefix-rates.ts'
import { Sharers } from './sharers.ts'
import type { Ip } from '../address/ip.ts'
import type { ParsedLimits } from './connection-config.ts'
import type { Lease } from './lease.ts'
import type { Remote } from './remote.ts'
import type { Sharer } from './sharers.ts'
import type { TrustList } from './trust-list.ts'
import type { Denied } from './verdict.ts'

export interface ConnectionCoreInit {
  readonly limits: ParsedLimits
  readonly trust: TrustList
  readonly capacity: number

  /** Whether a client has a score or a ban, so that what is known of its rate must stay. */
  readonly pinned?: (ip: Ip, now: number) => boolean
}

/**
 * What `connectionLimiter`, `securityGate` and the gater share: who has how many connections and may have one more. It knows no clock and
 * no sockets. `check` everything first and then `take`, in one turn of the event loop, and a denial spends nothing anywhere.
 */
export class ConnectionCore {
  readonly trust: TrustList
  readonly #capacity: number
  readonly #pinned: ((ip: Ip, now: number) => boolean) | undefined
  readonly #sharers = new Sharers()
  readonly #open = new LeaseRing()
  #limits: ParsedLimits
  #places: Places
  #rates: PrefixRates | undefined
  #total = 0
  /** A gater's connections that have no address, and so no lease: they count in the total only. */
  nameless = 0

  constructor ({ limits, trust, capacity, pinned }: ConnectionCoreInit) {
    this.trust = trust
    this.#capacity = capacity
    this.#pinned = pinned
    this.#limits = limits
    this.#places = new Places(limits, trust, capacity)
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
    const denied = this.#places.check(remote, this.total)
    if (denied != null || remote == null || rates == null || this.isFree(remote)) return denied

    return checkRate(rates, remote, now)
  }

  /** Takes a place at every level, and of every rate, whatever the limits say. */
  take (remote: Remote, now: number, rates = this.#rates): Lease {
    const lease = this.hold(remote, now)

    if (remote != null && rates != null && !this.isFree(remote)) rates.take(remote, now)
    return lease
  }

  /** Takes a place at every level and of no rate, whatever the limits say: it is we who connected. */
  hold (remote: Remote, now: number): Lease {
    const lease = new HeldLease(this, remote, now)

    this.#places.take(lease)
    this.#open.add(lease)
    this.#total++
    return lease
  }

  /** Whether rates, pending caps and risk leave this remote alone: it is trusted, or in a network whose cap is `Infinity`. */
  isFree (remote: Remote): boolean {
    return remote != null && this.#places.isFree(remote)
  }

  /** What he holds stays, and he hears of lost trust, for as long as somebody else keeps him. */
  join (sharer: Sharer): void {
    this.#sharers.add(sharer)
  }

  /** Whether what is known of a prefix must stay: it has connections, or its client has a score or a ban. */
  isPinned (ip: Ip, length: number, now: number): boolean {
    if (this.#places.isLive(ip, length)) return true
    return length === CLIENT_PREFIX_LENGTH[ip.family] && (this.#pinned?.(ip, now) === true || this.#sharers.isHeld(ip))
  }

  numOpen (remote: Remote): number {
    const counted = this.#places.count(remote)
    if (remote == null || !this.#places.hasUncounted) return counted

    // Rare, and the only way to tell who is who behind a coarser key.
    const key = formatPrefix(remote, CLIENT_PREFIX_LENGTH[remote.family])
    return counted + this.leases().filter(lease => lease.isUncounted && lease.key === key).length
  }

  /** Oldest first. */
  leases (): HeldLease[] {
    return this.#open.all()
  }

  /** Every prefix that has connections, at every level. */
  prefixes (): Record<string, number> {
    return this.#places.prefixes()
  }

  networks (): Record<string, { open: number, limit: number }> {
    return this.#places.networks()
  }

  get rateEntries (): number {
    return this.#rates?.size ?? 0
  }

  /** What is open stays open, and is counted as if it had been admitted under the new limits. */
  setLimits (limits: ParsedLimits, now: number): void {
    this.#limits = limits
    this.#places = this.#emptyPlaces()
    for (const lease of this.leases()) this.#places.take(lease)

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
    this.#sharers.trustLost()
    return true
  }

  /**
   * Who would find no place if all that are open came again, oldest first; rates are not asked. Changes nothing: they stay open, and counted,
   * until they are released.
   */
  excess (): HeldLease[] {
    const places = this.#places = this.#emptyPlaces()
    let total = 0

    const excess = this.leases().filter(lease => {
      if (places.check(lease.ip, this.nameless + total) != null) return true
      places.take(lease)
      total++
      return false
    })

    for (const lease of excess) places.take(lease)
    return excess
  }

  /** Called by a lease, once. */
  release (lease: HeldLease): void {
    this.#open.delete(lease)
    this.#places.release(lease)
    this.#total--
  }

  /** Counts everybody anew after the trust list changed. */
  #recount (): void {
    const leases = this.leases()
    for (const lease of leases) this.#places.release(lease)
    for (const lease of leases) this.#places.take(lease)
  }

  #emptyPlaces (): Places {
    return new Places(this.#limits, this.trust, this.#capacity)
  }

  #makeRates ({ rates }: ParsedLimits): PrefixRates | undefined {
    if (rates == null) return undefined
    return new PrefixRates({ ...rates, capacity: this.#capacity, pinned: (ip, length, now) => this.isPinned(ip, length, now) })
  }
}

/** Last, because it alone may forget somebody to make room. */
function checkRate (rates: PrefixRates, ip: Ip, now: number): Denied | undefined {
  const shortage = rates.check(ip, now)
  if (shortage == null) return undefined

  const { length, limit, wait, overflow } = shortage
  return denyPrefix('close', overflow ? 'overflow-limit' : 'connect-rate', ip, length, limit, wait)
}
