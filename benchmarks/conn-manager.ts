// What does the manager's bookkeeping cost at 10,000 connections? go-libp2p, on such a machine: tag 146 ns, info 196 ns, connect and
// disconnect 1,240 ns. js-libp2p's tag goes through its peer store: 27-64 µs.
//
//   npm run bench -- conn-manager

import { defaultLogger } from '@libp2p/logger'
import { persistentPeerStore } from '@libp2p/peer-store'
import { MemoryDatastore } from 'datastore-core'
import { TypedEventEmitter } from 'main-event'
import { measure } from 'mitata'
import { connManager } from '../src/index.ts'
import { fakeClock } from '../src/testing.ts'
import { makeConnections, makePeers } from './support/mock-connections.ts'
import { print, rounded, samples, spread } from './support/report.ts'
import type { Stats } from './support/report.ts'
import type { Connection, Libp2pEvents, PeerId } from '@libp2p/interface'

const OPEN = 10_000

/** Operations on other peers than the last one, so that the cache does not answer. */
const BATCH = 1_000

const peers = await makePeers(OPEN + BATCH)
const connections = makeConnections(peers)
const newcomers = connections.slice(OPEN)
const clock = fakeClock()
const manager = connManager({ lowWater: OPEN, highWater: Infinity, clock })()
const notifee = manager.notifee()
const rows: object[] = []

for (const [i, connection] of connections.slice(0, OPEN).entries()) {
  clock.advance(1)
  notifee.connected(connection)
  for (const tag of ['kad-close', 'topic', 'mine']) manager.tagPeer(peers[i]!, tag, i % 100)
}

const spread10k = <T>(items: readonly T[]): T[] => Array.from({ length: BATCH }, (_, i) => items[(i * 7) % OPEN]!)
const some: readonly PeerId[] = spread10k(peers)
let value = 0

const peerStore = persistentPeerStore({
  peerId: peers[0]!,
  datastore: new MemoryDatastore(),
  events: new TypedEventEmitter<Libp2pEvents>(),
  logger: defaultLogger()
})
for (const peer of some) await peerStore.merge(peer, { tags: { value: { value: 1 } } })

await time('tagPeer, an existing tag', () => { for (const peer of some) manager.tagPeer(peer, 'mine', ++value) })
await time('tagPeer and untagPeer, a new tag', () => {
  for (const peer of some) {
    manager.tagPeer(peer, 'new', 1)
    manager.untagPeer(peer, 'new')
  }
})
await time('upsertTag', () => { for (const peer of some) manager.upsertTag(peer, 'mine', old => old + 1) })
await time('protect and unprotect', () => {
  for (const peer of some) {
    manager.protect(peer, 'mine')
    manager.unprotect(peer, 'mine')
  }
})
await time('isProtected', () => { for (const peer of some) manager.isProtected(peer) })
await time('getTagInfo, three tags', () => { for (const peer of some) manager.getTagInfo(peer) })
await time('connected and disconnected', () => { for (const connection of newcomers) connectAndLeave(connection) })

print(`operations of the manager at ${OPEN} connections`, rows)

const limited = connManager({ lowWater: OPEN - 100, highWater: OPEN - 1, gracePeriod: 0, clock })()
limited.start()
for (const connection of connections.slice(0, OPEN)) limited.notifee().connected(connection)
const opens = await measure(() => {
  for (const connection of newcomers) limited.notifee().connected(connection)
  for (const connection of newcomers) limited.notifee().disconnected(connection)
})
const reads = await measure(async () => { for (const peer of some) await peerStore.get(peer) }, samples(20))

print(`one connection:open and close above the high mark at ${OPEN} connections`, [
  { 'part': 'ours, synchronous', 'ns each': rounded(opens.p50 / BATCH), 'spread': spread(opens) },
  { 'part': 'js-libp2p\'s peer store, one read at open', 'ns each': rounded(reads.p50 / BATCH), 'spread': spread(reads) }
])
limited.stop()

function connectAndLeave (connection: Connection): void {
  notifee.connected(connection)
  notifee.disconnected(connection)
}

async function time (operation: string, run: () => void): Promise<void> {
  const stats: Stats = await measure(run)
  rows.push({ operation, 'ns each': rounded(stats.p50 / BATCH), 'spread': spread(stats) })
}
