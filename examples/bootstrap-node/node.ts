// A bootstrap node: everybody knows its address, so everybody dials it, and most need it for a minute only.
//
//   node --conditions=source examples/bootstrap-node/node.ts
//   LISTEN=/ip4/127.0.0.1/tcp/4001 DATA=./data node --conditions=source examples/bootstrap-node/node.ts
//
// In a project of yours, on Node.js 22.18 or newer, `node node.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr libp2p @libp2p/config @libp2p/identify @libp2p/kad-dht @libp2p/noise @libp2p/peer-id @libp2p/ping
//   npm install @libp2p/tcp @libp2p/websockets @libp2p/yamux datastore-core datastore-level

import { loadOrCreateSelfKey } from '@libp2p/config'
import { identify } from '@libp2p/identify'
import { kadDHT } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { MemoryDatastore } from 'datastore-core'
import { LevelDatastore } from 'datastore-level'
import { createLibp2p } from 'libp2p'
import { connManager, connectionGater, connectionManagerDefaults } from 'libp2p-connmgr'

const {
  LISTEN = '/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/tcp/0/ws',
  DATA, // a folder, for what has to outlive the process: the node's key, blocks and bans
  SIBLINGS = '', // peer ids of the other bootstrap nodes
  HIGH_WATER = '1000',
  GRACE_PERIOD = '20000'
} = process.env

const datastore = DATA == null ? new MemoryDatastore() : new LevelDatastore(DATA)
if ('open' in datastore) await datastore.open()

const gater = connectionGater({
  datastore,
  maxConnsPerIp: 4, // nobody needs more to learn the addresses of others
  maxPending: 128, // newcomers are what this node is for
  trust: SIBLINGS.split(',').filter(id => id !== '').map(id => peerIdFromString(id)),
  networks: {} // here everybody comes from loopback, which is exempt by default: leave this line out elsewhere
})

const node = await createLibp2p({
  privateKey: await loadOrCreateSelfKey(datastore),
  addresses: { listen: LISTEN.split(',') },
  datastore,
  transports: [tcp(), webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: gater,
  connectionManager: connectionManagerDefaults,
  services: {
    connManager: connManager({ highWater: Number(HIGH_WATER), gracePeriod: Number(GRACE_PERIOD) }),
    identify: identify(),
    ping: ping(),
    dht: kadDHT({ protocol: '/example/kad/1.0.0', clientMode: false })
  }
})

gater.addEventListener('deny', ({ detail: { stage, reason, key } }) => { console.log(`denied at ${stage}: ${reason} ${key ?? ''}`) })
gater.addEventListener('ban', ({ detail: { key, reason, until } }) => { console.log(`banned ${key} until ${new Date(until).toISOString()}: ${reason}`) })
node.services.connManager.addEventListener('trim', ({ detail: { closed, open } }) => { console.log(`trimmed ${closed}, ${open} stay`) })

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await node.stop()
    await ('close' in datastore ? datastore.close() : undefined)
  })
}

for (const address of node.getMultiaddrs()) console.log(String(address))
