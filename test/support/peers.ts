import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'

const peers = new Map<number, PeerId>()

/** The `n`th peer, always the same: a real Ed25519 peer id, of a key that nobody has. */
export function peer (n: number): PeerId {
  const known = peers.get(n) ?? peerOf(n)
  peers.set(n, known)
  return known
}

function peerOf (n: number): PeerId {
  const key = new Uint8Array(32)
  new DataView(key.buffer).setUint32(28, n)
  return peerIdFromPublicKey(publicKeyFromRaw(key))
}
