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
import type { Ip } from '../src/address/ip.ts'
import type { ConnectionLimiter } from '../src/limiter/connection-limiter.ts'
import type { RemoteLike } from '../src/limiter/remote.ts'
import type { RateStrategy } from '../src/limiter/rate.ts'

const MANY = 100_000
const MILLION = 1_000_000
/** Decisions in one sample, so that reading the time costs nothing of it. */
const BATCH = 1_024

type Row = Record<string, string | number>
const random = mulberry32(1)
const bits = (): number => Math.floor(random() * 2 ** 32) >>> 0
const keys = Array.from({ length: MANY }, (_, at) => flat(`client ${at}`))
const ips = Array.from({ length: MANY }, (): Ip => ({ family: 4, bits: bits() }))
const ips6 = Array.from({ length: MANY }, (): Ip => ({ family: 6, a: 0x20000000 | bits() >>> 4, b: bits(), c: 0, d: 1 }))
const texts = ips.map(ip => flat(formatIp(ip)))

/** The median time of one call, in ns; each call gets the next of the values, round and round. */
async function time<T> (values: readonly T[], run: (value: T) => unknown): Promise<number> {
  let at = 0
  const { p50 } = await measure(() => {
    for (let left = BATCH; left > 0; left--) {
      do_not_optimize(run(values[at]!))
      at = at + 1 === values.length ? 0 : at + 1
    }
  }, { min_cpu_time: 3e8 } as object)

  return p50 / BATCH
}

async function timeAsync<T> (values: readonly T[], run: (value: T) => Promise<unknown>): Promise<number> {
  let at = 0
  const { p50 } = await measure(async () => {
    for (let left = BATCH; left > 0; left--) {
      await run(values[at]!)
      at = at + 1 === values.length ? 0 : at + 1
    }
  }, { min_cpu_time: 3e8 } as object)

  return p50 / BATCH
}

const one = keys.slice(0, 1)
const never = 2 ** 31

async function rates (): Promise<void> {
  const rows: Row[] = []
  const row = (what: string, first: number, many: number, refused: number | string = ''): void => {
    rows.push({ 'take (ns)': what, '1 key': round(first), '100,000 keys': round(many), 'refused': typeof refused === 'number' ? round(refused) : refused })
  }

  row('target', 60, 250, 'as taken')
  for (const strategy of STRATEGY_NAMES) row(`rateLimiter, ${strategy}`, ...await ours(strategy))

  const map = (): Map<string, { used: number }> => new Map(keys.map(key => [key, { used: 0 }]))
  const bare = map()
  row('a bare Map', await time(one, key => bare.get(key)!.used++), await time(keys, key => bare.get(key)!.used++))

  const flexible = new RateLimiterMemory({ points: never, duration: 1_000 })
  const strict = new RateLimiterMemory({ points: 1, duration: 1_000 })
  const refusal = async (limiter: { consume (key: string): Promise<unknown> }, key: string): Promise<unknown> => limiter.consume(key).catch(err => err)
  row('rate-limiter-flexible, awaited', await timeAsync(one, async key => flexible.consume(key)), await timeAsync(keys, async key => flexible.consume(key)), await timeAsync(one, async key => refusal(strict, key)))

  const libp2p = new Libp2pRateLimiter({ points: never, duration: 1_000 })
  row('@libp2p/utils RateLimiter', await time(one, key => libp2p.consume(key)), await time(keys, key => libp2p.consume(key)))

  const store = new MemoryStore()
  store.init({ windowMs: 1_000_000 } as Parameters<MemoryStore['init']>[0])
  row('express-rate-limit MemoryStore, awaited', await timeAsync(one, async key => store.increment(key)), await timeAsync(keys, async key => store.increment(key)))
  store.shutdown()

  const limiters = new Map(keys.map(key => [key, new TokenLimiter({ tokensPerInterval: never, interval: 1_000_000 })]))
  row('limiter, a Map of them', await time(one, key => limiters.get(key)!.tryRemoveTokens(1)), await time(keys, key => limiters.get(key)!.tryRemoveTokens(1)))

  const system = rateLimiter({ strategy: 'token-bucket', limit: 1e9, window: 1_000 })
  const read = (key: string): number => {
    const entry = bare.get(key)!
    entry.used = Date.now()
    return entry.used
  }
  row('rateLimiter, token-bucket, system clock', await time(one, key => system.take(key)), await time(keys, key => system.take(key)))
  row('a bare Map that reads the clock, too', await time(one, read), await time(keys, read))
  console.table(rows)
}

