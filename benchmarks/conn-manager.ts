// What does the manager's bookkeeping cost at 10,000 connections? js-libp2p's tags go through its peer store. go-libp2p's are in the benchmark `go`.
//
//   npm run bench -- conn-manager

import { defaultLogger } from '@libp2p/logger'
import { persistentPeerStore } from '@libp2p/peer-store'
import { MemoryDatastore } from 'datastore-core'
import { TypedEventEmitter } from 'main-event'
import { measure } from 'mitata'
import { connManager } from '../src/index.ts'
import { fakeClock } from '../src/testing.ts'
import { per } from './support/figures.ts'
import { makeConnections, makePeers } from './support/mock-connections.ts'
import { named } from './support/package-name.ts'
import { report, samples } from './support/report.ts'
import type { Figure, Stats } from './support/figures.ts'
import type { Connection, Libp2pEvents, PeerId } from '@libp2p/interface'

const OPEN = 10_000

/** Operations on other peers than the last one, so that the cache does not answer. */
const BATCH = 1_000

const peers = makePeers(OPEN + BATCH)
const connections = makeConnections(peers)
const newcomers = connections.slice(OPEN)
const clock = fakeClock()
const manager = connManager({ lowWater: OPEN, highWater: Infinity, clock })()
const notifee = manager.notifee()
const figures: Figure[] = []
const libp2p = named('@libp2p/peer-store')

for (const [i, connection] of connections.slice(0, OPEN).entries()) {
  clock.advance(1)
  notifee.connected(connection)
  for (const tag of ['kad-close', 'topic', 'mine']) manager.tagPeer(peers[i]!, tag, i % 100)
}

const spread10k = <T>(items: readonly T[]): T[] => Array.from({ length: BATCH }, (_, i) => items[(i * 7) % OPEN]!)
const some: readonly PeerId[] = spread10k(peers)
const bare = new Map(peers.slice(0, OPEN).map(peer => [peer.toString(), new Map<string, number>()]))
let value = 0

const peerStore = persistentPeerStore({
  peerId: peers[0]!,
  datastore: new MemoryDatastore(),
  events: new TypedEventEmitter<Libp2pEvents>(),
  logger: defaultLogger()
})
for (const peer of some) await peerStore.merge(peer, { tags: { value: { value: 1 } } })

await time('tagPeer, an existing tag', () => { for (const peer of some) manager.tagPeer(peer, 'mine', ++value) }, {
  peers: { [libp2p]: async () => { for (const peer of some) await peerStore.merge(peer, { tags: { value: { value: ++value % 100 } } }) } },
  floors: { 'a Map in a Map': () => { for (const peer of some) bare.get(peer.toString())!.set('mine', ++value) } }
})
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
await time('getTagInfo, three tags', () => { for (const peer of some) manager.getTagInfo(peer) }, {
  peers: { [libp2p]: async () => { for (const peer of some) await peerStore.get(peer) } }
})
await time('connected and disconnected', () => { for (const connection of newcomers) connectAndLeave(connection) }, {
  floors: { 'a Map, inserted and deleted': () => { for (const { remotePeer } of newcomers) insertAndDelete(remotePeer.toString()) } }
})

report({ title: `operations of the manager at ${OPEN.toLocaleString('en')} connections`, figures })

const limited = connManager({ lowWater: OPEN - 100, highWater: OPEN - 1, gracePeriod: 0, clock })()
limited.start()
for (const connection of connections.slice(0, OPEN)) limited.notifee().connected(connection)
figures.length = 0
await time('ours, synchronous', () => {
  for (const connection of newcomers) limited.notifee().connected(connection)
  for (const connection of newcomers) limited.notifee().disconnected(connection)
})
limited.stop()

report({ title: `one connection:open and close above the high mark at ${OPEN.toLocaleString('en')} connections`, figures })

function connectAndLeave (connection: Connection): void {
  notifee.connected(connection)
  notifee.disconnected(connection)
}

function insertAndDelete (peer: string): void {
  bare.set(peer, new Map())
  bare.delete(peer)
}

type Others = Readonly<Record<string, () => unknown>>

async function time (name: string, run: () => void, { peers = {}, floors = {} }: { peers?: Others, floors?: Others } = {}): Promise<void> {
  figures.push({ name, size: OPEN, unit: 'ns', ours: per(await measure(run), BATCH), peers: await all(peers), floors: await all(floors) })
}

async function all (others: Others): Promise<Record<string, Stats>> {
  const stats: Record<string, Stats> = {}
  for (const [who, run] of Object.entries(others)) stats[who] = per(await measure(run, samples(20)), BATCH)
  return stats
}
