import { formatCidr, parseCidr } from '../address/cidr.ts'
import { checkArray } from './options.ts'
import { PrefixMap } from './prefix-map.ts'
import type { Ip } from '../address/ip.ts'

/** Addresses and subnets that no cap, rate or ban holds back. They are still counted in totals. */
export interface TrustList {
  readonly size: number

  /** @returns whether it was not in @throws {@link InvalidAddressError} */
  add (range: string): boolean

  /** @returns whether it was in @throws {@link InvalidAddressError} */
  delete (range: string): boolean

  has (ip: Ip): boolean

  /** As CIDRs, in no particular order. */
  list (): string[]
}

/** @throws {@link InvalidOptionError} for what is no array, and {@link InvalidAddressError} */
export function trustList (ranges: readonly string[] = []): TrustList {
  checkArray('trust', ranges, 'addresses and CIDRs')
  const trusted = new PrefixMap<string>()

  function add (range: string): boolean {
    const cidr = parseCidr(range)
    if (trusted.get(cidr) != null) return false

    trusted.set(cidr, formatCidr(cidr))
    return true
  }

  ranges.forEach(add)

  return {
    get size () { return trusted.size },
    add,
    delete: range => trusted.delete(parseCidr(range)),
    has: ip => trusted.size > 0 && trusted.match(ip) != null,
    list: () => trusted.values()
  }
}
