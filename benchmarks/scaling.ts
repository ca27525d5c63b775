// What does size cost? Accept, trim, block match and rate from a handful to a million entries, on log axes: accept, match and take should stay flat, but
// for the caches of the machine; a trim rises with its peers. Each question is asked in a process of its own.
//
//   npm run bench -- scaling
//   node benchmarks/scaling.ts accept

import { spawnSync } from 'node:child_process'
import { BlockList as NodeBlockList } from 'node:net'
import { fileURLToPath } from 'node:url'
import { IpNet } from '@chainsafe/netmask'
import { RateLimiter as Libp2pRateLimiter } from '@libp2p/utils'
import ipaddr from 'ipaddr.js'
import { do_not_optimize, measure } from 'mitata'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { parseIp } from '../src/address/ip.ts'
import { connectionGater, connManager } from '../src/index.ts'
import { blockList, connectionLimiter, rateLimiter } from '../src/limiter.ts'
import { fakeClock } from '../src/testing.ts'
import { cheapConnections } from './support/cheap-connections.ts'
import { once, per } from './support/figures.ts'
import { jsAcceptCheck } from './support/js-accept-check.ts'
import { memoryInUse } from './support/memory-in-use.ts'
import { seededRandom } from './support/mock-connections.ts'
import { mockSocket, scatteredAddress } from './support/mock-sockets.ts'
import { named } from './support/package-name.ts'
import { quickselect } from './support/quickselect.ts'
import { report, samples } from './support/report.ts'
import type { Figure, Stats } from './support/figures.ts'

const SIZES = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]
const MILLION = SIZES.at(-1)!

/** Below, what comes and goes anyway outweighs the entries. */
const MEMORY_FROM = 100_000

/** Others are measured up to where one more size would take longer than all the rest. */
const THEIR_MOST = 100_000
const LINEAR_MOST = 1_000
/** Its accept check takes 25 s at 100,000. */
const PEER_MOST = 10_000
const BATCH = 256

const QUESTIONS: Readonly<Record<string, () => Promise<void>>> = { accept, trim, match, take }

/** Nanoseconds for one call, each on the next of some thousands. */
async function each (run: (at: number) => unknown): Promise<Stats> {
  let at = 0

  return per(await measure(() => {
    for (let left = BATCH; left > 0; left--) do_not_optimize(run(at++))
  }, { min_cpu_time: 3e7, max_samples: 2_000 } as object), BATCH)
}

async function eachAwaited (run: (at: number) => Promise<unknown>): Promise<Stats> {
  let at = 0

  return per(await measure(async () => {
    for (let left = BATCH; left > 0; left--) await run(at++)
  }, { min_cpu_time: 3e7, max_samples: 2_000 } as object), BATCH)
}

/** The cost by size, and beside it what an entry takes. */
function answer (title: string, name: string, figures: readonly Figure[], memory: readonly Figure[]): void {
  report({ title, figures, chart: 'lines' })
  report({ title: `memory for each entry: ${name}`, figures: memory })
}

async function accept (): Promise<void> {
  const [figures, memory]: [Figure[], Figure[]] = [[], []]

  for (const size of SIZES.slice(1)) {
    const before = await memoryInUse()
    const limiter = connectionLimiter({ maxConnsPerIp: 8, capacity: 2 * MILLION, clock: fakeClock() })
    for (let at = 0; at < size; at++) limiter.accept(parseIp(scatteredAddress(at))!)
    if (size >= MEMORY_FROM) memory.push({ name: 'a connection that a limiter holds', size, unit: 'bytes', ours: once((await memoryInUse() - before) / size) })

    const strangers = Array.from({ length: 4_096 }, (_, at) => parseIp(scatteredAddress(MILLION + at))!)
    const counts = new Map(Array.from({ length: size }, (_, at) => [scatteredAddress(at), 1]))
    const texts = Array.from({ length: 4_096 }, (_, at) => scatteredAddress(MILLION + at))

    figures.push({
      name: 'accept and release',
      size,
      unit: 'ns',
      ours: await each(at => {
        const verdict = limiter.accept(strangers[at & 4_095]!)
        return verdict.allow && verdict.lease!.release()
      }),
      floors: {
        'a Map, inserted and deleted': await each(at => {
          counts.set(texts[at & 4_095]!, 1)
          return counts.delete(texts[at & 4_095]!)
        })
      }
    })
    if (size <= THEIR_MOST) figures.push({ name: 'the gater\'s whole decision, and close', size, unit: 'ns', ours: await gaterAt(size), peers: size > PEER_MOST ? {} : { [named('libp2p', 'accept check')]: await jsAcceptCheck(size) } })
  }
  answer('accept, by connections open', 'connections', figures, memory)
}

