// What do strangers' addresses cost to remember? Bytes a key of each ledger at 100,000 keys, beside other packages and a bare Map; and a million
// addresses through a gate that may remember 100,000: what a process of its own was resident with at most, against the same process without the gate.
//
//   npm run bench -- limiter-memory
//   npm run bench -- limiter-memory --strangers 10000000

import { fork } from 'node:child_process'
import { once as onceHeard } from 'node:events'
import { parseArgs } from 'node:util'
import { MemoryStore } from 'express-rate-limit'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { prefixCounts } from '../src/limiter/count-ledger.ts'
import { prefixRateLedger } from '../src/limiter/rate-ledger.ts'
import { STRATEGY_NAMES } from '../src/limiter/rate.ts'
import { once } from './support/figures.ts'
import { memoryInUse } from './support/memory-in-use.ts'
import { named } from './support/package-name.ts'
import { report } from './support/report.ts'
import type { Figure, Stats } from './support/figures.ts'
import type { Crowd } from './support/strangers.ts'
import type { Ip } from '../src/address/ip.ts'

const { values: { strangers: count } } = parseArgs({ options: { strangers: { type: 'string', default: '1000000' } } })
const KEYS = 100_000
const NOW = 1_700_000_000_000

const ipv4 = (at: number): Ip => ({ family: 4, bits: scattered(at) })
const ipv6 = (at: number): Ip => ({ family: 6, a: 0x20000000 | scattered(at) >>> 8, b: scattered(at + 7), c: 0, d: 1 })

function scattered (at: number): number {
  return Math.imul(at, 0x9e3779b1) >>> 0
}

/** Bytes a key, after `fill`; what it returns is kept until they are counted. */
async function bytesOf (fill: () => unknown): Promise<Stats> {
  const before = await memoryInUse()
  const kept = [await fill()]
  const after = await memoryInUse()

  kept.length = 0
  return once((after - before) / KEYS)
}

function filled<T> (ledger: T, take: (ledger: T, at: number) => unknown): T {
  for (let at = 0; at < KEYS; at++) take(ledger, at)
  return ledger
}

async function ledgers (): Promise<void> {
  const peers = {
    [named('rate-limiter-flexible')]: await bytesOf(async () => {
      const limiter = new RateLimiterMemory({ points: 16, duration: 80 })
      for (let at = 0; at < KEYS; at++) await limiter.consume(`${scattered(at)}`)
      return limiter
    }),
    [named('express-rate-limit', 'MemoryStore')]: await bytesOf(async () => {
      const store = new MemoryStore()
      store.init({ windowMs: 80_000 } as Parameters<MemoryStore['init']>[0])
      for (let at = 0; at < KEYS; at++) await store.increment(`${scattered(at)}`)
      return store
    })
  }
  const floors = { 'a Map of text to object': await bytesOf(() => filled(new Map<string, object>(), (map, at) => map.set(`${scattered(at)}`, { used: 1, start: NOW }))) }
  const figures: Figure[] = []

  for (const strategy of STRATEGY_NAMES) {
    const rate = { strategy, limit: 16, window: 80_000 }
    const ours4 = await bytesOf(() => filled(prefixRateLedger(rate, { family: 4, length: 32, capacity: KEYS }), (ledger, at) => ledger.take(ipv4(at), NOW)))
    const ours6 = await bytesOf(() => filled(prefixRateLedger(rate, { family: 6, length: 56, capacity: KEYS }), (ledger, at) => ledger.take(ipv6(at), NOW)))

    figures.push(
      { name: `${strategy}, IPv4`, size: KEYS, unit: 'bytes', ours: ours4, ...strategy === 'fixed-window' ? { peers, floors } : {}, target: '≤ 64' },
      { name: `${strategy}, IPv6 /56`, size: KEYS, unit: 'bytes', ours: ours6, target: '≤ 96' }
    )
  }
  figures.push({ name: 'count of connections, IPv4', size: KEYS, unit: 'bytes', ours: await bytesOf(() => filled(prefixCounts({ family: 4, length: 32, capacity: KEYS }), (ledger, at) => ledger.take(ipv4(at)))), target: '≤ 64' })

  report({ title: 'bytes for a key of a rate limiter', figures })
}

async function strangers (): Promise<void> {
  const run = async (variant: 'gate' | 'none'): Promise<Crowd> => {
    const [crowd] = await onceHeard(fork(new URL('./support/strangers.ts', import.meta.url), [variant, count]), 'message') as [Crowd]
    return crowd
  }
  const gate = await run('gate')
  const none = await run('none')

  report({
    title: `${gate.strangers.toLocaleString('en')} addresses through a gate that remembers ${gate.capacity.toLocaleString('en')}`,
    figures: [
      { name: 'resident at most, more than without the gate', unit: 'MB', ours: once((gate.resident - none.resident) / 1e6), target: '≤ 64 MB' },
      { name: 'resident at most, the whole process', unit: 'MB', ours: once(gate.resident / 1e6), floors: { 'the same process without the gate': once(none.resident / 1e6) } },
      { name: 'in use afterwards, more than before', unit: 'MB', ours: once(gate.inUse / 1e6) },
      { name: 'each address', unit: 'ns', ours: once(gate.ns), floors: { 'its text alone': once(none.ns) } }
    ]
  })
}

await strangers()
await ledgers()
process.exit()
