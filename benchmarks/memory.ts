// How many bytes does the manager keep for one peer with three tags and one connection, beside the objects that libp2p itself holds?
// js-libp2p keeps 1,624: its connection map's entry, its peer store's entry and three tags. go-libp2p keeps 832.
//
//   npm run bench -- memory

import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { connManager } from '../src/index.ts'
import { fakeClock } from '../src/testing.ts'
import { makeConnections, makePeers } from './support/mock-connections.ts'
import { print } from './support/report.ts'

const PEERS = 100_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const peers = await makePeers(PEERS)
const connections = makeConnections(peers)
const clock = fakeClock()
const manager = connManager({ lowWater: PEERS, highWater: Infinity, clock })()
const notifee = manager.notifee()

const empty = await used()

for (const connection of connections) {
  clock.advance(1)
  notifee.connected(connection)
}

const connected = await used()

for (const [i, peer] of peers.entries()) {
  for (const tag of ['kad-close', 'topic', 'mine']) manager.tagPeer(peer, tag, i)
}

const tagged = await used()

for (const connection of connections) notifee.disconnected(connection)

print(`bytes per peer at ${PEERS} peers`, [
  { 'of a peer': 'connected, without tags', 'bytes': Math.round((connected - empty) / PEERS) },
  { 'of a peer': 'connected, with three tags', 'bytes': Math.round((tagged - empty) / PEERS) }
])
console.log(`${peers.length} peers, ${connections.length} connections; after all have left: ${manager.getInfo().trackedPeers} peers are kept for their tags, ${Math.round((await used() - empty) / 1_000)} kB in all`)

/** Heap and typed arrays, after everything that can go has gone: some goes only once the event loop has turned. */
async function used (): Promise<number> {
  let before = Infinity

  for (;;) {
    collect()
    await setImmediate()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    const now = heapUsed + arrayBuffers
    if (before - now < 10_000) return now

    before = now
  }
}
