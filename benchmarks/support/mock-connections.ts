import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Connection, PeerId, Stream } from '@libp2p/interface'

/** The same peers, connections and values in every run. */
export function seededRandom (seed: number): () => number {
  let state = seed

  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

/** Real peer ids, of public keys that nobody has the private half of: making 100,000 pairs takes longer than what is measured. */
export function makePeers (count: number): PeerId[] {
  const random = seededRandom(3)

  return Array.from({ length: count }, () => {
    const peer = peerIdFromPublicKey(publicKeyFromRaw(Uint8Array.from({ length: 32 }, () => random() * 256)))
    // libp2p's own maps have asked for the text of every connected peer already
    peer.toString()
    return peer
  })
}

/** As much of a connection as a manager reads, with a close that costs nothing: both sides of a comparison get the same ones. */
class MockConnection {
  readonly id: string
  readonly remotePeer: PeerId
  readonly remoteAddr: Connection['remoteAddr']
  readonly direction: 'inbound' | 'outbound'
  readonly timeline: { open: number }
  readonly streams: Stream[]
  readonly direct = true
  status = 'open'

  constructor (index: number, remotePeer: PeerId, random: () => number) {
    this.id = `${Math.floor(random() * 1e9).toString(36)}${index}`
    this.remotePeer = remotePeer
    this.remoteAddr = multiaddr(`/ip4/${10 + (index >>> 16 & 63)}.${index >>> 8 & 255}.${index & 255}.${1 + index % 7}/tcp/4001`)
    this.direction = random() < 0.8 ? 'inbound' : 'outbound'
    this.timeline = { open: 1_700_000_000_000 + index }
    this.streams = Array.from({ length: Math.floor(random() * 3) }, () => ({ protocol: '/ipfs/kad/1.0.0', status: 'open' }) as Stream)
  }

  async close (): Promise<void> {}
  abort (): void {}
}

export function makeConnections (peers: readonly PeerId[]): Connection[] {
  const random = seededRandom(1)

  return peers.map((peer, index) => new MockConnection(index, peer, random) as unknown as Connection)
}
