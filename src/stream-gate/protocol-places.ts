import { ProtocolRules } from './protocol-rules.ts'
import type { Shortage } from './shortage.ts'

export type Direction = 'inbound' | 'outbound'

/** The streams that are open under one name of `maxStreamsPerProtocol`. */
export interface Places {
  readonly name: string
  readonly limit: number
  inbound: number
  outbound: number
}

/** Nothing is ever forgotten for a full node: it is over in as long as somebody's stream is open. */
const NO_WINDOW = 0

/** How many streams of a protocol are open on the node. The names are the operator's, so there are as many counts as these. */
export class ProtocolPlaces {
  #rules = new ProtocolRules<Places>()

  constructor (limits: Readonly<Record<string, number>>) {
    this.set(limits)
  }

  /** All counts begin at zero: their owner takes again what is open. */
  set (limits: Readonly<Record<string, number>>): void {
    this.#rules = new ProtocolRules(Object.entries(limits).map(([name, limit]) => [name, { name, limit, inbound: 0, outbound: 0 }]))
  }

  check (protocol: string, direction: Direction): Shortage | undefined {
    const places = this.#rules.match(protocol)
    if (places == null || places[direction] < places.limit) return undefined

    return { reason: 'protocol-streams', limit: places.limit, key: places.name, window: NO_WINDOW }
  }

  /** @returns where it is to be given back, once */
  take (protocol: string, direction: Direction): Places | undefined {
    const places = this.#rules.match(protocol)
    if (places != null) places[direction]++
    return places
  }

  giveBack (places: Places, direction: Direction): void {
    places[direction]--
  }

  inspect (): Record<string, { inbound: number, outbound: number }> {
    return Object.fromEntries(this.#rules.entries().map(([name, { inbound, outbound }]) => [name, { inbound, outbound }]))
  }
}
