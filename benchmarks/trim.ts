// How long does it take to choose and close a tenth of the connections? js-libp2p's own pruner, on the same connections, is the yardstick.
//
//   npm run bench -- trim

import { defaultLogger } from '@libp2p/logger'
import { persistentPeerStore } from '@libp2p/peer-store'
import { MemoryDatastore } from 'datastore-core'
import { TypedEventEmitter } from 'main-event'
import { do_not_optimize, measure } from 'mitata'
import { connManager } from '../src/index.ts'
import { fakeClock } from '../src/testing.ts'
import { per, quartiles } from './support/figures.ts'
import { makeConnections, makePeers, seededRandom } from './support/mock-connections.ts'
import { named } from './support/package-name.ts'
import { quickselect } from './support/quickselect.ts'
import { report, samples } from './support/report.ts'
import type { Figure, Stats } from './support/figures.ts'
import type { ConnManager } from '../src/index.ts'
import type { Connection, Libp2pEvents, PeerId, PeerStore } from '@libp2p/interface'

const OPEN = [1_000, 10_000, 50_000]

/** Its own pruner is asked once there: at 50,000 one trim takes it some 12 s. */
const THEIR_MANY = 50_000
const THEIR_SAMPLES = 10

/** Until the compiler is done with them, after some hundred trims, ours take twice as long. Theirs has made a million turns of its loops in one. */
const SAMPLES = 30
const ourSamples = (open: number): object => samples(SAMPLES, open < THEIR_MANY ? 100 : 70)

const peers = makePeers(OPEN.at(-1)!)
const connections = makeConnections(peers)
const random = seededRandom(2)
const values = peers.map((_, index) => index % 2 === 0 ? Math.floor(random() * 100) : 0)
const peerStore = await fillPeerStore()
const libp2p = named('libp2p', 'ConnectionPruner')
const figures: Figure[] = []

for (const open of OPEN) {
  const theirs = await timePruner(open)
  const whole = await timeTrim(open)
  const decision = await timeDecision(open)
  const floor = await timeFloor(open)
  const selection = await timeQuickselect(open)
  const block = await longestBlock(open)
  const figure = (name: string, ours: Stats, others: object): Figure => ({ name, size: open, unit: 'ms', ours: per(ours, 1e6), ...others })

  figures.push(
    figure('choose and close', whole, { peers: { [libp2p]: per(theirs, 1e6) }, floors: { 'sums in a Map, a sort, the same closes': per(floor, 1e6) } }),
    figure('choose', decision, { floors: { 'quickselect of typed keys': per(selection, 1e6) } }),
    figure('longest time without a turn of the event loop', block, { target: '≤ 30 ms' })
  )
}

report({
  title: 'choose and close a tenth of the connections, half of the peers tagged',
  figures,
  notes: [`The pruner is asked once at ${THEIR_MANY.toLocaleString('en')} connections, where one trim takes it many seconds.`]
})

/** js-libp2p's pruner and its own list of connections, as it comes. */
async function timePruner (open: number): Promise<Stats> {
  const { DefaultConnectionManager } = await import(new URL('./connection-manager/index.js', import.meta.resolve('libp2p')).href)
  const components = {
    peerId: peers[0],
    peerStore,
    peerRouting: {},
    transportManager: {},
    connectionGater: {},
    events: new TypedEventEmitter<Libp2pEvents>(),
    logger: defaultLogger()
  }
  const manager = new DefaultConnectionManager(components, { maxConnections: open * 9 / 10 })
  for (const connection of connections.slice(0, open)) manager.getConnectionsMap().set(connection.remotePeer, [connection])

  return measure(async () => { await manager.connectionPruner._maybePruneConnections() }, open < THEIR_MANY ? samples(THEIR_SAMPLES) : samples(1, 0))
}

async function timeTrim (open: number): Promise<Stats> {
  return measure(function * () {
    yield {
      [0]: () => filled(open),
      bench: async (manager: ConnManager) => { await manager.trimOpenConns() }
    }
  } as never, ourSamples(open))
}

async function timeDecision (open: number): Promise<Stats> {
  const manager = filled(open)

  return measure(() => manager.planTrim(), ourSamples(open))
}

/** The least code that could do the job: sums in a Map, keys copied out, a selection, the same closes. */
async function timeFloor (open: number): Promise<Stats> {
  const entries = new Map<PeerId, { value: number, connection: Connection }>()
  for (let i = 0; i < open; i++) entries.set(peers[i]!, { value: values[i]!, connection: connections[i]! })

  return measure(async () => {
    const all = [...entries.values()]
    const keys = Float64Array.from(all, ({ value }) => value)
    const threshold = keys.toSorted()[open / 10]!
    const closes: Promise<void>[] = []

    for (const { value, connection } of all) {
      if (value <= threshold && closes.length < open / 10) closes.push(connection.close())
    }

    await Promise.all(closes)
  }, ourSamples(open))
}

/** Only to find the tenth, of keys that are there already. */
async function timeQuickselect (open: number): Promise<Stats> {
  const keys = Float64Array.from(values.slice(0, open), (value, i) => value * 2 ** 20 + i)
  const copy = new Float64Array(open)

  return measure(() => {
    copy.set(keys)
    do_not_optimize(quickselect(copy, open / 10))
  }, ourSamples(open))
}

/** How long a trim keeps the event loop from turning: the longest turn of each of ten trims. */
async function longestBlock (open: number): Promise<Stats> {
  const longest: number[] = []

  for (let i = 0; i < 10; i++) {
    const manager = filled(open)
    let [last, most, trimming] = [performance.now(), 0, true]

    const watch = (): void => {
      const now = performance.now()
      most = Math.max(most, now - last)
      last = now
      if (trimming) setImmediate(watch)
    }

    setImmediate(watch)
    await manager.trimOpenConns()
    trimming = false
    longest.push(most * 1e6)
  }

  return quartiles(longest)
}

function filled (open: number): ConnManager {
  const clock = fakeClock()
  const manager = connManager({ lowWater: open * 9 / 10, highWater: Infinity, gracePeriod: 0, maxUnconnectedPeers: 0, clock })()
  const notifee = manager.notifee()

  for (let i = 0; i < open; i++) {
    clock.advance(1)
    notifee.connected(connections[i]!)
    if (values[i] !== 0) manager.tagPeer(peers[i]!, 'value', values[i]!)
  }

  return manager
}

async function fillPeerStore (): Promise<PeerStore> {
  const store = persistentPeerStore({
    peerId: peers[0]!,
    datastore: new MemoryDatastore(),
    events: new TypedEventEmitter<Libp2pEvents>(),
    logger: defaultLogger()
  })

  for (const [i, peer] of peers.entries()) {
    if (values[i] !== 0) await store.merge(peer, { tags: { value: { value: values[i]! } } })
  }

  return store
}
