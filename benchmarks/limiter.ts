// What does a decision cost? `take`, `accept` and `match`, in one run with what others offer and with a bare Map that does as little as could
// be done. Absolute times depend on the machine and its neighbours: compare within one run.
//
//   node --expose-gc benchmarks/limiter.ts [rates] [connections] [lists]

import { BlockList as NodeBlockList } from 'node:net'
import { RateLimiter as Libp2pRateLimiter } from '@libp2p/utils'
import { MemoryStore } from 'express-rate-limit'
import { RateLimiter as TokenLimiter } from 'limiter'
import { do_not_optimize, measure } from 'mitata'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { formatIp } from '../src/address/ip.ts'
import { fakeClock } from '../src/clock/fake-clock.ts'
import { blockList } from '../src/limiter/block-list.ts'
import { connectionLimiter } from '../src/limiter/connection-limiter.ts'
import { rateLimiter } from '../src/limiter/rate-limiter.ts'
import { STRATEGY_NAMES } from '../src/limiter/rate.ts'
import { once, per } from './support/figures.ts'
import { memoryInUse } from './support/memory-in-use.ts'
import { named } from './support/package-name.ts'
import { report } from './support/report.ts'
import type { Figure, Stats } from './support/figures.ts'
import type { Ip } from '../src/address/ip.ts'
import type { ConnectionLimiter } from '../src/limiter/connection-limiter.ts'
import type { RemoteLike } from '../src/limiter/remote.ts'
import type { RateStrategy } from '../src/limiter/rate.ts'

const MANY = 100_000
const MILLION = 1_000_000
/** Decisions in one sample, so that reading the time costs nothing of it. */
const BATCH = 1_024

/** One key and many, and where it can refuse, a refusal. */
type Three = readonly [one: Stats, many: Stats, refused?: Stats]
type Contestants = Readonly<Record<string, Three>>

/** A figure for each of ours at each of the three; the others stand beside the first of ours. */
function figuresOf (what: string, ours: Contestants, peers: Contestants, floors: Contestants, targets: readonly string[]): Figure[] {
  const at = (contestants: Contestants, index: 0 | 1 | 2): Record<string, Stats> => Object.fromEntries(Object.entries(contestants).flatMap(([who, three]) => three[index] == null ? [] : [[who, three[index]]]))

  return [`${what}, one`, `${what}, many`, `${what}, refused`].flatMap((name, index) => Object.entries(at(ours, index as 0)).map(([who, stats], first) => ({
    name: `${name}: ${who}`,
    size: index === 1 ? MANY : 1,
    unit: 'ns' as const,
    ours: stats,
    peers: first === 0 ? at(peers, index as 0) : {},
    floors: first === 0 ? at(floors, index as 0) : {},
    target: targets[index] ?? ''
  })))
}

const random = mulberry32(1)
const bits = (): number => Math.floor(random() * 2 ** 32) >>> 0
const keys = Array.from({ length: MANY }, (_, at) => flat(`client ${at}`))
const ips = Array.from({ length: MANY }, (): Ip => ({ family: 4, bits: bits() }))
const ips6 = Array.from({ length: MANY }, (): Ip => ({ family: 6, a: 0x20000000 | bits() >>> 4, b: bits(), c: 0, d: 1 }))
const texts = ips.map(ip => flat(formatIp(ip)))

/** The time of one call, in ns; each call gets the next of the values, round and round. */
async function time<T> (values: readonly T[], run: (value: T) => unknown): Promise<Stats> {
  let at = 0
  const stats = await measure(() => {
    for (let left = BATCH; left > 0; left--) {
      do_not_optimize(run(values[at]!))
      at = at + 1 === values.length ? 0 : at + 1
    }
  }, { min_cpu_time: 1e8, max_samples: 2_000 } as object)

  return per(stats, BATCH)
}

async function timeAsync<T> (values: readonly T[], run: (value: T) => Promise<unknown>): Promise<Stats> {
  let at = 0
  const stats = await measure(async () => {
    for (let left = BATCH; left > 0; left--) {
      await run(values[at]!)
      at = at + 1 === values.length ? 0 : at + 1
    }
  }, { min_cpu_time: 1e8, max_samples: 2_000 } as object)

  return per(stats, BATCH)
}

const one = keys.slice(0, 1)
const never = 2 ** 31