/** Admitted at one key and at many, and refused at one. The clock moves, so that windows end and buckets fill. */
async function ours (strategy: RateStrategy): Promise<[number, number, number]> {
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
  const rows: Row[] = []
  const clock = fakeClock()
  const limiter = (init = {}): ConnectionLimiter => connectionLimiter({ clock, maxConnsPerIp: 100, ...init })
  const acceptAndRelease = (who: ConnectionLimiter) => (remote: RemoteLike): unknown => {
    const verdict = who.accept(remote)
    return verdict.allow && verdict.lease!.release()
  }
  const row = (what: string, values: Array<number | string>): void => {
    const [first, many, refused] = values.map(value => typeof value === 'number' ? round(value) : value)
    rows.push({ 'accept + release (ns)': what, '1 address': first!, '100,000 addresses': many!, 'refused': refused! })
  }
  const full = (remote: RemoteLike, init = {}): ConnectionLimiter => {
    const strict = limiter({ ...init, maxConnsPerIp: 1 })
    strict.accept(remote)
    return strict
  }

  row('target', [150, 450, 60])
  const plain = limiter()
  const strict = full(ips[0]!)
  row('connectionLimiter, IPv4, parsed', [await time(ips.slice(0, 1), acceptAndRelease(plain)), await time(ips, acceptAndRelease(plain)), await time(ips.slice(0, 1), ip => strict.accept(ip))])
  row('the same, IPv6 at two levels', [await time(ips6.slice(0, 1), acceptAndRelease(plain)), await time(ips6, acceptAndRelease(plain)), ''])

  const holding = limiter()
  ips.forEach(ip => holding.accept(ip))
  row('the same, one held by each address', [await time(ips.slice(0, 1), acceptAndRelease(holding)), await time(ips, acceptAndRelease(holding)), ''])

  const system = connectionLimiter({ maxConnsPerIp: 100 })
  const strictText = connectionLimiter({ maxConnsPerIp: 1 })
  strictText.accept(texts[0]!)
  row('text to parse, system clock', [await time(texts.slice(0, 1), acceptAndRelease(system)), await time(texts, acceptAndRelease(system)), await time(texts.slice(0, 1), text => strictText.accept(text))])

  const map = new Map<number, number>()
  const bare = (ip: Ip): unknown => {
    const key = (ip as { bits: number }).bits | 0
    map.set(key, (map.get(key) ?? 0) + 1)
    return map.delete(key)
  }
  row('a bare Map, inserted and deleted', [await time(ips.slice(0, 1), bare), await time(ips, bare), ''])
  row('go-connlimit (Go 1.23, another run)', [283, 457, 69])
  console.table(rows)
}

async function lists (): Promise<void> {
  const rows: Row[] = []
  // Texts, because collecting two million strings of ours would be in their stalls.
  const ranges = linesOf(() => `${formatIp({ family: 4, bits: bits() })}/${16 + bits() % 17}`)
  const ranges6 = linesOf(() => `${formatIp({ family: 6, a: 0x20000000 | bits() >>> 4, b: bits(), c: 0, d: 0 })}/${32 + bits() % 33}`)
  const texts6 = ips6.map(ip => flat(formatIp(ip)))
  rows.push({ 'a million subnets': 'target', 'built (ms)': 1_500, 'MB': 24, 'longest stall (ms)': 50, 'match (ns)': 400 })

  for (const [what, text, probes] of [['blockList, IPv4', ranges, texts], ['blockList, IPv6', ranges6, texts6]] as const) {
    const before = await used()
    const ours = blockList()
    const stall = stallMeter()
    const started = performance.now()
    await ours.load(text)
    const built = performance.now() - started
    const longest = stall()
    rows.push({ 'a million subnets': what, 'built (ms)': round(built), 'MB': round((await used() - before) / 1e6), 'longest stall (ms)': round(longest), 'match (ns)': round(await time(probes, ip => ours.match(ip))) })
  }

  // It keeps its rules outside of the heap, so this is what the process grew by.
  const lines = ranges.split('\n')
  const before = process.memoryUsage.rss()
  const started = performance.now()
  const theirs = new NodeBlockList()
  for (const range of lines) {
    const [net, length] = range.split('/')
    theirs.addSubnet(net!, Number(length))
  }
  const built = performance.now() - started
  rows.push({ 'a million subnets': 'net.BlockList, IPv4', 'built (ms)': round(built), 'MB': round((process.memoryUsage.rss() - before) / 1e6), 'longest stall (ms)': round(built), 'match (ns)': round(await time(texts, ip => theirs.check(ip))) })
  console.table(rows)
}

function linesOf (line: () => string): string {
  return flat(Array.from({ length: MILLION }, line).join('\n'))
}

/** Heap and buffers after collections; a second one frees what the first one's objects held outside of the heap. */
async function used (): Promise<number> {
  for (let round = 0; round < 3; round++) {
    if (typeof gc === 'function') gc()
    await new Promise(resolve => { setTimeout(resolve, 20) })
  }

  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
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

function round (value: number): number {
  return Math.round(value * 10) / 10
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

console.log('Medians of mitata\'s samples; the clock is moved by hand unless said')
const parts = { rates, connections, lists }
const asked = process.argv.slice(2)
for (const [name, part] of Object.entries(parts)) {
  if (asked.length === 0 || asked.includes(name)) await part()
}
process.exit()
