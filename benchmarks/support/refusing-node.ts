// One node that refuses everybody, in a process of its own. Prints its port; answers each message with the CPU it has used, in microseconds.

import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connectionGater, connectionManagerDefaults, connManager } from '../../src/index.ts'
import type { ServiceMap } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

/** Our manager comes with our gater: together they are what a user has. A gater that returns true stands alone, js-libp2p's own limits lifted. */
const VARIANTS: Readonly<Record<string, () => Libp2pOptions<ServiceMap>>> = {
  'true': () => ({ connectionGater: { denyInboundConnection: () => true } }),
  'blocked': () => ({ connectionGater: connectionGater({ networks: {}, blocks: ['127.0.0.0/8'] }), services: { connManager: connManager() } as never }),
  'at its cap': () => ({ connectionGater: connectionGater({ networks: {}, maxConnsPerIp: 0, risk: false }), services: { connManager: connManager() } as never }),
  'banned': () => ({ connectionGater: connectionGater({ networks: {}, maxConnsPerIp: 0, risk: { threshold: 1 } }), services: { connManager: connManager() } as never })
}

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: connectionManagerDefaults,
  ...VARIANTS[process.argv[2] ?? '']!()
})

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ cpu: user + system })
})

// Whoever asked is gone.
process.on('disconnect', () => { process.exit() })
process.send!({ port: Number(node.getMultiaddrs()[0]!.getComponents().find(({ name }) => name === 'tcp')!.value) })
