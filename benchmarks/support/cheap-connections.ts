import { multiaddr } from '@multiformats/multiaddr'
import { seededRandom } from './mock-connections.ts'
import { scatteredAddress } from './mock-sockets.ts'
import type { Connection, PeerId } from '@libp2p/interface'

const ADDRESSES = 4_096

/** A million connections that fit in memory: peers without keys, and addresses that many share. The same at every size. */
export function cheapConnections (count: number): Connection[] {
  const random = seededRandom(1)
  const addresses = Array.from({ length: ADDRESSES }, (_, at) => multiaddr(`/ip4/${scatteredAddress(at)}/tcp/4001`))
  const streams = [[], [{ protocol: '/ipfs/kad/1.0.0', status: 'open' }], [{ protocol: '/ipfs/kad/1.0.0', status: 'open' }, { protocol: '/ipfs/kad/1.0.0', status: 'open' }]]

  return Array.from({ length: count }, (_, at) => ({
    id: `${at.toString(36)}c`,
    remotePeer: cheapPeer(at),
    remoteAddr: addresses[at % ADDRESSES],
    direction: random() < 0.8 ? 'inbound' : 'outbound',
    timeline: { open: at },
    streams: streams[Math.floor(random() * 3)],
    direct: true,
    status: 'open',
    close: async () => {},
    abort: () => {}
  }) as unknown as Connection)
}

function cheapPeer (at: number): PeerId {
  const text = Buffer.from(`12D3KooW${at.toString(36)}`).toString('latin1')

  return { toString: () => text } as unknown as PeerId
}
