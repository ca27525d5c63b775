// A node in a browser, with the manager and the gater in it. It dials the node that the page's address names.

import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { connManager, connectionGater, connectionManagerDefaults } from 'libp2p-connmgr'

const log = document.querySelector('#log')!
const say = (line: string): void => { log.textContent += `${line}\n` }

const gater = connectionGater({
  // in browsers neither is dialled by default; this page's node is on this machine and without TLS: leave both out elsewhere
  dialPrivate: true,
  dialInsecure: true
})

const node = await createLibp2p({
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: gater,
  connectionManager: connectionManagerDefaults,
  services: { connManager: connManager({ lowWater: 6, highWater: 12 }), identify: identify() } // a page needs few
})

const manager = node.services.connManager

gater.addEventListener('deny', ({ detail: { stage, reason } }) => { say(`denied at ${stage}: ${reason}`) })
node.addEventListener('peer:connect', ({ detail }) => { say(`connected to ${detail}`) })

const to = new URLSearchParams(location.search).get('to')

if (to != null) {
  const { remotePeer } = await node.dial(multiaddr(to))
  manager.protect(remotePeer, 'home') // a page that loses its only way in is alone

  const { connCount, protectedPeers, highWater } = manager.getInfo()
  say(`${connCount} open, ${protectedPeers} protected, trimmed above ${highWater}`)
}
