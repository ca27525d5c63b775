// What does it cost to decide at accept? js-libp2p's own accept check, on the same numbers, is the yardstick. What a refused socket costs the whole node
// is in refusals.ts.
//
//   npm run bench -- gater

import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { measure } from 'mitata'
import { connectionGater, connectionManagerDefaults } from '../src/index.ts'
import { makeConnections, makePeers } from './support/mock-connections.ts'
import type { ConnectionGater } from '../src/index.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

const OPEN = [10, 10_000]
const BATCH = 250
const BATCHES = 100

await decide()

async function decide (): Promise<void> {
  const peers = await makePeers(OPEN.at(-1)!)
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

async function timeJsLibp2p (open: number, peers: Awaited<ReturnType<typeof makePeers>>): Promise<number> {
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