async function rates (): Promise<void> {
  const mine: Record<string, Three> = {}
  // theirs are windows, too
  for (const strategy of STRATEGY_NAMES.toSorted((a, b) => Number(b === 'fixed-window') - Number(a === 'fixed-window'))) mine[strategy] = await ours(strategy)

  const bare = new Map(keys.map(key => [key, { used: 0 }]))
  const system = rateLimiter({ strategy: 'token-bucket', limit: 1e9, window: 1_000 })
  const read = (key: string): number => {
    const entry = bare.get(key)!
    entry.used = Date.now()
    return entry.used
  }
  const both = async (run: (key: string) => unknown): Promise<Three> => [await time(one, run), await time(keys, run)]
  const floors = { 'a bare Map': await both(key => bare.get(key)!.used++) }

  report({ title: 'rate limiters, with a clock that costs nothing', figures: figuresOf('take', mine, await otherRates(), floors, ['≤ 60 ns', '≤ 250 ns', 'as taken']) })
  report({ title: 'rate limiters that read the system\'s clock', figures: figuresOf('take', { 'token-bucket': await both(key => system.take(key)) }, {}, { 'a bare Map that reads the clock, too': await both(read) }, []) })
}

async function otherRates (): Promise<Contestants> {
  const flexible = new RateLimiterMemory({ points: never, duration: 1_000 })
  const strict = new RateLimiterMemory({ points: 1, duration: 1_000 })
  const libp2p = new Libp2pRateLimiter({ points: never, duration: 1_000 })
  const strictLibp2p = new Libp2pRateLimiter({ points: 1, duration: 1_000 })
  const store = new MemoryStore()
  const limiters = new Map(keys.map(key => [key, new TokenLimiter({ tokensPerInterval: never, interval: 1_000_000 })]))
  store.init({ windowMs: 1_000_000 } as Parameters<MemoryStore['init']>[0])

  const all: Contestants = {
    [named('rate-limiter-flexible', 'awaited')]: [
      await timeAsync(one, async key => flexible.consume(key)), await timeAsync(keys, async key => flexible.consume(key)), await timeAsync(one, async key => strict.consume(key).catch(caught => caught))
    ],
    [named('@libp2p/utils', 'RateLimiter')]: [await time(one, key => libp2p.consume(key)), await time(keys, key => libp2p.consume(key)), await time(one, key => caughtFrom(() => strictLibp2p.consume(key)))],
    [named('express-rate-limit', 'MemoryStore, awaited')]: [await timeAsync(one, async key => store.increment(key)), await timeAsync(keys, async key => store.increment(key))],
    [named('limiter', 'a Map of them')]: [await time(one, key => limiters.get(key)!.tryRemoveTokens(1)), await time(keys, key => limiters.get(key)!.tryRemoveTokens(1))]
  }
  store.shutdown()
  return all
}

/** Some say no by throwing. */
function caughtFrom (run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}

/** Admitted at one key and at many, and refused at one. The clock moves, so that windows end and buckets fill. */
async function ours (strategy: RateStrategy): Promise<Three> {
  const clock = fakeClock()
  const limiter = rateLimiter({ strategy, limit: 1_000_000, window: 1_000 }, { clock })
  const strict = rateLimiter({ strategy, limit: 1, window: 1_000_000 }, { clock })
  let taken = 0
  const take = (key: string): unknown => {
    if ((++taken & 0xffff) === 0) clock.advance(1_000)
    return limiter.take(key)
  }
  keys.forEach(take)
  strict.take(keys[0]!)

  return [await time(one, take), await time(keys, take), await time(one, key => strict.take(key))]
}

async function connections (): Promise<void> {
  const clock = fakeClock()
  const limiter = (init = {}): ConnectionLimiter => connectionLimiter({ clock, maxConnsPerIp: 100, ...init })
  const acceptAndRelease = (who: ConnectionLimiter) => (remote: RemoteLike): unknown => {
    const verdict = who.accept(remote)
    return verdict.allow && verdict.lease!.release()
  }
  const both = async <T>(values: readonly T[], run: (value: T) => unknown): Promise<[Stats, Stats]> => [await time(values.slice(0, 1), run), await time(values, run)]
  const full = (remote: RemoteLike, init = {}): ConnectionLimiter => {
    const strict = connectionLimiter({ ...init, maxConnsPerIp: 1 })
    strict.accept(remote)
    return strict
  }

  const holding = limiter()
  ips.forEach(ip => holding.accept(ip))
  const strict = full(ips[0]!, { clock })
  const strictText = full(texts[0]!)
  const system = connectionLimiter({ maxConnsPerIp: 100 })
  const ours: Contestants = {
    'IPv4, parsed': [...await both(ips, acceptAndRelease(limiter())), await time(ips.slice(0, 1), ip => strict.accept(ip))],
    'IPv6, parsed, two levels': await both(ips6, acceptAndRelease(limiter())),
    'IPv4, parsed, one held by each': await both(ips, acceptAndRelease(holding)),
    'text to parse, system clock': [...await both(texts, acceptAndRelease(system)), await time(texts.slice(0, 1), text => strictText.accept(text))]
  }

  const map = new Map<number, number>()
  const bare = (ip: Ip): unknown => {
    const key = (ip as { bits: number }).bits | 0
    map.set(key, (map.get(key) ?? 0) + 1)
    return map.delete(key)
  }

  report({
    title: 'connection limiter: accept and release',
    figures: figuresOf('accept + release', ours, {}, { 'a bare Map, inserted and deleted': await both(ips, bare) }, ['≤ 150 ns', '≤ 450 ns', '≤ 60 ns']),
    notes: ['go-connlimit is measured beside ours in the benchmark `go`.']
  })
}

