import { do_not_optimize, measure } from 'mitata'
import { connectionGater, connManager } from '../../src/index.ts'
import { connectionLimiter } from '../../src/limiter.ts'
import { fakeClock } from '../../src/testing.ts'
import { clientOf } from '../../src/address/client.ts'
import { parseIp } from '../../src/address/ip.ts'
import { CrowdLedger } from '../../src/limiter/crowd-ledger.ts'
import { memoryInUse } from './memory-in-use.ts'
import { makeConnections, makePeers, seededRandom } from './mock-connections.ts'
import { mockSocket, scatteredAddress } from './mock-sockets.ts'
import { samples } from './report.ts'
import type { ConnManager } from '../../src/index.ts'
import type { ConnectionLimiter, RemoteLike } from '../../src/limiter.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/** As `figure` in benchmarks/go: an operation at a size, and its samples. */
export interface Measured {
  readonly name: string
  readonly size: number
  readonly unit: 'ns' | 'bytes'
  readonly samples: readonly number[]
}

/** What ours does at a connect beside what Go's does: a trim prefers the more crowded prefix. */
export const OF_WHICH = 'of which the address read, its prefixes counted'

const TRIMS = [1_000, 10_000, 100_000]
const PEERS = 10_000
const ADDRESSES = 100_000

/** As in benchmarks/go/sample.go and connmgr.go. */
const BATCH = 1_024
const STRIDE = 7_919

const peers = makePeers(ADDRESSES)
const connections = makeConnections(peers)
const addresses = Array.from({ length: ADDRESSES }, (_, at) => scatteredAddress(at))

/** Each operation of benchmarks/go, by ours, under its name and size. */
export async function oursBesideGo (): Promise<ReadonlyMap<string, Measured>> {
  const all = [await bytesPerPeer(), ...await operations(), ...await trims(), ...await accepts(), ...await gate()]

  return new Map(all.map(one => [`${one.name} ${one.size}`, one]))
}

async function each (name: string, size: number, run: (at: number) => unknown): Promise<Measured> {
  let at = 0
  const { samples } = await measure(() => {
    for (let left = BATCH; left > 0; left--) do_not_optimize(run(at++))
  }, { min_cpu_time: 1e8, max_samples: 400 } as object)

  return { name, size, unit: 'ns', samples: samples.map(ns => ns / BATCH) }
}

function filled (open: number, lowWater: number, tags: readonly string[]): { manager: ConnManager, clock: ReturnType<typeof fakeClock> } {
  const clock = fakeClock()
  const manager = connManager({ lowWater, highWater: Infinity, gracePeriod: 0, maxUnconnectedPeers: 0, clock })()

  for (let i = 0; i < open; i++) {
    clock.advance(1)
    manager.notifee().connected(connections[i]!)
    for (const tag of tags) manager.tagPeer(peers[i]!, tag, i % 100)
  }
  return { manager, clock }
}

/** Choose and close a tenth, half of the peers tagged. */
async function trims (): Promise<Measured[]> {
  const all: Measured[] = []

  for (const size of TRIMS) {
    const ready = (): ConnManager => {
      const { manager } = filled(size, size * 9 / 10, [])
      const random = seededRandom(2)
      for (let i = 0; i < size; i += 2) manager.tagPeer(peers[i]!, 'value', Math.floor(random() * 100))
      return manager
    }
    const manager = ready()
    const decision = await measure(() => manager.planTrim(), samples(30, 30))
    const whole = await measure(function * () {
      yield { [0]: ready, bench: async (manager: ConnManager) => { await manager.trimOpenConns() } }
    } as never, samples(12))

    all.push({ name: 'trim, decision', size, unit: 'ns', samples: decision.samples }, { name: 'trim, with closing', size, unit: 'ns', samples: whole.samples })
  }
  return all
}

