import { extend, WordIndex } from './word-index.ts'
import type { Client, IpClient } from '../address/client-key.ts'

/**
 * The number of a client's group: its IPv4 /32 or IPv6 /56, its relay, or its transport. Valid while the group has members.
 */
export type Crowd = number

/** Nobody of this client is here. */
export const NO_CROWD: Crowd = -1

/** Three tables give their slots to one column, so a crowd is a slot and which table it is of. */
const KIND_BITS = 2
const KIND_MASK = 3
const IPV4 = 0
const IPV6 = 1
const NAMED = 2

const IPV4_WIDE = 0xffffff00 | 0
const IPV6_WIDE = 0xffff0000 | 0
const IPV6_NARROW = 0xffffff00 | 0

/**
 * How many connections come from the same part of the network. The more there are from one, the less each is worth to a node that
 * wants many different neighbours.
 *
 * A connection keeps its crowd's number, and with it finds the counts without hashing anything again: a trim asks for each of thousands.
 * Bounded by the connections that are counted.
 */
export class CrowdLedger {
  readonly #ipv4 = new Surroundings(1, IPV4_WIDE)
  readonly #ipv6 = new Surroundings(2, IPV6_WIDE)

  readonly #nameIds = new Map<string, number>()
  readonly #names: string[] = []
  readonly #freeNames: number[] = []
  readonly #named = new Groups(1)

  /** Prefixes, relays and transports that are counted now. */
  get size (): number {
    return this.#ipv4.size + this.#ipv6.size + this.#named.size
  }

  /** Counts one more connection of this client. @returns what to tell `leave` */
  enter (client: Client): Crowd {
    if (client.kind !== 'ip') return this.#named.enter(this.#nameId(nameOf(client)), 0) << KIND_BITS | NAMED

    return client.ip.family === 4
      ? this.#ipv4.enter(client.ip.bits | 0, 0) << KIND_BITS | IPV4
      : this.#ipv6.enter(client.ip.a | 0, client.ip.b & IPV6_NARROW) << KIND_BITS | IPV6
  }

  leave (crowd: Crowd): void {
    const slot = crowd >> KIND_BITS
    const kind = crowd & KIND_MASK

    if (kind === IPV4) this.#ipv4.leave(slot)
    else if (kind === IPV6) this.#ipv6.leave(slot)
    else this.#leaveNamed(slot)
  }

