import { ProtocolQuotas } from './protocol-quotas.ts'
import type { StreamGateConfig, StreamGateLimits } from './contract.ts'
import type { Direction, ProtocolPlaces } from './protocol-places.ts'
import type { Shortage } from './shortage.ts'
import type { Clock } from '../clock/clock.ts'
import type { PeerId } from '@libp2p/interface'

/** What holds once a stream's protocol is known: places on the node, rates of the peer. Each direction has its own. */
export class ProtocolLimits {
  readonly #places: ProtocolPlaces
  readonly #quotas: Readonly<Record<Direction, ProtocolQuotas>>
  #both: boolean

  constructor (config: StreamGateConfig, places: ProtocolPlaces, capacity: number, clock: Clock) {
    this.#places = places
    this.#quotas = { inbound: new ProtocolQuotas(config, capacity, clock), outbound: new ProtocolQuotas(config, capacity, clock) }
    this.#both = config.directions === 'both'
  }

  get entries (): number {
    return this.#quotas.inbound.entries + this.#quotas.outbound.entries
  }

  isLimited (direction: Direction): boolean {
    return direction === 'inbound' || this.#both
  }

  /**
   * Asks every limit, then takes from every rate. The place is the ledger's to take.
   *
   * @param isLife - whether it is more than the upkeep of a connection
   * @returns why not; nothing is spent then
   */
  ask (peer: PeerId, protocol: string, direction: Direction, isLife: boolean): Shortage | undefined {
    if (!this.isLimited(direction)) return undefined

    const full = this.#places.check(protocol, direction)
    const quotas = this.#quotas[direction]
    if (full != null || quotas.isFree) return full

    const key = peer.toString()
    // js-libp2p gives up a connection that it may not ping
    const isOfPeer = isLife || direction === 'inbound'
    const shortage = quotas.check(key, protocol, isOfPeer)
    if (shortage == null) quotas.take(key, protocol, isOfPeer)
    return shortage
  }

  set (config: StreamGateConfig, { protocolRates, peerRate }: StreamGateLimits): void {
    this.#both = config.directions === 'both'
    if (protocolRates === undefined && peerRate === undefined) return

    this.#quotas.inbound.set(config)
    this.#quotas.outbound.set(config)
  }
}