async function gaterAt (open: number): Promise<Stats> {
  const gater = connectionGater({ connectRate: false, maxPending: Infinity })
  for (let at = 0; at < open; at++) gater.denyInboundConnection(mockSocket(scatteredAddress(at)))
  let at = MILLION

  return per(await measure(function * () {
    yield {
      [0]: () => Array.from({ length: BATCH }, () => mockSocket(scatteredAddress(at++))),
      bench: (sockets: ReturnType<typeof mockSocket>[]) => {
        for (const socket of sockets) {
          gater.denyInboundConnection(socket)
          socket.close()
        }
      }
    }
  } as never, samples(40, 20)), BATCH)
}

async function trim (): Promise<void> {
  const [figures, memory]: [Figure[], Figure[]] = [[], []]

  for (const size of SIZES.filter(size => size >= 1_000)) {
    const connections = cheapConnections(size)
    const random = seededRandom(2)
    const before = await memoryInUse()
    const clock = fakeClock()
    const manager = connManager({ lowWater: size * 9 / 10, highWater: Infinity, gracePeriod: 0, clock })()

    for (const [at, connection] of connections.entries()) {
      clock.advance(1)
      manager.notifee().connected(connection)
      if (at % 2 === 0) manager.tagPeer(connection.remotePeer, 'value', Math.floor(random() * 100))
    }
    if (size >= MEMORY_FROM) memory.push({ name: 'a peer with a connection, every second with a tag', size, unit: 'bytes', ours: once((await memoryInUse() - before) / size) })

    const keys = Float64Array.from({ length: size }, (_, at) => Math.floor(random() * 100) * 2 ** 20 + at)
    const copy = new Float64Array(size)
    const count = size === MILLION ? 10 : 20

    figures.push({
      name: 'choose a tenth',
      size,
      unit: 'ms',
      ours: per(await measure(() => manager.planTrim(), samples(count, 3)), 1e6),
      floors: {
        'quickselect of typed keys': per(await measure(() => {
          copy.set(keys)
          do_not_optimize(quickselect(copy, size / 10))
        }, samples(count, 3)), 1e6)
      }
    })
  }
  answer('trim: choose a tenth, by peers', 'peers', figures, memory)
}

async function match (): Promise<void> {
  const [figures, memory]: [Figure[], Figure[]] = [[], []]
  const random = seededRandom(5)
  const ranges = Array.from({ length: MILLION }, (_, at) => `${scatteredAddress(at)}/${16 + Math.floor(random() * 17)}`)
  const probes = Array.from({ length: 4_096 }, (_, at) => scatteredAddress(2 * MILLION + at))
  const probe = (at: number): string => probes[at & 4_095]!

  for (const size of SIZES) {
    const some = ranges.slice(0, size)
    const text = Buffer.from(some.join('\n')).toString('latin1')
    const before = await memoryInUse()
    const ours = blockList()
    await ours.load(text)
    if (size >= MEMORY_FROM) memory.push({ name: 'a blocked subnet', size, unit: 'bytes', ours: once((await memoryInUse() - before) / size) })

    figures.push({ name: 'match', size, unit: 'ns', ours: await each(at => ours.match(probe(at))), peers: await otherLists(some, probe), floors: { 'binary search of numbers': await searched(size) } })
  }
  answer('block list: one match, by subnets', 'subnets', figures, memory)
}

