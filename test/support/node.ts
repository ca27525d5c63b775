import { noise } from '@libp2p/noise'
import { memory } from '@libp2p/memory'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Libp2p, ServiceMap } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

/** A real node: noise and yamux over TCP, WebSockets and memory. It listens only where told. */
export async function startNode<T extends ServiceMap> (options: Libp2pOptions<T> = {}): Promise<Libp2p<T>> {
  return createLibp2p({
    transports: [tcp(), webSockets(), memory()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    ...options
  } as Libp2pOptions<T>)
}

/** A node that dials from `127.x.y.z`. */
export async function startVisitor (localAddress = '127.0.0.1'): Promise<Libp2p> {
  return startNode({ transports: [tcp({ dialOpts: { localAddress } }), webSockets(), memory()] })
}
