import type { ClientKey } from '../address/client-key.ts'
import type { PeerId } from '@libp2p/interface'

const ADDRESSES_PER_PEER = 4

/**
 * From where those peers last came who were protected or trusted when they came or went. At accept nobody knows a peer yet; it helps that it
 * comes from where a friend came from. Bounded: a peer's oldest address leaves first, and the peer not seen for longest.
 */
export class FavouredAddresses {
  readonly #capacity: number
  readonly #addresses = new Map<string, Set<ClientKey>>()
  readonly #peers = new Map<ClientKey, Map<string, PeerId>>()

  constructor (capacity: number) {
    this.#capacity = capacity
  }

  get size (): number {
    return this.#addresses.size
  }

  remember (peerId: PeerId, key: ClientKey): void {
    const peer = peerId.toString()
    const keys = this.#addresses.get(peer) ?? new Set()

    this.#addresses.delete(peer)
    this.#addresses.set(peer, keys)
    keys.delete(key)
    keys.add(key)
    this.#peersOf(key).set(peer, peerId)

    if (keys.size > ADDRESSES_PER_PEER) this.#forget(peer, keys, first(keys)!)
    if (this.#addresses.size > this.#capacity) this.#forgetPeer(first(this.#addresses.keys())!)
  }

  /** Whether some peer that last came from there is still a favourite. */
  has (key: ClientKey, isFavourite: (peer: PeerId) => boolean): boolean {
    const peers = this.#peers.get(key)
    if (peers == null) return false

    for (const peer of peers.values()) if (isFavourite(peer)) return true
    return false
  }

  #peersOf (key: ClientKey): Map<string, PeerId> {
    let peers = this.#peers.get(key)
    if (peers == null) this.#peers.set(key, peers = new Map())
    return peers
  }

  #forgetPeer (peer: string): void {
    const keys = this.#addresses.get(peer)!

    for (const key of keys) this.#forget(peer, keys, key)
    this.#addresses.delete(peer)
  }

  #forget (peer: string, keys: Set<ClientKey>, key: ClientKey): void {
    const peers = this.#peers.get(key)!

    keys.delete(key)
    peers.delete(peer)
    if (peers.size === 0) this.#peers.delete(key)
  }
}

function first<T> (values: Iterable<T>): T | undefined {
  for (const value of values) return value
  return undefined
}
