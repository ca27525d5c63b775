// How many bytes does the manager keep for one peer with three tags and one connection, beside the objects that libp2p itself holds?
// js-libp2p keeps an entry of its connection map and one of its peer store, with the tags; go-libp2p's figure is in the benchmark `go`. Each is
// measured in a process of its own: what another one leaves to be collected would be subtracted from it.
//
//   npm run bench -- memory

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { defaultLogger } from '@libp2p/logger'
import { PeerMap } from '@libp2p/peer-collections'
import { persistentPeerStore } from '@libp2p/peer-store'
import { MemoryDatastore } from 'datastore-core'
import { TypedEventEmitter } from 'main-event'
import { connManager } from '../src/index.ts'
import { fakeClock } from '../src/testing.ts'
import { once } from './support/figures.ts'
import { memoryInUse } from './support/memory-in-use.ts'
import { makeConnections, makePeers } from './support/mock-connections.ts'
import { named } from './support/package-name.ts'
import { report } from './support/report.ts'
import type { Connection, Libp2pEvents } from '@libp2p/interface'

const PEERS = 100_000

/** It takes its peer store a while to write them. */
const THEIR_PEERS = 20_000
const TAGS = ['kad-close', 'topic', 'mine']

/** Bytes for a peer, by what of it; `kB` of all that is left when everybody has gone. */
type Bytes = Readonly<Record<string, number>>

const PARTS: Readonly<Record<string, () => Promise<Bytes>>> = { ours, theirs, floor }

async function ours (): Promise<Bytes> {
  const peers = makePeers(PEERS)
  const connections = makeConnections(peers)
  const clock = fakeClock()
  const manager = connManager({ lowWater: PEERS, highWater: Infinity, clock })()
  const empty = await memoryInUse()

  for (const connection of connections) {
    clock.advance(1)
    manager.notifee().connected(connection)
  }
  const connected = await memoryInUse()

  for (const [i, peer] of peers.entries()) {
    for (const tag of TAGS) manager.tagPeer(peer, tag, i % 100)
  }
  const tagged = await memoryInUse()

  for (const connection of connections) manager.notifee().disconnected(connection)
  const left = await memoryInUse()

  return { connected: (connected - empty) / PEERS, tagged: (tagged - empty) / PEERS, left: left - empty, kept: manager.getInfo().trackedPeers, of: connections.length }
}

/** Its own map of connections, and the peer store that its manager asks for tags. */
async function theirs (): Promise<Bytes> {
  const peers = makePeers(THEIR_PEERS)
  const connections = makeConnections(peers)
  const map = new PeerMap<Connection[]>()
  const init = { peerId: peers[0]!, datastore: new MemoryDatastore(), events: new TypedEventEmitter<Libp2pEvents>(), logger: defaultLogger() }
  const store = persistentPeerStore(init)
  const empty = await memoryInUse()

  for (const [i, peer] of peers.entries()) map.set(peer, [connections[i]!])
  const connected = await memoryInUse()

  for (const [i, peer] of peers.entries()) await store.merge(peer, { tags: Object.fromEntries(TAGS.map(tag => [tag, { value: i % 100 }])) })
  const tagged = await memoryInUse()

  if (map.size !== THEIR_PEERS || !await store.has(peers[1]!)) throw new Error('Peers are missing')
  return { connected: (connected - empty) / THEIR_PEERS, tagged: (tagged - empty) / THEIR_PEERS }
}

async function floor (): Promise<Bytes> {
  const peers = makePeers(PEERS)
  const connections = makeConnections(peers)
  const empty = await memoryInUse()
  const map = new Map(peers.map((peer, i) => [peer.toString(), { value: i, openedAt: i, connection: connections[i] }]))
  const connected = await memoryInUse()

  return { connected: (connected - empty) / map.size }
}

function inOwnProcess (part: string): Bytes {
  return JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), part], { encoding: 'utf8' })) as Bytes
}

function compare (): void {
  const [mine, other, least] = ['ours', 'theirs', 'floor'].map(inOwnProcess) as [Bytes, Bytes, Bytes]
  const libp2p = `${named('libp2p')}, map and peer store`

  report({
    title: 'bytes for a peer with one connection, beside the objects that libp2p itself holds',
    figures: [
      { name: 'connected, without tags', size: PEERS, unit: 'bytes', ours: once(mine.connected!), peers: { [`${named('libp2p')}, map`]: once(other.connected!) }, floors: { 'a Map to a flat object': once(least.connected!) } },
      { name: 'connected, with three tags', size: PEERS, unit: 'bytes', ours: once(mine.tagged!), peers: { [libp2p]: once(other.tagged!) } }
    ],
    notes: [
      `js-libp2p's are of ${THEIR_PEERS.toLocaleString('en')} peers.`,
      `After all ${mine.of!.toLocaleString('en')} have left, ours keeps ${mine.kept!.toLocaleString('en')} peers for their tags, ${Math.round(mine.left! / 1_000).toLocaleString('en')} kB in all.`
    ]
  })
}

const part = PARTS[process.argv[2] ?? '']
if (part == null) compare()
else console.log(JSON.stringify(await part()))