  /** Where this client's connections are counted, if there are any. */
  find (client: Client): Crowd {
    if (client.kind !== 'ip') {
      const id = this.#nameIds.get(nameOf(client))
      return id == null ? NO_CROWD : numbered(this.#named.find(id, 0), NAMED)
    }

    return client.ip.family === 4
      ? numbered(this.#ipv4.narrow.find(client.ip.bits | 0, 0), IPV4)
      : numbered(this.#ipv6.narrow.find(client.ip.a | 0, client.ip.b & IPV6_NARROW), IPV6)
  }

  /** Connections from the same IPv4 /32 or IPv6 /56, relay or transport. */
  narrow (crowd: Crowd): number {
    if (crowd === NO_CROWD) return 0

    return this.#groupsOf(crowd & KIND_MASK).members(crowd >> KIND_BITS)
  }

  /** Connections from the same IPv4 /24 or IPv6 /48; of the same relay or transport. */
  wide (crowd: Crowd): number {
    if (crowd === NO_CROWD) return 0

    const slot = crowd >> KIND_BITS
    const kind = crowd & KIND_MASK
    if (kind === IPV4) return this.#ipv4.wideMembers(slot)

    return kind === IPV6 ? this.#ipv6.wideMembers(slot) : this.#named.members(slot)
  }

  /** How many are around a client of whom nobody may be here yet: from the same narrow and the same wide prefix. */
  around (client: Client): { narrow: number, wide: number } {
    const crowd = this.find(client)
    const narrow = this.narrow(crowd)

    if (client.kind !== 'ip') return { narrow, wide: narrow }
    return { narrow, wide: client.ip.family === 4 ? this.#ipv4.wideAround(client.ip.bits | 0, 0) : this.#ipv6.wideAround(client.ip.a | 0, client.ip.b & IPV6_NARROW) }
  }

  #groupsOf (kind: number): Groups {
    if (kind === IPV4) return this.#ipv4.narrow

    return kind === IPV6 ? this.#ipv6.narrow : this.#named
  }

  #nameId (name: string): number {
    const known = this.#nameIds.get(name)
    if (known != null) return known

    const id = this.#freeNames.pop() ?? this.#names.length
    this.#names[id] = name
    this.#nameIds.set(name, id)
    return id
  }

  #leaveNamed (slot: number): void {
    const id = this.#named.high(slot)
    if (!this.#named.leave(slot)) return

    this.#nameIds.delete(this.#names[id]!)
    this.#names[id] = ''
    this.#freeNames.push(id)
  }
}

/** The narrow prefixes of one family, and the wide one around each. */
class Surroundings {
  readonly narrow: Groups
  readonly #wide: Groups
  readonly #words: 1 | 2
  readonly #wideMask: number
  #wideOf = new Int32Array(0)

  /** @param wideMask - what a wide prefix keeps of the last word of a narrow one */
  constructor (words: 1 | 2, wideMask: number) {
    this.narrow = new Groups(words)
    this.#wide = new Groups(words)
    this.#words = words
    this.#wideMask = wideMask
  }

  get size (): number {
    return this.narrow.size + this.#wide.size
  }

  enter (high: number, low: number): number {
    const slot = this.narrow.enter(high, low)
    if (slot >= this.#wideOf.length) this.#wideOf = extend(this.#wideOf, this.narrow.slots, Int32Array)

    const [wideHigh, wideLow] = this.#widened(high, low)
    this.#wideOf[slot] = this.#wide.enter(wideHigh, wideLow)
    return slot
  }

  leave (slot: number): void {
    this.#wide.leave(this.#wideOf[slot]!)
    this.narrow.leave(slot)
  }

  wideMembers (slot: number): number {
    return this.#wide.members(this.#wideOf[slot]!)
  }

  wideAround (high: number, low: number): number {
    const [wideHigh, wideLow] = this.#widened(high, low)
    const slot = this.#wide.find(wideHigh, wideLow)

    return slot === -1 ? 0 : this.#wide.members(slot)
  }

  #widened (high: number, low: number): [number, number] {
    return this.#words === 1 ? [high & this.#wideMask, 0] : [high, low & this.#wideMask]
  }
}

/** Numbers the keys that are in use, and counts the members of each. */
class Groups {
  readonly #index: WordIndex
  #members: Int32Array

  constructor (words: 1 | 2) {
    this.#index = new WordIndex(words, 2 ** 26)
    this.#members = new Int32Array(this.#index.slots)
  }

  get size (): number {
    return this.#index.size
  }

  get slots (): number {
    return this.#index.slots
  }

  find (high: number, low: number): number {
    return this.#index.find(high, low, 0, 0)
  }

  members (slot: number): number {
    return this.#members[slot]!
  }

  high (slot: number): number {
    return this.#index.word(slot, 0)
  }

  enter (high: number, low: number): number {
    let slot = this.#index.find(high, low, 0, 0)

    if (slot === -1) {
      slot = this.#index.insert(high, low, 0, 0)
      if (slot >= this.#members.length) this.#members = extend(this.#members, this.#index.slots, Int32Array)
      this.#members[slot] = 0
    }

    this.#members[slot]! += 1
    return slot
  }

  /** @returns whether it was the last one */
  leave (slot: number): boolean {
    this.#members[slot]! -= 1
    if (this.#members[slot] !== 0) return false

    this.#index.remove(slot)
    return true
  }
}

function numbered (slot: number, kind: number): Crowd {
  return slot === -1 ? NO_CROWD : slot << KIND_BITS | kind
}

function nameOf (client: Exclude<Client, IpClient>): string {
  return client.kind === 'relay' ? `relay:${client.relay}` : `transport:${client.transport}`
}
