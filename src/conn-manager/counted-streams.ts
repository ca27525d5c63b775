import type { Connection, Stream } from '@libp2p/interface'

/**
 * Streams in use: negotiated, open and not of a protocol that every connection speaks. A stream that was opened and never negotiated
 * makes nobody immune.
 */
export function countedStreams ({ streams }: Connection): number {
  let counted = 0

  for (let i = 0; i < streams.length; i++) {
    if (isInUse(streams[i]!)) counted++
  }

  return counted
}

/** Whether there is one: a trim asks this of many, and how many there are only of those that are alike in everything before. */
export function hasCountedStreams ({ streams }: Connection): boolean {
  for (let i = 0; i < streams.length; i++) {
    if (isInUse(streams[i]!)) return true
  }

  return false
}

function isInUse ({ protocol, status }: Stream): boolean {
  return status === 'open' && protocol != null && isCounted(protocol)
}

/**
 * By length, and then by name: protocol names come off the wire, each a new string, which a Set would hash first, and a comparison with
 * each name in turn was the dearest part of a trim.
 */
export function isCounted (protocol: string): boolean {
  switch (protocol.length) {
    case 0: return false
    case 13: return protocol !== '/libp2p/dcutr'
    case 14: return protocol !== '/ipfs/id/1.0.0'
    case 16: return protocol !== '/ipfs/ping/1.0.0'
    case 19: return protocol !== '/ipfs/id/push/1.0.0'
    case 21: return protocol !== '/libp2p/autonat/1.0.0'
    case 27: return protocol !== '/libp2p/autonat/2/dial-back'
    case 30: return protocol !== '/libp2p/autonat/2/dial-request'
    default: return true
  }
}
