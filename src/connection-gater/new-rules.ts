import { parseCidr } from '../address/cidr.ts'
import { PrefixMap } from '../limiter/prefix-map.ts'
import type { GaterBan } from './contract.ts'
import type { Held } from './held.ts'

/** Rules that have just come into force, and whom of those who are here they mean: one look at each, however many rules there are. */
export class NewRules {
  readonly #peers = new Set<string>()
  readonly #ranges = new PrefixMap<true>()
  readonly #bannedPeers = new Set<string>()
  readonly #bannedRanges = new PrefixMap<true>()

  blockPeer (peer: string): this {
    this.#peers.add(peer)
    return this
  }

  blockRange (range: string): this {
    this.#ranges.set(parseCidr(range), true)
    return this
  }

  ban ({ key, peer }: Pick<GaterBan, 'key' | 'peer'>): this {
    if (peer == null) this.#bannedRanges.set(parseCidr(key), true)
    else this.#bannedPeers.add(peer.toString())
    return this
  }

  /** A blocked relay's clients, too. */
  blocks ({ client, ip, peerText }: Held): boolean {
    return (peerText != null && this.#peers.has(peerText)) || (client.kind === 'relay' && this.#peers.has(client.relay)) ||
      (ip != null && this.#ranges.match(ip) === true)
  }

  /** A banned address may be a network full of people: only what is still pending is meant. Of a banned peer, too; what offended is closed by who reports it. */
  bans ({ state, direction, ip, peerText }: Held): boolean {
    if (state !== 'pending') return false

    return (peerText != null && this.#bannedPeers.has(peerText)) || (ip != null && direction === 'inbound' && this.#bannedRanges.match(ip) === true)
  }
}
