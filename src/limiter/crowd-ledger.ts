import { CountTable } from './count-table.ts'
import type { Client } from '../address/client.ts'

/**
 * Where a connection is counted, as three numbers that fit into columns: a family, and two words of its narrow prefix, IPv4 /32 or
 * IPv6 /56. The wide prefix, IPv4 /24 or IPv6 /48, is a mask of them.
 */
export interface CrowdPlace {
  readonly family: CrowdFamily
  readonly high: number
  readonly low: number
}

/** 4 and 6 are addresses; 0 is a client without one, counted by relay or transport, whose name is kept under a number. */
export type CrowdFamily = 0 | 4 | 6

const IPV4_WIDE = 0xffffff00 | 0
const IPV6_WIDE = 0xffff0000 | 0
const IPV6_NARROW = 0xffffff00 | 0

/**
 * How many connections come from the same part of the network. The more there are from one, the less each is worth to a node that
 * wants many different neighbours.
 */
export class CrowdLedger {
  readonly #wide4 = new CountTable()
  readonly #narrow4 = new CountTable()
  readonly #wide6 = new CountTable()
  readonly #narrow6 = new CountTable()
  readonly #named = new CountTable()

  readonly #nameIds = new Map<string, number>()
  readonly #names: string[] = []
  readonly #freeNames: number[] = []

  /** Counts one more connection of this client, and says where for `leave`. */
  enter (client: Client): CrowdPlace {
    const place = this.#placeOf(client)

    switch (place.family) {
      case 4:
        this.#wide4.increment(0, place.low & IPV4_WIDE)
        this.#narrow4.increment(0, place.low)
        break
      case 6:
        this.#wide6.increment(place.high, place.low & IPV6_WIDE)
        this.#narrow6.increment(place.high, place.low)
        break
      case 0:
        this.#named.increment(0, place.low)
    }

    return place
  }

  leave (family: CrowdFamily, high: number, low: number): void {
    switch (family) {
      case 4:
        this.#wide4.decrement(0, low & IPV4_WIDE)
        this.#narrow4.decrement(0, low)
        break
      case 6:
        this.#wide6.decrement(high, low & IPV6_WIDE)
        this.#narrow6.decrement(high, low)
        break
      case 0:
        this.#named.decrement(0, low)
        if (this.#named.get(0, low) === 0) this.#dropName(low)
    }
  }

  /** Connections from the same IPv4 /24, IPv6 /48, relay or transport. */
  wide (family: CrowdFamily, high: number, low: number): number {
    if (family === 4) return this.#wide4.get(0, low & IPV4_WIDE)
    if (family === 6) return this.#wide6.get(high, low & IPV6_WIDE)

    return this.#named.get(0, low)
  }

  /** Connections from the same IPv4 /32, IPv6 /56, relay or transport. */
  narrow (family: CrowdFamily, high: number, low: number): number {
    if (family === 4) return this.#narrow4.get(0, low)
    if (family === 6) return this.#narrow6.get(high, low)

    return this.#named.get(0, low)
  }

  /** Where this client's connections are counted, without counting one. Undefined for a relay or transport that has none. */
  find (client: Client): CrowdPlace | undefined {
    return client.kind === 'ip' || this.#nameIds.has(nameOf(client)) ? this.#placeOf(client) : undefined
  }

  /** Prefixes, relays and transports that are counted now. */
  get size (): number {
    return this.#wide4.size + this.#narrow4.size + this.#wide6.size + this.#narrow6.size + this.#named.size
  }

  #placeOf (client: Client): CrowdPlace {
    if (client.kind !== 'ip') return { family: 0, high: 0, low: this.#nameId(nameOf(client)) }

    const { ip } = client

    return ip.family === 4
      ? { family: 4, high: 0, low: ip.bits | 0 }
      : { family: 6, high: ip.a | 0, low: ip.b & IPV6_NARROW }
  }

  #nameId (name: string): number {
    const known = this.#nameIds.get(name)
    if (known != null) return known

    const id = this.#freeNames.pop() ?? this.#names.length
    this.#names[id] = name
    this.#nameIds.set(name, id)
    return id
  }

  #dropName (id: number): void {
    this.#nameIds.delete(this.#names[id]!)
    this.#names[id] = ''
    this.#freeNames.push(id)
  }
}

function nameOf (client: Exclude<Client, { kind: 'ip' }>): string {
  return client.kind === 'relay' ? `relay:${client.relay}` : `transport:${client.transport}`
}
