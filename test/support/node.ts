import { noise } from '@libp2p/noise'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Libp2p, ServiceMap } from '@libp2p/interface'
import type { TCPSocketOptions } from '@libp2p/tcp'
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
  // `net.connect` takes it, the transport's type does not name it
  const dialOpts: TCPSocketOptions & { localAddress: string } = { localAddress }

  return startNode({ transports: [tcp({ dialOpts }), webSockets(), memory()] })
}

/** For hundreds of nodes in one process: what an address has no say in needs neither sockets nor ciphers. */
export const inMemory = {
  transports: [memory()],
  connectionEncrypters: [plaintext()]
} satisfies Libp2pOptions

/** Muxers that send no pings: a ping that is unanswered when its connection closes makes yamux abort it. */
export const withoutPings = {
  streamMuxers: [yamux({ enableKeepAlive: false })]
} satisfies Libp2pOptions
