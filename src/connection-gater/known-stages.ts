import { clientKey } from '../address/client-key.ts'
import { ALLOWED, deny } from '../limiter/denial.ts'
import { isFavourite } from './parts.ts'
import type { Direction, Held } from './held.ts'
import type { GaterParts } from './parts.ts'
import type { Client } from '../address/client-key.ts'
import type { Denied, Verdict } from '../limiter/verdict.ts'
import type { PeerId } from '@libp2p/interface'

/** Who comes out of a handshake, and over what. */
export interface Secured {
  readonly held: Held
  readonly peer: PeerId

  /** The connection's, which is not always its socket's: after a hole punch a dialled one is inbound. */
  readonly direction: Direction
  readonly timeline: object

  /** By js-libp2p's own allow list. */
  readonly isAllowed: boolean
}

/** The stages at which the peer is known: what was guessed at accept is decided, and the place in the house taken. */
export class KnownStages {
  readonly #parts: GaterParts

  constructor (parts: GaterParts) {
    this.#parts = parts
  }

  /** The address was asked about when it was dialled; the peer may have been blocked since. */
  outbound (client: Client, peer: PeerId | undefined): Denied | undefined {
    const { lists, held, limits, core } = this.#parts
    const blocked = lists.blockedClient(client) ?? (peer == null ? undefined : lists.blockedPeer(peer.toString()))
    if (blocked != null) return blocked
    if (lists.trustsClient(client) || (peer != null && lists.trustsPeer(peer.toString()))) return undefined

    return (peer == null ? undefined : this.peerCap(peer)) ??
      outboundTotals(held.open.outbound, held.pending.outbound, limits) ??
      (core.total < core.limits.maxConns ? undefined : deny({ action: 'close', reason: 'total-limit', limit: core.limits.maxConns }))
  }

  secured ({ held, peer, direction, timeline, isAllowed }: Secured): Verdict {
    const { lists, favoured, house } = this.#parts
    const text = peer.toString()
    const trusted = isAllowed || lists.trustsPeer(text) || lists.trustsClient(held.client)
    const isFriend = trusted || isFavourite(this.#parts, peer)

    const denied = this.#shutOut(text, held.client, trusted) ??
      (held.excuse == null || isFriend ? undefined : held.excuse) ??
      (trusted || held.peer != null ? undefined : this.peerCap(peer))
    if (denied != null) return denied

    if (held.client.kind === 'ip' && isFavourite(this.#parts, peer)) favoured.remember(peer, clientKey(held.client))
    this.#parts.held.setPeer(held, peer)

    if (held.place == null && house != null) {
      const place = house.reserve({ peer, client: held.client, direction, trusted, timeline })
      if (!place.allow) return place
      held.place = place
    }

    return ALLOWED
  }

  /** The last look; it takes nothing. */
  upgraded ({ held, peer, isAllowed }: Secured): Verdict {
    const { lists, limits } = this.#parts
    const text = peer.toString()
    const trusted = isAllowed || lists.trustsPeer(text) || lists.trustsClient(held.client)
    const denied = this.#shutOut(text, held.client, trusted) ?? (trusted || held.state !== 'pending' ? undefined : this.#totals(held.direction, limits))

    return denied ?? ALLOWED
  }

  /** Everybody has said yes: it is open, and who has to go for it goes. */
  enter (held: Held): void {
    held.place?.take()
    this.#parts.held.promote(held)
  }

  /** A block, or a ban: that one is of the address only for who comes in. */
  ruleAgainst (client: Client, peer: PeerId | undefined, direction: Direction): Denied | undefined {
    const { lists, desk, clock } = this.#parts
    const now = clock.now()
    const text = peer?.toString()

    return (text == null ? undefined : lists.blockedPeer(text)) ?? lists.blockedClient(client) ??
      (client.kind === 'ip' && direction === 'inbound' ? desk.banned(client.ip, now) : undefined) ??
      (text == null ? undefined : desk.bannedPeer(text, now))
  }

  /** The cap on one peer's connections, those that are upgrading included once they are secured. */
  peerCap (peer: PeerId): Denied | undefined {
    const { held, limits: { maxConnsPerPeer } } = this.#parts
    const text = peer.toString()

    return held.ofPeer(text) < maxConnsPerPeer ? undefined : deny({ action: 'close', reason: 'peer-limit', limit: maxConnsPerPeer, key: text })
  }

  /** Blocked since it was accepted, or a peer who is refused whatever address he comes from. */
  #shutOut (peer: string, client: Client, trusted: boolean): Denied | undefined {
    const { lists, desk, clock } = this.#parts

    return lists.blockedPeer(peer) ?? lists.blockedClient(client) ?? (trusted ? undefined : desk.bannedPeer(peer, clock.now()))
  }

  #totals (direction: Direction, { maxInbound, maxOutbound }: GaterParts['limits']): Denied | undefined {
    const limit = direction === 'inbound' ? maxInbound : maxOutbound

    return this.#parts.held.open[direction] < limit ? undefined : deny({ action: 'close', reason: 'total-limit', limit, key: direction })
  }
}

export function outboundTotals (open: number, pending: number, { maxOutbound, maxPendingOutbound }: GaterParts['limits']): Denied | undefined {
  if (open >= maxOutbound) return deny({ action: 'close', reason: 'total-limit', limit: maxOutbound, key: 'outbound' })
  return pending < maxPendingOutbound ? undefined : deny({ action: 'close', reason: 'pending-total', limit: maxPendingOutbound, key: 'outbound' })
}
