import { formatCidr } from '../address/cidr.ts'
import { PrefixMap } from './prefix-map.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip } from '../address/ip.ts'

/** A range with a cap of its own, over all of its addresses together, instead of what each of them would have. */
export interface NetworkCap {
  readonly cidr: Cidr
  readonly text: string

  /** `Infinity` frees the range from rates, pending caps and risk, too. */
  readonly limit: number

  /** Connections that are open. */
  count: number
}

export interface NetworkCaps {
  /** The narrowest range that holds the address: it alone counts. */
  find (ip: Ip): NetworkCap | undefined
  list (): NetworkCap[]
}

export function networkCaps (networks: ReadonlyArray<readonly [Cidr, number]>): NetworkCaps {
  const caps = new PrefixMap<NetworkCap>()

  for (const [cidr, limit] of networks) {
    caps.set(cidr, { cidr, text: formatCidr(cidr), limit, count: 0 })
  }

  return {
    find: ip => caps.size === 0 ? undefined : caps.match(ip),
    list: () => caps.values()
  }
}