async function otherLists (ranges: readonly string[], probe: (at: number) => string): Promise<Record<string, Stats>> {
  const stats: Record<string, Stats> = {}

  if (ranges.length <= THEIR_MOST) {
    const list = new NodeBlockList()
    for (const range of ranges) list.addSubnet(range.slice(0, range.indexOf('/')), Number(range.slice(range.indexOf('/') + 1)))
    stats[`net.BlockList, Node ${process.version}`] = await each(at => list.check(probe(at)))
  }
  if (ranges.length <= LINEAR_MOST) {
    const nets = ranges.map(range => new IpNet(range))
    const cidrs = ranges.map(range => ipaddr.parseCIDR(range))
    stats[named('@chainsafe/netmask')] = await each(at => nets.some(net => net.contains(probe(at))))
    stats[named('ipaddr.js')] = await each(at => {
      const address = ipaddr.parse(probe(at))
      return cidrs.some(cidr => address.match(cidr))
    })
  }
  return stats
}

async function searched (size: number): Promise<Stats> {
  const sorted = Uint32Array.from({ length: size }, (_, at) => Math.imul(at, 0x9e3779b1) >>> 0).sort()

  return each(at => {
    const wanted = Math.imul(at & 4_095, 0x2c1b3c6d) >>> 0
    let [low, high] = [0, size]

    while (low < high) {
      const middle = low + high >>> 1
      if (sorted[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  })
}

async function take (): Promise<void> {
  const [figures, memory]: [Figure[], Figure[]] = [[], []]
  const all = Array.from({ length: MILLION }, (_, at) => Buffer.from(`client ${at}`).toString('latin1'))
  const quota = 2 ** 31

  for (const size of SIZES) {
    const key = (at: number): string => all[at * 7_919 % size]!
    const before = await memoryInUse()
    const ours = rateLimiter({ strategy: 'token-bucket', limit: quota, window: 1_000_000 }, { clock: fakeClock(), capacity: 2 * MILLION })
    for (const key of all.slice(0, size)) ours.take(key)
    if (size >= MEMORY_FROM) memory.push({ name: 'a key of text with its quota', size, unit: 'bytes', ours: once((await memoryInUse() - before) / size) })

    const bare = new Map(all.slice(0, size).map(key => [key, { used: 0 }]))
    figures.push({ name: 'take', size, unit: 'ns', ours: await each(at => ours.take(key(at))), peers: size > THEIR_MOST ? {} : await otherRates(key), floors: { 'a Map of objects': await each(at => bare.get(key(at))!.used++) } })
  }
  answer('rate limiter: one take, by keys', 'keys', figures, memory)
}

async function otherRates (key: (at: number) => string): Promise<Record<string, Stats>> {
  const flexible = new RateLimiterMemory({ points: 2 ** 31, duration: 1_000 })
  const libp2p = new Libp2pRateLimiter({ points: 2 ** 31, duration: 1_000 })

  return {
    [`${named('rate-limiter-flexible')}, awaited`]: await eachAwaited(async at => flexible.consume(key(at))),
    [`${named('@libp2p/utils')} RateLimiter`]: await each(at => libp2p.consume(key(at)))
  }
}

const asked = process.argv[2]

if (asked == null) {
  for (const question of Object.keys(QUESTIONS)) {
    const { status } = spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', fileURLToPath(import.meta.url), question], { stdio: 'inherit' })
    if (status !== 0) process.exitCode = 1
  }
} else {
  await QUESTIONS[asked]!()
  // others keep timers for each key
  process.exit()
}
