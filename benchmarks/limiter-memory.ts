// What do strangers' addresses cost to remember? Bytes a key of each ledger at 100,000 keys, beside other packages and a bare Map, and ten
// million addresses through a gate that may remember 100,000.
//
//   node --expose-gc benchmarks/limiter-memory.ts

import { MemoryStore } from 'express-rate-limit'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { fakeClock } from '../src/clock/fake-clock.ts'
import { prefixCounts } from '../src/limiter/count-ledger.ts'
import { prefixRateLedger } from '../src/limiter/rate-ledger.ts'
import { STRATEGY_NAMES } from '../src/limiter/rate.ts'
import { securityGate } from '../src/limiter/security-gate.ts'
import type { Ip } from '../src/address/ip.ts'

const KEYS = 100_000
const STRANGERS = 10_000_000
const NOW = 1_700_000_000_000

if (typeof gc !== 'function') {
  console.error('Run with --expose-gc')
  process.exit(1)
}

const rows: Array<Record<string, string | number>> = []

/** Heap and buffers, and how much they are more after `fill`, by key. */
async function measure (what: string, target: number | string, fill: () => unknown): Promise<void> {
  const before = await used()
  const kept = await fill()
  const after = await used()

  rows.push({ 'at 100,000 keys': what, 'bytes a key': Math.round((after - before) / KEYS), target })
  keep(kept)
}

/** Two rounds: the first frees buffers whose objects the second frees. */
async function used (): Promise<number> {
  for (let round = 0; round < 3; round++) {
    gc!()
    await new Promise(resolve => { setTimeout(resolve, 10) })
  }

  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const held: unknown[] = []
function keep (value: unknown): void {
  held.length = 0
  held.push(value)
}

function scattered (at: number): number {
  return Math.imul(at, 0x9e3779b1) >>> 0
}

const ipv4 = (at: number): Ip => ({ family: 4, bits: scattered(at) })
const ipv6 = (at: number): Ip => ({ family: 6, a: 0x20000000 | scattered(at) >>> 8, b: scattered(at + 7), c: 0, d: 1 })

// First, while this process is young: what it holds afterwards is the gate's.
const before = await used()
const rss = process.memoryUsage.rss()
const clock = fakeClock(NOW)
const gate = securityGate({ clock, capacity: KEYS })
const started = performance.now()

for (let at = 0; at < STRANGERS; at++) {
  const bits = scattered(at)
  if (gate.allowConnect(`${bits >>> 24}.${bits >>> 16 & 255}.${bits >>> 8 & 255}.${bits & 255}`, at).allow) {
    gate.allowRequest(at, '/')
    gate.release(at)
  }
  if (at % 1_000 === 0) clock.advance(1)
}

const seconds = (performance.now() - started) / 1_000
console.log(`${STRANGERS.toLocaleString('en')} addresses through a gate of capacity ${KEYS.toLocaleString('en')}: ` +
  `${((await used() - before) / 1e6).toFixed(1)} MB more in use, ${((process.memoryUsage.rss() - rss) / 1e6).toFixed(1)} MB more resident (target 64), ` +
  `${(seconds * 1e9 / STRANGERS).toFixed(0)} ns each`)
keep(gate)

for (const strategy of STRATEGY_NAMES) {
  const rate = { strategy, limit: 16, window: 80_000 }

  await measure(`${strategy}, IPv4`, 64, () => {
    const ledger = prefixRateLedger(rate, { family: 4, length: 32, capacity: KEYS })
    for (let at = 0; at < KEYS; at++) ledger.take(ipv4(at), NOW)
    return ledger
  })
  await measure(`${strategy}, IPv6 /56`, 96, () => {
    const ledger = prefixRateLedger(rate, { family: 6, length: 56, capacity: KEYS })
    for (let at = 0; at < KEYS; at++) ledger.take(ipv6(at), NOW)
    return ledger
  })
}

await measure('count of connections, IPv4', 64, () => {
  const ledger = prefixCounts({ family: 4, length: 32, capacity: KEYS })
  for (let at = 0; at < KEYS; at++) ledger.take(ipv4(at))
  return ledger
})
await measure('bare Map of text to object', '', () => {
  const map = new Map<string, object>()
  for (let at = 0; at < KEYS; at++) map.set(`${scattered(at)}`, { used: 1, start: NOW })
  return map
})
await measure('rate-limiter-flexible', '', async () => {
  const limiter = new RateLimiterMemory({ points: 16, duration: 80 })
  for (let at = 0; at < KEYS; at++) await limiter.consume(`${scattered(at)}`)
  return limiter
})
await measure('express-rate-limit\'s MemoryStore', '', async () => {
  const store = new MemoryStore()
  store.init({ windowMs: 80_000 } as Parameters<MemoryStore['init']>[0])
  for (let at = 0; at < KEYS; at++) await store.increment(`${scattered(at)}`)
  return store
})
console.table(rows)

process.exit()
