import type { Connection } from '@libp2p/interface'

/**
 * Streams in use: negotiated, open and not of a protocol that every connection speaks. A stream that was opened and never negotiated
 * makes nobody immune.
 */
export function countedStreams ({ streams }: Connection): number {
  let counted = 0

  for (let i = 0; i < streams.length; i++) {
    const { protocol, status } = streams[i]!
    if (status === 'open' && isCounted(protocol)) counted++
  }

  return counted
}

/** A switch and not a Set: protocol names come off the wire, each a new string, and a Set would hash every one of them first. */
export function isCounted (protocol: string | undefined): boolean {
  switch (protocol) {
    case undefined:
    case '':
    case '/ipfs/ping/1.0.0':
    case '/ipfs/id/1.0.0':
    case '/ipfs/id/push/1.0.0':
    case '/libp2p/autonat/1.0.0':
    case '/libp2p/autonat/2/dial-request':
    case '/libp2p/autonat/2/dial-back':
    case '/libp2p/dcutr':
      return false
    default:
      return true
  }
}
