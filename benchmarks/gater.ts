// What does it cost to decide at accept, and to refuse? js-libp2p's own accept check, on the same numbers, is the yardstick for the first; a gater
// that returns true for the second, in pairs.
//
//   npm run bench -- gater

import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { measure } from 'mitata'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connectionGater, connectionManagerDefaults, connManager } from '../src/index.ts'
import { gatePort } from '../src/limiter/ports.ts'
import { makeConnections, makePeers } from './support/mock-connections.ts'
import type { ConnectionGater, ConnectionGaterInit } from '../src/index.ts'
import type { ConnectionGater as Libp2pConnectionGater, Libp2p, MultiaddrConnection } from '@libp2p/interface'

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
  const rows: Record<string, unknown>[] = []

  for (const open of OPEN) {
    const gater = connectionGater({ maxPending: Infinity })
    for (let n = 0; n < open; n++) {
      const one = maConn(addressOf(n))
      gater.denyInboundConnection(one)
      gater.denyInboundEncryptedConnection(peers[n]!, one)
      gater.denyInboundUpgradedConnection(peers[n]!, one)
    }

    const admitted = timeAccept(gater, strangerOf)
    const refused = timeAccept(gaterThatRefuses(open), () => '203.0.113.1')
    const theirs = await timeJsLibp2p(open, peers)
    rows.push({ 'open': open, 'admit, µs': us(admitted.decide), 'give back, µs': us(admitted.giveBack), 'refuse, µs': us(refused.decide), 'js-libp2p, µs': us(theirs), 'times faster': Number((theirs / admitted.decide).toFixed(1)) })
  }

  console.log(`the whole accept decision, Node ${process.version}`)
  console.table(rows)
}

function gaterThatRefuses (open: number): ConnectionGater {
  const gater = connectionGater({ maxPending: Infinity, blocks: ['203.0.113.1'] })
  for (let n = 0; n < open; n++) gater.denyInboundConnection(maConn(addressOf(n)))
  return gater
}

interface AcceptTimes {
  readonly decide: number
  readonly giveBack: number
}

/** ns for a new connection each time: the decision, which counts it, and what closing it costs. Medians of batches. */
function timeAccept (gater: ConnectionGater, addressOf: (n: number) => string): AcceptTimes {
  const decide: number[] = []
  const giveBack: number[] = []

  for (let batch = 0; batch < 2 * BATCHES; batch++) {
    const connections = Array.from({ length: BATCH }, (_, n) => maConn(addressOf(batch * BATCH + n)))
    const begun = performance.now()
    for (const one of connections) gater.denyInboundConnection(one)
    const decided = performance.now()
    for (const one of connections) void one.close()
    const ended = performance.now()

    if (batch < BATCHES) continue // the first half warms up
    decide.push((decided - begun) * 1e6 / BATCH)
    giveBack.push((ended - decided) * 1e6 / BATCH)
  }

  return { decide: median(decide), giveBack: median(giveBack) }
}

async function timeJsLibp2p (open: number, peers: ReturnType<typeof makePeers>): Promise<number> {
  const node = await createLibp2p({ connectionManager: connectionManagerDefaults, connectionMonitor: { enabled: false } })
  const manager = (node as unknown as { components: { connectionManager: JsConnectionManager } }).components.connectionManager
  const map = manager.getConnectionsMap()
  for (const connection of makeConnections(peers.slice(0, open))) map.set(connection.remotePeer, [connection])

  const one = maConn('198.51.100.1')
  const { p50 } = await measure(() => { manager.acceptIncomingConnection(one) }, { min_samples: 30, max_samples: 200 })
  await node.stop()
  return p50
}

interface JsConnectionManager {
  getConnectionsMap (): { set: (peer: unknown, connections: unknown[]) => void }
  acceptIncomingConnection (maConn: MultiaddrConnection): boolean
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
  console.log(`server CPU for each refused socket, ${REFUSALS} a run, ${PAIRS} pairs after one to warm up`)
  console.table([{ 'a gater that returns true, µs': median(spent.theirs), 'ours, µs': median(spent.ours), 'paired, median': Number(ratios[PAIRS >> 1]!.toFixed(3)), 'pairs': ratios.map(ratio => ratio.toFixed(2)).join(' ') }])
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

interface MaConn extends MultiaddrConnection {
  close: () => Promise<void>
}

/** As light as may be: what is measured is not an EventTarget. */
function maConn (ip: string): MaConn {
  let onClose: ((event: object) => void) | undefined
  const one = {
    status: 'open',
    direction: 'inbound',
    remoteAddr: multiaddr(`/ip4/${ip}/tcp/4001`),
    timeline: { open: 0 },
    addEventListener: (_: string, listener: (event: object) => void) => { onClose = listener },
    abort: () => {},
    close: () => { onClose?.({}) }
  }
  return one as unknown as MaConn
}

function addressOf (n: number): string {
  return `${11 + (n >>> 24)}.${n >>> 16 & 255}.${n >>> 8 & 255}.${n & 255}`
}

/** Everybody comes from a network of his own. */
function strangerOf (n: number): string {
  return `${n % 199 + 24}.${(n >>> 3) % 251}.${(n >>> 8) & 255}.${n & 255}`
}

function us (ns: number): number {
  return Number((ns / 1_000).toFixed(2))
}

function median (values: readonly number[]): number {
  return Number([...values].sort((a, b) => a - b)[values.length >> 1]!.toFixed(1))
}
