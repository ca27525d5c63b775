import { peerIdFromString } from '@libp2p/peer-id'
import { RunTally } from './run-tally.ts'
import { BLOCKED_ADDRESS } from './visitor-plan.ts'
import type { RunOptions } from './flags.ts'
import type { Library } from './library.ts'
import type { NodePackages } from './packages.ts'
import type { Facts, Known } from './run-tally.ts'
import type { Left } from './scoreboard.ts'
import type { Introduction } from './visitor-messages.ts'
import type { ConnectionGater, PeerId } from '@libp2p/interface'

export interface GuardedNode {
  readonly peerId: string
  readonly addresses: readonly string[]

  /** Protects and tags who was introduced, before they dial. */
  know (guests: Introduction): void
  facts (elapsed: number): Facts

  /** Idempotent. */
  stop (): Promise<void>

  /** What is still counted. */
  left (): Left
}

const STEADY_VALUE = 50

/** A real node on TCP and WebSockets with this package's manager and gater in it, set up as a user would. */
export async function startGuardedNode (library: Library, packages: NodePackages, options: RunOptions): Promise<GuardedNode> {
  const tally = new RunTally()
  const protectedPeers: PeerId[] = []
  const taggedPeers: PeerId[] = []

  const gater = library.connectionGater({
    maxConnsPerIp: options.maxPerIp,
    networks: {} // by default loopback is exempt, and here everybody comes from there
  })

  const node = await createNode(library, packages, gater, options)
  const manager = node.services.connManager

  node.addEventListener('connection:open', ({ detail }) => {
    // the manager may have refused it a moment ago, or the peer be gone already
    if (detail.status === 'open') tally.opened(manager.getInfo().connCount)
  })
  manager.addEventListener('trim', ({ detail }) => { tally.trimmed(detail) })
  manager.addEventListener('evict', ({ detail }) => { tally.evicted(detail) })
  gater.addEventListener('deny', ({ detail }) => { tally.denied(detail) })
  if (options.peers > 0) await gater.blockAddress(BLOCKED_ADDRESS)

  function connectedOf (peers: readonly PeerId[]): Known {
    return { peers: peers.length, connected: peers.filter(peer => node.getConnections(peer).length > 0).length }
  }

  return {
    peerId: node.peerId.toString(),
    addresses: node.getMultiaddrs().map(String),

    know (guests) {
      protectedPeers.push(...guests.protected.map(id => peerIdFromString(id)))
      taggedPeers.push(...guests.steady.map(id => peerIdFromString(id)))
      for (const peer of protectedPeers) manager.protect(peer, 'demo')
      for (const peer of taggedPeers) manager.tagPeer(peer, 'steady', STEADY_VALUE)
    },

    facts (elapsed) {
      const { connCount, lowWater, highWater, hardLimit } = manager.getInfo()

      return tally.facts({
        elapsed,
        open: connCount,
        low: lowWater,
        high: highWater,
        hardLimit,
        protected: connectedOf(protectedPeers),
        tagged: connectedOf(taggedPeers)
      })
    },

    stop: async () => node.stop(),

    left: () => ({ open: manager.getInfo().connCount, places: gater.inspect().connections })
  }
}

/** TypeScript infers the services, and with them the type of the node. */
async function createNode (library: Library, packages: NodePackages, connectionGater: ConnectionGater, options: RunOptions) {
  return packages.libp2p.createLibp2p({
    addresses: { listen: [...options.listen] },
    transports: [packages['@libp2p/tcp'].tcp(), packages['@libp2p/websockets'].webSockets()],
    connectionEncrypters: [packages['@libp2p/noise'].noise()],
    streamMuxers: [packages['@libp2p/yamux'].yamux()],
    connectionGater,
    connectionManager: library.connectionManagerDefaults,
    services: {
      connManager: library.connManager({
        ...options.low != null && { lowWater: options.low },
        ...options.high != null && { highWater: options.high },
        gracePeriod: options.gracePeriod,
        silencePeriod: options.silencePeriod
      }),
      identify: packages['@libp2p/identify'].identify(),
      ping: packages['@libp2p/ping'].ping()
    }
  })
}
