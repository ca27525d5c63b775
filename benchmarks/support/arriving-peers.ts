// The peers of benchmarks/end-to-end.ts, all in one process: each with a key and an address of its own.

import { setTimeout } from 'node:timers/promises'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from '@libp2p/interface'
import type { TCPSocketOptions } from '@libp2p/tcp'

/** js-libp2p lets ten be pending. */
const AT_ONCE = 8
const TRIES = 5

const [port, peers] = process.argv.slice(2).map(Number) as [number, number]
const target = multiaddr(`/ip4/127.0.0.1/tcp/${port}`)
const nodes: Libp2p[] = []

for (let at = 0; at < peers; at++) nodes.push(await peer(at))

async function peer (at: number): Promise<Libp2p> {
  // `net.connect` takes it, the transport's type does not name it
  const dialOpts: TCPSocketOptions & { localAddress: string } = { localAddress: `127.${1 + (at >>> 16)}.${at >>> 8 & 255}.${at & 255 || 255}` }

  return createLibp2p({
    transports: [tcp({ dialOpts })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    // whoever is sent away stays away until he is told
    connectionManager: { reconnectRetries: 0 }
  })
}

/** Those of the first `count` that have no connection dial, so many at once; `expected` of them, once they have noticed that they were sent away. */
async function arrive (count: number, expected: number): Promise<number> {
  let away: Libp2p[] = []
  while ((away = nodes.slice(0, count).filter(node => node.getConnections().length === 0)).length < expected) await setTimeout(5)

  let refused = 0

  async function one (): Promise<void> {
    for (let node = away.pop(); node != null; node = away.pop()) refused += await dial(node)
  }

  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return refused
}

/** @returns how often it was refused before it was let in */
async function dial (node: Libp2p): Promise<number> {
  for (let refused = 0; ; refused++) {
    try {
      await node.dial(target)
      return refused
    } catch (error) {
      if (refused === TRIES) throw error
    }
  }
}

process.on('message', ({ count, away }: { count: number, away: number }) => {
  void arrive(count, away).then(refused => { process.send!({ refused }) })
})

// Whoever asked is gone.
process.on('disconnect', () => { process.exit() })

process.send!({ ready: nodes.length })
