// A relay: whoever reserves a place on it is kept, others come and go.
//
//   node --conditions=source examples/relay/node.ts
//
// In a project of yours, on Node.js 22.18 or newer, `node node.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr libp2p @libp2p/circuit-relay-v2 @libp2p/identify @libp2p/noise @libp2p/tcp @libp2p/websockets @libp2p/yamux

import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connManager, connectionGater, connectionManagerDefaults } from 'libp2p-connmgr'

const { LISTEN = '/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/tcp/0/ws', RESERVATIONS = '128', HIGH_WATER = '512', GRACE_PERIOD = '20000' } = process.env

const gater = connectionGater({ maxConnsPerIp: 8, maxConnsPerPeer: 2 })

const node = await createLibp2p({
  addresses: { listen: LISTEN.split(',') },
  transports: [tcp(), webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: gater,
  connectionManager: connectionManagerDefaults,
  services: {
    // `lowWater` has to be above the reservations: protected connections count, too
    connManager: connManager({ highWater: Number(HIGH_WATER), gracePeriod: Number(GRACE_PERIOD) }),
    identify: identify(),
    relay: circuitRelayServer({ reservations: { maxReservations: Number(RESERVATIONS) }, maxInboundHopStreams: 256 })
  }
})

const { connManager: manager, relay } = node.services

// The relay tags who has reserved a place in the peer store, with the value 1. Losing one costs others their way to it: protect it.
node.addEventListener('peer:update', ({ detail: { peer } }) => {
  const reservation = relay.reservations.get(peer.id)
  if (reservation == null || manager.isProtected(peer.id, 'reservation')) return

  manager.protect(peer.id, 'reservation')
  console.log(`reserved ${peer.id}`)
  reservation.signal.addEventListener('abort', () => { manager.unprotect(peer.id, 'reservation') }, { once: true })
})

// A reservation outlives its connection by hours, its protection should not.
node.addEventListener('peer:disconnect', ({ detail }) => { manager.unprotect(detail, 'reservation') })
node.addEventListener('peer:connect', ({ detail }) => {
  if (relay.reservations.has(detail)) manager.protect(detail, 'reservation')
})

gater.addEventListener('deny', ({ detail: { stage, reason, key } }) => { console.log(`denied at ${stage}: ${reason} ${key ?? ''}`) })
manager.addEventListener('trim', ({ detail: { closed, spared } }) => { console.log(`trimmed ${closed}, ${spared.protected} protected`) })

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => node.stop())
for (const address of node.getMultiaddrs()) console.log(String(address))
