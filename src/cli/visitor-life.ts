import { systemClock } from '../clock/system-clock.ts'
import { sleep } from './sleep.ts'
import { visitorAddress, visitorStay } from './visitor-plan.ts'
import type { NodePackages } from './packages.ts'
import type { Visitor } from './visitor-plan.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A peer that dials from the address of the visitor's `life`-th life. */
export async function embody (packages: NodePackages, visitor: Visitor, life = 0): Promise<Libp2p> {
  // `net.connect` knows where to dial from, the transport's types do not
  const dialOpts = { noDelay: true, localAddress: visitorAddress(visitor, life) }

  return packages.libp2p.createLibp2p({
    transports: [
      visitor.transport === 'ws'
        ? packages['@libp2p/websockets'].webSockets()
        : packages['@libp2p/tcp'].tcp({ dialOpts })
    ],
    connectionEncrypters: [packages['@libp2p/noise'].noise()],
    streamMuxers: [packages['@libp2p/yamux'].yamux()],
    connectionMonitor: { enabled: false },
    services: {
      identify: packages['@libp2p/identify'].identify(),
      ping: packages['@libp2p/ping'].ping()
    }
  })
}

/** Comes back for ever as the same peer, whenever it was refused or closed. */
export async function liveAs (node: Libp2p, visitor: Visitor, target: Multiaddr): Promise<never> {
  await sleep(visitor.arrives)

  for (;;) {
    await visit(node, target, Infinity)
    await sleep(visitor.pause)
  }
}

/** Comes back for ever, each time as another peer from another address. */
export async function liveOnAndOn (packages: NodePackages, visitor: Visitor, target: Multiaddr): Promise<never> {
  await sleep(visitor.arrives)

  for (let life = 0; ; life++) {
    const node = await embody(packages, visitor, life)
    await visit(node, target, visitorStay(visitor, life))
    await node.stop()
    await sleep(visitor.pause)
  }
}

async function visit (node: Libp2p, target: Multiaddr, stay: number): Promise<void> {
  try {
    await closedOrOver(await node.dial(target), stay)
  } catch {
    // refused: that is what the node is there for
  }
}

async function closedOrOver (connection: Connection, stay: number): Promise<void> {
  if (connection.status !== 'open') return

  return new Promise(resolve => {
    const cancel = systemClock.after(stay, resolve)

    connection.addEventListener('close', () => {
      cancel()
      resolve()
    }, { once: true })
  })
}
