// Helia: its own configuration, with the manager and the gater in it. The first command adds a text and prints its CID and an address,
// the second one fetches it from there.
//
//   node --conditions=source examples/helia/node.ts
//   node --conditions=source examples/helia/node.ts <address> <cid>
//
// In a project of yours, on Node.js 22.18 or newer, `node node.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr @helia/libp2p @helia/unixfs @libp2p/tcp @multiformats/multiaddr helia multiformats

import { libp2pDefaults } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createHelia } from 'helia'
import { connManager, connectionGater, connectionManagerDefaults } from 'libp2p-connmgr'
import { CID } from 'multiformats/cid'

const [address, cid] = process.argv.slice(2)
const defaults = libp2pDefaults()

const services = { ...defaults.services, connManager: connManager({ lowWater: 160, highWater: 192 }) }

// This example stays on this machine. Elsewhere leave out this line, and `addresses`, `transports` and `peerDiscovery` below.
for (const name of ['autoNAT', 'autoTLS', 'delegatedContentRouting', 'delegatedPeerRouting', 'http', 'upnp']) Reflect.deleteProperty(services, name)

const helia = createHelia({
  libp2p: {
    ...defaults,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    peerDiscovery: [],
    connectionGater: connectionGater({ maxConnsPerIp: 8 }),
    connectionManager: connectionManagerDefaults,
    services
  }
})

await helia.start()
const files = unixfs(helia)
const manager = helia.libp2p.services.connManager

if (address == null || cid == null) {
  const added = await files.addBytes(new TextEncoder().encode('hello from a guarded node'))
  console.log(`${helia.libp2p.getMultiaddrs()[0]} ${added}`)
  process.once('SIGTERM', () => helia.stop())
  process.once('SIGINT', () => helia.stop())
} else {
  const { remotePeer } = await helia.libp2p.dial(multiaddr(address))
  manager.protect(remotePeer, 'fetching') // a trim between two blocks would cost a new dial

  const chunks: Uint8Array[] = []
  for await (const chunk of files.cat(CID.parse(cid))) chunks.push(chunk)
  manager.unprotect(remotePeer, 'fetching')
  manager.tagPeer(remotePeer, 'provider', 10) // it had what we wanted: worth more than a stranger

  console.log(Buffer.concat(chunks).toString())
  await helia.stop()
}
