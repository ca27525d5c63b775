// What does it cost to decide at accept, and to refuse? js-libp2p's own accept check, on the same numbers, is the yardstick for the first; a gater
// that returns true for the second, in pairs.
//
//   npm run bench -- gater

import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connectionGater, connectionManagerDefaults, connManager } from '../src/index.ts'
import { gatePort } from '../src/limiter/ports.ts'
import { per, quartiles } from './support/figures.ts'
import { jsAcceptCheck } from './support/js-accept-check.ts'
import { makePeers } from './support/mock-connections.ts'
import { mockSocket } from './support/mock-sockets.ts'
import { named } from './support/package-name.ts'
import { print, report } from './support/report.ts'
import type { Figure, Stats } from './support/figures.ts'
import type { ConnectionGater, ConnectionGaterInit } from '../src/index.ts'
import type { ConnectionGater as Libp2pConnectionGater, Libp2p } from '@libp2p/interface'

const OPEN = [10, 10_000]
const BATCH = 250
const BATCHES = 100
const PAIRS = 5
const REFUSALS = 4_000

/** Sockets that are refused, thirty at once, in a process of its own. */
const CLIENT = `
import { connect } from 'node:net'
let [left, port] = [Number(process.argv[2]), Number(process.argv[1])]
const next = () => {
  if (left-- <= 0) return
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.on('close', next)
}
for (let n = 0; n < 30; n++) next()
`

await decide()
await refuse()

async function decide (): Promise<void> {
  const peers = makePeers(OPEN.at(-1)!)
  const figures: Figure[] = []

  for (const open of OPEN) {
    const gater = connectionGater({ maxPending: Infinity })
    for (let n = 0; n < open; n++) {
      const one = mockSocket(addressOf(n))
      gater.denyInboundConnection(one)
      gater.denyInboundEncryptedConnection(peers[n]!, one)
      gater.denyInboundUpgradedConnection(peers[n]!, one)
    }

    const admitted = timeAccept(gater, strangerOf)
    const refused = timeAccept(gaterThatRefuses(open), () => '203.0.113.1')
    const empty = timeAccept({ denyInboundConnection: () => false }, strangerOf)
    const figure = (name: string, ours: Stats, others: object = {}): Figure => ({ name, size: open, unit: 'µs', ours: per(ours, 1e3), ...others })

    figures.push(
      figure('admit', admitted.decide, { peers: { [named('libp2p', 'accept check')]: per(await jsAcceptCheck(open), 1e3) }, floors: { 'an empty hook': per(empty.decide, 1e3) } }),
      figure('give back', admitted.giveBack),
      figure('refuse', refused.decide)
    )
  }

  report({ title: 'the whole accept decision, by connections open', figures })
}

function gaterThatRefuses (open: number): ConnectionGater {
  const gater = connectionGater({ maxPending: Infinity, blocks: ['203.0.113.1'] })
  for (let n = 0; n < open; n++) gater.denyInboundConnection(mockSocket(addressOf(n)))
  return gater
}

interface AcceptTimes {
  readonly decide: Stats
  readonly giveBack: Stats
}

/** ns for a new connection each time: the decision, which counts it, and what closing it costs. Medians of batches. */
function timeAccept (gater: Pick<Libp2pConnectionGater, 'denyInboundConnection'>, addressOf: (n: number) => string): AcceptTimes {
  const decide: number[] = []
  const giveBack: number[] = []

  for (let batch = 0; batch < 2 * BATCHES; batch++) {
    const connections = Array.from({ length: BATCH }, (_, n) => mockSocket(addressOf(batch * BATCH + n)))
    const begun = performance.now()
    for (const one of connections) void gater.denyInboundConnection!(one)
    const decided = performance.now()
    for (const one of connections) one.close()
    const ended = performance.now()

    if (batch < BATCHES) continue // the first half warms up
    decide.push((decided - begun) * 1e6 / BATCH)
    giveBack.push((ended - decided) * 1e6 / BATCH)
  }

  return { decide: quartiles(decide), giveBack: quartiles(giveBack) }
}

/** CPU of this process for each refused socket: ours, and a gater that only says yes to "deny?", turn and turn about. */
async function refuse (): Promise<void> {
  const refusing: Record<'ours' | 'theirs', Libp2pConnectionGater> = {
    ours: connectionGater({ networks: {}, blocks: ['127.0.0.0/8'] } satisfies ConnectionGaterInit),
    theirs: { denyInboundConnection: () => true }
  }
  const spent: Record<'ours' | 'theirs', number[]> = { ours: [], theirs: [] }
  const nodes = { ours: await listener(refusing.ours), theirs: await listener(refusing.theirs) }

  for (let pair = -1; pair < PAIRS; pair++) {
    for (const who of pair % 2 === 0 ? ['ours', 'theirs'] as const : ['theirs', 'ours'] as const) {
      const cpu = await cpuOfRefusals(nodes[who])
      if (pair >= 0) spent[who].push(cpu)
    }
  }
  await Promise.all([nodes.ours.stop(), nodes.theirs.stop()])

  const ratios = spent.ours.map((ours, n) => ours / spent.theirs[n]!).sort((a, b) => a - b)
  print(`server CPU for each refused socket, ${REFUSALS} a run, ${PAIRS} pairs after one to warm up`, [{ 'a gater that returns true, µs': median(spent.theirs), 'ours, µs': median(spent.ours), 'paired, median': Number(ratios[PAIRS >> 1]!.toFixed(3)), 'pairs': ratios.map(ratio => ratio.toFixed(2)).join(' ') }])
}

async function listener (gater: Libp2pConnectionGater): Promise<Libp2p> {
  const isOurs = gatePort in gater
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionGater: gater,
    connectionManager: connectionManagerDefaults,
    services: { connManager: connManager(isOurs ? {} : { takeOver: true }) }
  })
}

async function cpuOfRefusals (node: Libp2p): Promise<number> {
  const port = node.getMultiaddrs()[0]!.getComponents().find(({ name }) => name === 'tcp')!.value!
  const before = process.cpuUsage()
  const client = spawn(process.execPath, ['--input-type=module', '-e', CLIENT, port, String(REFUSALS)], { stdio: 'inherit' })
  await once(client, 'exit')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / REFUSALS
}

function addressOf (n: number): string {
  return `${11 + (n >>> 24)}.${n >>> 16 & 255}.${n >>> 8 & 255}.${n & 255}`
}

/** Everybody comes from a network of his own. */
function strangerOf (n: number): string {
  return `${n % 199 + 24}.${(n >>> 3) % 251}.${(n >>> 8) & 255}.${n & 255}`
}

function median (values: readonly number[]): number {
  return Number([...values].sort((a, b) => a - b)[values.length >> 1]!.toFixed(1))
}
