import { NO_GROUP, PrefixGroups } from './prefix-groups.ts'
import type { Client, IpClient } from '../address/client-key.ts'

/**
 * The number of a client's group: its IPv4 /32 or IPv6 /56, its relay, or its transport. Valid while the group has members.
 */
export type Crowd = number

/** Nobody of this client is here. */
export const NO_CROWD: Crowd = NO_GROUP

const NAMED = 0
const IPV4_WIDE = 0xffffff00 | 0
const IPV6_WIDE = 0xffff0000 | 0
const IPV6_NARROW = 0xffffff00 | 0

/**
 * How many connections come from the same part of the network. The more there are from one, the less each is worth to a node that
 * wants many different neighbours.
 */
export class CrowdLedger {
  readonly #narrow = new PrefixGroups()
  readonly #wide = new PrefixGroups()

  /** From a narrow group to its wide one; `NO_GROUP` for a client without an IP, which has no wider surroundings. */
  #wideOf = new Int32Array(16)

  readonly #nameIds = new Map<string, number>()
  readonly #names = new Map<Crowd, string>()
  #nextNameId = 0

  /** Prefixes, relays and transports that are counted now. */
  get size (): number {
    return this.#narrow.size + this.#wide.size
  }

  /** Counts one more connection of this client. @returns what to tell `leave` */
  enter (client: Client): Crowd {
    return client.kind === 'ip' ? this.#enterIp(client) : this.#enterName(nameOf(client))
  }

  leave (crowd: Crowd): void {
    const wide = this.#wideOf[crowd]!
    if (wide !== NO_GROUP) this.#wide.leave(wide)

    const isLast = this.#narrow.leave(crowd)

    if (isLast && wide === NO_GROUP) {
      this.#nameIds.delete(this.#names.get(crowd)!)
      this.#names.delete(crowd)
    }
  }

  /** Where this client's connections are counted, if there are any. */
  find (client: Client): Crowd {
    if (client.kind === 'ip') return this.#narrow.find(client.ip.family, highOf(client), lowOf(client))

    const id = this.#nameIds.get(nameOf(client))
    return id == null ? NO_CROWD : this.#narrow.find(NAMED, 0, id)
  }

  /** Connections from the same IPv4 /32 or IPv6 /56, relay or transport. */
  narrow (crowd: Crowd): number {
    return crowd === NO_CROWD ? 0 : this.#narrow.members(crowd)
  }

  /** Connections from the same IPv4 /24 or IPv6 /48; of the same relay or transport. */
  wide (crowd: Crowd): number {
    if (crowd === NO_CROWD) return 0

    const wide = this.#wideOf[crowd]!
    return wide === NO_GROUP ? this.#narrow.members(crowd) : this.#wide.members(wide)
  }

  #enterIp (client: IpClient): Crowd {
    const { family } = client.ip
    const [high, low] = [highOf(client), lowOf(client)]
    const crowd = this.#narrow.enter(family, high, low)

    this.#setWide(crowd, this.#wide.enter(family, high, low & (family === 4 ? IPV4_WIDE : IPV6_WIDE)))
    return crowd
  }

  #enterName (name: string): Crowd {
    let id = this.#nameIds.get(name)
    if (id == null) this.#nameIds.set(name, id = this.#nextNameId++ | 0)

    const crowd = this.#narrow.enter(NAMED, 0, id)
    this.#names.set(crowd, name)
    this.#setWide(crowd, NO_GROUP)
    return crowd
  }

  #setWide (crowd: Crowd, wide: number): void {
    if (crowd >= this.#wideOf.length) {
      const wider = new Int32Array(Math.ceil((crowd + 1) * 1.25))
      wider.set(this.#wideOf)
      this.#wideOf = wider
    }

    this.#wideOf[crowd] = wide
  }
}

function highOf ({ ip }: IpClient): number {
  return ip.family === 4 ? 0 : ip.a | 0
}

function lowOf ({ ip }: IpClient): number {
  return ip.family === 4 ? ip.bits | 0 : ip.b & IPV6_NARROW
}

function nameOf (client: Exclude<Client, IpClient>): string {
  return client.kind === 'relay' ? `relay:${client.relay}` : `transport:${client.transport}`
}
