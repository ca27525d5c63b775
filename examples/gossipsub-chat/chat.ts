// A chat over gossipsub: what is typed goes to everybody. Mesh peers are protected, and whoever talks is worth more than who is silent.
//
//   node --conditions=source examples/gossipsub-chat/chat.ts
//   node --conditions=source examples/gossipsub-chat/chat.ts <address of another one>
//
// In a project of yours, on Node.js 22.18 or newer, `node chat.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr libp2p @libp2p/gossipsub @libp2p/identify @libp2p/noise @libp2p/peer-id @libp2p/tcp @libp2p/yamux
//   npm install @multiformats/multiaddr

import { createInterface } from 'node:readline'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { bumpSumBounded, connManager, connectionGater, connectionManagerDefaults, decayLinear } from 'libp2p-connmgr'

const TOPIC = 'example-chat'
const { HIGH_WATER = '48', GRACE_PERIOD = '20000' } = process.env

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: connectionGater({ maxConnsPerIp: 8 }),
  connectionManager: connectionManagerDefaults,
  services: {
    connManager: connManager({ highWater: Number(HIGH_WATER), gracePeriod: Number(GRACE_PERIOD) }),
    identify: identify(),
    pubsub: gossipsub()
  }
})

const { connManager: manager, pubsub } = node.services

// A topic's mesh has at most 12 peers, so this protects a bounded number. Protecting subscribers would protect whoever subscribes.
pubsub.addEventListener('gossipsub:graft', ({ detail: { peerId, topic } }) => {
  manager.protect(peerIdFromString(peerId), `mesh/${topic}`)
  console.log(`mesh + ${peerId}`)
})
pubsub.addEventListener('gossipsub:prune', ({ detail: { peerId, topic } }) => {
  manager.unprotect(peerIdFromString(peerId), `mesh/${topic}`)
  console.log(`mesh - ${peerId}`)
})

// Five points a message, at most 50, and half of them gone with every ten minutes of silence.
const talks = manager.registerDecayingTag('talks', { interval: 600_000, decay: decayLinear(0.5), bump: bumpSumBounded(0, 50) })

pubsub.addEventListener('message', ({ detail }) => {
  if (detail.topic !== TOPIC || detail.type !== 'signed') return
  talks.bump(detail.from, 5)
  console.log(`${detail.from.toString().slice(-6)}: ${new TextDecoder().decode(detail.data)}`)
})
manager.addEventListener('trim', ({ detail: { closed, spared } }) => { console.log(`trimmed ${closed}, ${spared.protected} protected`) })
node.addEventListener('peer:disconnect', ({ detail }) => {
  // a mesh peer that has gone is pruned without an event
  manager.unprotect(detail, `mesh/${TOPIC}`)
})

pubsub.subscribe(TOPIC)
console.log(String(node.getMultiaddrs()[0]))
for (const address of process.argv.slice(2)) await node.dial(multiaddr(address))

const lines = createInterface({ input: process.stdin })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { lines.close() })

for await (const line of lines) {
  await pubsub.publish(TOPIC, new TextEncoder().encode(line)).catch((error: Error) => { console.log(`not sent: ${error.message}`) })
}
await node.stop()
