// A flood of streams, in a process of its own. Loopback addresses only, and at most so many streams at once.
//
//   node stream-attacker.ts <bare | negotiated> <multiaddr>

import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { setTimeout as wait } from 'node:timers/promises'
import { rawStream } from './inside.ts'
import type { Connection } from '@libp2p/interface'

const [kind = '', address = ''] = process.argv.slice(2)

/** Streams in a burst, and the pause after it: the attack is on the limits, not on the machine. */
const BURST = 200
const PAUSE = 50
const PROTOCOL = '/app/1.0.0'

const node = await createLibp2p({
  // `net.connect` takes it, the transport's type does not name it
  transports: [tcp({ dialOpts: { localAddress: '127.7.7.7' } as never })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux({ enableKeepAlive: false })],
  connectionMonitor: { enabled: false }
})

async function burst (connection: Connection): Promise<void> {
  const open = kind === 'bare' ? async () => rawStream(connection) : async () => connection.newStream(PROTOCOL, { maxOutboundStreams: BURST, signal: AbortSignal.timeout(1_000) })
  await Promise.allSettled(Array.from({ length: BURST }, open))
}

process.send?.('begun')
for (;;) {
  try {
    await burst(node.getConnections()[0] ?? await node.dial(multiaddr(address), { signal: AbortSignal.timeout(2_000) }))
  } catch {
    // it was thrown out, or is not let in: it comes again
  }
  await wait(PAUSE)
}