async function operations (): Promise<Measured[]> {
  const { manager } = filled(PEERS, PEERS, ['kad-close', 'topic', 'mine'])
  const notifee = manager.notifee()
  const one = (at: number): PeerId => peers[at % PEERS * STRIDE % PEERS]!
  const newcomer = (at: number): Connection => connections[PEERS + at % PEERS]!
  const crowds = new CrowdLedger()
  for (const { remoteAddr } of connections.slice(0, PEERS)) crowds.enter(clientOf(remoteAddr))

  return [
    await each('tag', PEERS, at => { manager.tagPeer(one(at), 'mine', at) }),
    await each('tag and untag', PEERS, at => {
      manager.tagPeer(one(at), 'new', 1)
      return manager.untagPeer(one(at), 'new')
    }),
    await each('protect and unprotect', PEERS, at => {
      manager.protect(one(at), 'mine')
      return manager.unprotect(one(at), 'mine')
    }),
    await each('info', PEERS, at => manager.getTagInfo(one(at))),
    await each('connect and disconnect', PEERS, at => {
      notifee.connected(newcomer(at))
      notifee.disconnected(newcomer(at))
    }),
    await each(OF_WHICH, PEERS, at => { crowds.leave(crowds.enter(clientOf(newcomer(at).remoteAddr))) }),
    await decayTick()
  ]
}

async function decayTick (): Promise<Measured> {
  const { manager, clock } = filled(PEERS, PEERS, [])
  const tag = manager.registerDecayingTag('decaying', {
    interval: 60_000,
    decay: ({ value }) => ({ after: value - 1, remove: false }),
    bump: ({ value }, delta) => value + delta
  })

  for (let i = 0; i < PEERS; i++) tag.bump(peers[i]!, 1_000_000)
  manager.start()
  const { samples: ticks } = await measure(() => { clock.advance(60_000) }, samples(30, 10))
  manager.stop()
  return { name: 'decay tick', size: PEERS, unit: 'ns', samples: ticks }
}

async function bytesPerPeer (): Promise<Measured> {
  const before = await memoryInUse()
  const { manager } = filled(ADDRESSES, ADDRESSES, ['kad-close', 'topic', 'mine'])
  const bytes = await memoryInUse() - before

  if (manager.getInfo().connCount !== ADDRESSES) throw new Error('Connections are missing')
  return { name: 'bytes per peer, three tags', size: ADDRESSES, unit: 'bytes', samples: [bytes / ADDRESSES] }
}

/** From the text that a socket has, with the system's clock; and, as Go gets it, from an address that was parsed when the socket was accepted. */
async function accepts (): Promise<Measured[]> {
  const limiter = connectionLimiter({ maxConnsPerIp: 100 })
  const ips = addresses.map(text => parseIp(text)!)
  const strict = connectionLimiter({ maxConnsPerIp: 1 })
  strict.accept(addresses[0]!)

  return [
    await each('accept and release', 1, () => acceptAndRelease(limiter, addresses[0]!)),
    await each('accept and release', ADDRESSES, at => acceptAndRelease(limiter, addresses[at % ADDRESSES]!)),
    await each('accept and release, address parsed before', 1, () => acceptAndRelease(limiter, ips[0]!)),
    await each('accept and release, address parsed before', ADDRESSES, at => acceptAndRelease(limiter, ips[at % ADDRESSES]!)),
    await each('refuse', 1, () => strict.accept(addresses[0]!))
  ]
}

function acceptAndRelease (limiter: ConnectionLimiter, remote: RemoteLike): void {
  const verdict = limiter.accept(remote)
  if (!verdict.allow) throw new Error(`Refused: ${verdict.reason}`)

  verdict.lease!.release()
}

/** Connections are made before they are asked for, a batch at a time: each is let in once. */
async function gate (): Promise<Measured[]> {
  const all: Measured[] = []
  let at = 0

  for (const size of [1, ADDRESSES]) {
    const gater = connectionGater({ connectRate: false, maxPending: Infinity })
    const { samples: batches } = await measure(function * () {
      yield {
        [0]: () => Array.from({ length: BATCH }, () => mockSocket(addresses[at++ % size]!)),
        bench: (sockets: ReturnType<typeof mockSocket>[]) => {
          for (const socket of sockets) {
            if (gater.denyInboundConnection(socket) === true) throw new Error('Refused')
            socket.close()
          }
        }
      }
    } as never, samples(60, 20))
    all.push({ name: 'a connection through the gate', size, unit: 'ns', samples: batches.map(ns => ns / BATCH) })
  }

  const full = connectionGater({ connectRate: false, maxPending: Infinity, maxPendingPerIp: Infinity, risk: false })
  for (let held = 0; held < 8; held++) full.denyInboundConnection(mockSocket(addresses[0]!))
  const socket = mockSocket(addresses[0]!)
  all.push(await each('refused by the gate', 1, () => full.denyInboundConnection(socket)))
  return all
}
