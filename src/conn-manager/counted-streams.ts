import type { Connection } from '@libp2p/interface'

/**
 * Protocols that every libp2p connection speaks by itself. Streams of these say nothing about whether anybody uses the connection.
 */
const UNCOUNTED = new Set([
  '/ipfs/ping/1.0.0',
  '/ipfs/id/1.0.0',
  '/ipfs/id/push/1.0.0',
  '/libp2p/autonat/1.0.0',
  '/libp2p/autonat/2/dial-request',
  '/libp2p/autonat/2/dial-back',
  '/libp2p/dcutr'
])

/**
 * Streams in use: negotiated, open and not of a protocol that every connection speaks. A stream that was opened and never negotiated
 * makes nobody immune.
 */
export function countedStreams (connection: Connection): number {
  const { streams } = connection
  let counted = 0

  for (let i = 0; i < streams.length; i++) {
    const { protocol, status } = streams[i]!
    if (protocol !== '' && protocol != null && status === 'open' && !UNCOUNTED.has(protocol)) counted++
  }

  return counted
}
