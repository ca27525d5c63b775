import { BITS } from '../address/ip.ts'
import { prefixKey } from '../address/prefix.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip } from '../address/ip.ts'
import type { PrefixKey } from '../address/prefix.ts'

interface Level<V> {
  readonly length: number
  readonly values: Map<PrefixKey, V>
}

/**
 * Values for ranges of addresses, of which the narrowest wins: a Map for each prefix length in use. For the tens to thousands of rules an
 * operator writes and the bans of the day; lists of a million are `RangeTable`'s.
 */
export class PrefixMap<V> {
  /** Longest prefix first. */
  readonly #levels: Record<4 | 6, Array<Level<V>>> = { 4: [], 6: [] }
  #size = 0

  get size (): number {
    return this.#size
  }

  get (cidr: Cidr): V | undefined {
    return this.#level(cidr)?.values.get(prefixKey(cidr.ip, cidr.length))
  }

  set (cidr: Cidr, value: V): void {
    const { values } = this.#level(cidr) ?? this.#addLevel(cidr)
    const before = values.size

    values.set(prefixKey(cidr.ip, cidr.length), value)
    this.#size += values.size - before
  }

  delete (cidr: Cidr): boolean {
    const levels = this.#levels[cidr.ip.family]
    const level = this.#level(cidr)
    if (level == null || !level.values.delete(prefixKey(cidr.ip, cidr.length))) return false

    this.#size--
    // A look-up pays for each level.
    if (level.values.size === 0) levels.splice(levels.indexOf(level), 1)
    return true
  }

  /** The value of the narrowest range that holds the address and passes `accepts`. */
  match (ip: Ip, accepts?: (value: V, length: number) => boolean): V | undefined {
    for (const { length, values } of this.#levels[ip.family]) {
      const value = values.get(prefixKey(ip, length))
      if (value !== undefined && (accepts == null || accepts(value, length))) return value
    }

    return undefined
  }

  forEach (visit: (value: V) => void): void {
    for (const levels of [this.#levels[4], this.#levels[6]]) {
      // Visitors may delete what they are shown, and with it a level.
      for (const { values } of [...levels]) values.forEach(value => { visit(value) })
    }
  }

  values (): V[] {
    const all: V[] = []
    this.forEach(value => { all.push(value) })
    return all
  }

  #level ({ ip, length }: Cidr): Level<V> | undefined {
    return this.#levels[ip.family].find(level => level.length === length)
  }

  #addLevel ({ ip, length }: Cidr): Level<V> {
    const level = { length, values: new Map<PrefixKey, V>() }

    this.#levels[ip.family].push(level)
    this.#levels[ip.family].sort((a, b) => b.length - a.length)
    return level
  }
}

/** One address as a range. */
export function hostRange (ip: Ip): Cidr {
  return { ip, length: BITS[ip.family] }
}
