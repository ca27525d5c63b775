// A guarded node, and a page whose own node dials it. Open what it prints.
//
//   node --conditions=source examples/browser/serve.ts
//
// In a project of yours, on Node.js 22.18 or newer, `node serve.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr libp2p @libp2p/identify @libp2p/noise @libp2p/websockets @libp2p/yamux @multiformats/multiaddr vite

import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connManager, connectionGater, connectionManagerDefaults } from 'libp2p-connmgr'
import { createServer } from 'vite'

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: connectionGater({ maxConnsPerIp: 20, networks: {} }), // pages behind one NAT share an address
  connectionManager: connectionManagerDefaults,
  services: { connManager: connManager(), identify: identify() }
})

const site = await createServer({ configFile: `${import.meta.dirname}/vite.config.ts`, server: { host: '127.0.0.1', port: 0 } })
await site.listen()

const page = new URL(site.resolvedUrls!.local[0]!)
page.searchParams.set('to', String(node.getMultiaddrs()[0]))
console.log(String(page))