async function lists (): Promise<void> {
  // Texts, because collecting two million strings of ours would be in their stalls.
  const ranges = linesOf(() => `${formatIp({ family: 4, bits: bits() })}/${16 + bits() % 17}`)
  const ranges6 = linesOf(() => `${formatIp({ family: 6, a: 0x20000000 | bits() >>> 4, b: bits(), c: 0, d: 0 })}/${32 + bits() % 33}`)
  const texts6 = ips6.map(ip => flat(formatIp(ip)))
  const mine4 = await load(ranges, texts)
  const mine6 = await load(ranges6, texts6)
  const theirs = await loadNodeList(ranges)
  const node = `net.BlockList, Node ${process.version}`
  const rows = (family: string, mine: Loaded, others: Partial<Loaded>): Figure[] => [
    { name: `built, ${family}`, size: MILLION, unit: 'ms', ours: mine.built, peers: beside(node, others.built), target: '≤ 1,500 ms' },
    { name: `memory, ${family}`, size: MILLION, unit: 'MB', ours: mine.memory, peers: beside(node, others.memory), target: '≤ 24 MB' },
    { name: `longest stall, ${family}`, size: MILLION, unit: 'ms', ours: mine.stall, peers: beside(node, others.stall), target: '≤ 50 ms' },
    { name: `match, ${family}`, size: MILLION, unit: 'ns', ours: mine.match, peers: beside(node, others.match), target: '≤ 400 ns' }
  ]

  report({
    title: 'a list of a million subnets',
    figures: [...rows('IPv4', mine4, theirs), ...rows('IPv6', mine6, {})],
    notes: ['Lists are built once: what building takes has no quartiles. `net.BlockList` keeps its rules outside of the heap, so its memory is what the process grew by.', 'Other libraries, which look at each subnet in turn, are in the benchmark `scaling`.']
  })
}

interface Loaded {
  readonly built: Stats
  readonly memory: Stats
  readonly stall: Stats
  readonly match: Stats
}

function beside (who: string, stats: Stats | undefined): Record<string, Stats> {
  return stats == null ? {} : { [who]: stats }
}

async function load (ranges: string, probes: readonly string[]): Promise<Loaded> {
  const before = await memoryInUse()
  const ours = blockList()
  const stall = stallMeter()
  const started = performance.now()
  await ours.load(ranges)
  const built = performance.now() - started
  const longest = stall()

  return { built: once(built), stall: once(longest), memory: once((await memoryInUse() - before) / 1e6), match: await time(probes, ip => ours.match(ip)) }
}

async function loadNodeList (ranges: string): Promise<Loaded> {
  const lines = ranges.split('\n')
  const before = process.memoryUsage.rss()
  const started = performance.now()
  const theirs = new NodeBlockList()
  for (const range of lines) {
    const [net, length] = range.split('/')
    theirs.addSubnet(net!, Number(length))
  }
  const built = performance.now() - started

  return { built: once(built), stall: once(built), memory: once((process.memoryUsage.rss() - before) / 1e6), match: await time(texts, ip => theirs.check(ip)) }
}

function linesOf (line: () => string): string {
  return flat(Array.from({ length: MILLION }, line).join('\n'))
}

/** @returns a function that stops it and names the longest time in which nothing else could run */
function stallMeter (): () => number {
  let last = performance.now()
  let longest = 0
  let handle = setImmediate(turn)

  function turn (): void {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    handle = setImmediate(turn)
  }

  return () => {
    clearImmediate(handle)
    return longest
  }
}

/** Concatenated texts are trees until somebody reads them. */
function flat (text: string): string {
  return Buffer.from(text).toString()
}

function mulberry32 (seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0
    let hash = Math.imul(seed ^ seed >>> 15, 1 | seed)
    hash = hash + Math.imul(hash ^ hash >>> 7, 61 | hash) ^ hash
    return ((hash ^ hash >>> 14) >>> 0) / 2 ** 32
  }
}

const parts = { rates, connections, lists }
const asked = process.argv.slice(2)
for (const [name, part] of Object.entries(parts)) {
  if (asked.length === 0 || asked.includes(name)) await part()
}
process.exit()
