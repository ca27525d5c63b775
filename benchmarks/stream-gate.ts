// What does the gate add to opening, negotiating and closing a stream? Both ends in one process: over TCP and noise, as streams are, and over memory
// without encryption, the least that one can cost. Blocks of streams in pairs, turn and turn about, on connections that differ in the gate alone; the
// same without a gate on either side (A/A) says what this machine calls nothing.
//
//   npm run bench -- stream-gate
//   node benchmarks/stream-gate.ts --pairs 200

import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { parseArgs } from 'node:util'
import { streamGate } from '../src/index.ts'
import { rounded } from './support/figures.ts'
import { print } from './support/report.ts'
import type { Rate, StreamGateInit } from '../src/index.ts'
import type { Connection, Libp2p } from '@libp2p/interface'

const { values: { pairs: pairsText } } = parseArgs({ options: { pairs: { type: 'string', default: '80' } } })
const PAIRS = Number(pairsText)

/** Streams in a block: some 20 ms. */
const BLOCK = 50
const WARM_UP = 20
const PROTOCOL = '/bench/1.0.0'

/** Far above what is asked: the work is that of a quota that holds, and nobody is refused. */
const rate: Rate = { strategy: 'token-bucket', limit: 100_000_000, window: 10_000 }

const VARIANTS: Readonly<Record<string, StreamGateInit | undefined>> = {
  'A/A: no gate, and no gate': undefined,
  'the default levels': { openRate: rate },
  'every level': { openRate: rate, peerRate: rate, protocolRates: { '/bench/': rate }, maxStreamsPerProtocol: { [PROTOCOL]: 1_000 }, idleTimeout: 60_000 }
}

/** How the two ends are connected. */
const NETWORKS = {
  'TCP, noise': { transports: [tcp()], connectionEncrypters: [noise()], listen: (_: number) => '/ip4/127.0.0.1/tcp/0' },
  'memory': { transports: [memory()], connectionEncrypters: [plaintext()], listen: (n: number) => `/memory/bench-${n}` }
}

type Network = typeof NETWORKS[keyof typeof NETWORKS]

interface End {
  readonly nodes: readonly Libp2p[]
  readonly connection: Connection
}

let listeners = 0

async function connect ({ listen, ...network }: Network, init: StreamGateInit | undefined): Promise<End> {
  const options = { ...network, streamMuxers: [yamux({ enableKeepAlive: false })], connectionMonitor: { enabled: false } } as object
  const server = await createLibp2p({ ...options, addresses: { listen: [listen(++listeners)] }, services: init == null ? {} : { streamGate: streamGate(init) } as never })
  const client = await createLibp2p(options)

  await server.handle(PROTOCOL, async stream => { await stream.close() })
  const connection = await client.dial(server.getMultiaddrs())
  while (server.getConnections().length === 0) await new Promise(resolve => { setTimeout(resolve, 1) })
  return { nodes: [server, client], connection }
}

async function block ({ connection, nodes: [server] }: End): Promise<number> {
  const { user, system } = process.cpuUsage()

  for (let n = 0; n < BLOCK; n++) {
    const stream = await connection.newStream(PROTOCOL)
    await stream.close()
  }
  while (server!.getConnections()[0]!.streams.length > 0) await new Promise(resolve => { setImmediate(resolve) })

  const used = process.cpuUsage()
  return (used.user + used.system - user - system) / BLOCK
}

/** Sorted; the median and the values between which it is in 95 of 100 runs, whatever their distribution. */
function interval (values: readonly number[]): { median: number, low: number, high: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const reach = 1.96 * Math.sqrt(sorted.length) / 2
  const at = (index: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(index)))]!

  return { median: at((sorted.length - 1) / 2), low: at(sorted.length / 2 - reach - 1), high: at(sorted.length / 2 + reach) }
}

interface Pair {
  readonly base: number
  readonly variant: number
}

async function measure (network: Network): Promise<Record<string, Pair[]>> {
  const plain = await connect(network, undefined)
  const ends = await Promise.all(Object.entries(VARIANTS).map(async ([name, init]) => [name, await connect(network, init)] as const))
  const pairs: Record<string, Pair[]> = Object.fromEntries(ends.map(([name]) => [name, []]))

  for (let pair = -WARM_UP; pair < PAIRS; pair++) {
    for (const [name, end] of ends) {
      const before = pair % 2 === 0 ? await block(plain) : undefined
      const variant = await block(end)
      const base = before ?? await block(plain)
      if (pair >= 0) pairs[name]!.push({ base, variant })
    }
  }

  await Promise.all([plain, ...ends.map(([, end]) => end)].flatMap(({ nodes }) => nodes).map(async node => node.stop()))
  return pairs
}

function rowOf (name: string, pairs: readonly Pair[]): object {
  const { median, low, high } = interval(pairs.map(({ base, variant }) => variant / base))
  const percent = (ratio: number): string => `${((ratio - 1) * 100).toFixed(1)} %`

  return {
    'with': name,
    'without, µs': rounded(interval(pairs.map(({ base }) => base)).median),
    'with, µs': rounded(interval(pairs.map(({ variant }) => variant)).median),
    'adds, paired median': percent(median),
    '95 %': `${percent(low)} to ${percent(high)}`,
    'target': name.startsWith('A/A') ? '0 %' : '≤ 3 %'
  }
}

for (const [name, network] of Object.entries(NETWORKS)) {
  const rows = Object.entries(await measure(network)).map(([variant, pairs]) => rowOf(variant, pairs))
  print(`${name}: CPU of both ends for a stream, opened, negotiated and closed; ${PAIRS} pairs of ${BLOCK}`, rows)
}
