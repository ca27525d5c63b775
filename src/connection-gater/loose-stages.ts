import { clientKey } from '../address/client-key.ts'
import { ALLOWED, deny } from '../limiter/denial.ts'
import { dialled, isInsecure, isLocalName, isPrivate, targetOf } from './dial-rules.ts'
import { outboundTotals } from './known-stages.ts'
import type { KnownStages } from './known-stages.ts'
import type { GaterParts } from './parts.ts'
import type { Client } from '../address/client-key.ts'
import type { Denied, Verdict } from '../limiter/verdict.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** The stages without a socket: dials, what relays ask, and addresses for the peer store. They count nothing. */
export class LooseStages {
  readonly #parts: GaterParts
  readonly #known: KnownStages

  constructor (parts: GaterParts, known: KnownStages) {
    this.#parts = parts
    this.#known = known
  }

  peerDial (peer: PeerId): Verdict {
    const { lists, held, limits } = this.#parts
    const text = peer.toString()
    const blocked = lists.blockedPeer(text)
    if (blocked != null) return blocked
    if (lists.trustsPeer(text)) return ALLOWED

    return this.#banned(peer) ?? this.#known.peerCap(peer) ?? outboundTotals(held.open.outbound, held.pending.outbound, limits) ?? ALLOWED
  }

  addrDial (peer: PeerId | undefined, address: Multiaddr): Verdict {
    const { lists, limits } = this.#parts
    const client = dialled(address)
    const target = peer?.toString() ?? targetOf(address)
    const blocked = lists.blockedClient(client) ?? (target == null ? undefined : lists.blockedPeer(target))
    if (blocked != null) return blocked
    if (lists.trustsClient(client)) return ALLOWED

    if (!limits.dialPrivate && isPrivateHere(client, address)) return deny({ action: 'close', reason: 'private-address', key: clientKey(client) })
    if (!limits.dialInsecure && isInsecure(address)) return deny({ action: 'close', reason: 'insecure-address', key: clientKey(client) })
    return ALLOWED
  }

  relayReservation (source: PeerId): Verdict {
    return this.#refused(source) ?? ALLOWED
  }

  /** We are the relay. */
  relayThrough (source: PeerId, destination: PeerId): Verdict {
    return this.#refused(source) ?? this.#refused(destination) ?? ALLOWED
  }

  /** Somebody comes to us over a relay: to refuse him here costs him 45 ms, at accept six seconds. */
  relayed (relay: PeerId, remote: PeerId): Verdict {
    const { held, limits: { maxConnsPerRelay }, lists } = this.#parts
    const refused = this.#refused(relay) ?? this.#refused(remote)
    if (refused != null) return refused

    const text = relay.toString()
    if (held.relayed(text) < maxConnsPerRelay || lists.trustsPeer(remote.toString())) return ALLOWED
    return deny({ action: 'close', reason: 'relay-limit', limit: maxConnsPerRelay, key: `relay:${text}` })
  }

  /** Blocked addresses stay out of the peer store. */
  filter (address: Multiaddr): Verdict {
    return this.#parts.lists.blockedClient(dialled(address)) ?? ALLOWED
  }

  #refused (peer: PeerId): Denied | undefined {
    return this.#parts.lists.blockedPeer(peer.toString()) ?? this.#banned(peer)
  }

  #banned (peer: PeerId): Denied | undefined {
    const { lists, desk, clock } = this.#parts
    const text = peer.toString()

    return lists.trustsPeer(text) ? undefined : desk.bannedPeer(text, clock.now())
  }
}

/** The address of a relay is asked about when the relay is dialled. */
function isPrivateHere (client: Client, address: Multiaddr): boolean {
  return client.kind === 'ip' ? isPrivate(client.ip) : client.kind === 'transport' && isLocalName(address)
}
