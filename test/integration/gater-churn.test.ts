import { memory } from '@libp2p/memory'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { afterEach, describe, expect, it } from 'vitest'
import { connectionManagerDefaults } from '../../src/index.ts'
import { guarded } from '../support/gater-node.ts'
import { quiet } from '../support/quiet.ts'
import { backlogOn, canReadSockets, establishedByRemote, establishedOn, rawSocket } from '../support/sockets.ts'
import { until } from '../support/until.ts'
import type { ConnectionGater } from '../../src/index.ts'
import type { Guarded } from '../support/gater-node.ts'
import type { Libp2p } from '@libp2p/interface'

const nodes: Libp2p[] = []

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async node => bounded(node.stop())))
})

/** Rounds of forty make a thousand; a quiet point takes a second, so there are five of them. */
const BLOCKS = 5
const ROUNDS = 5

const CAPS = { connectRate: false, maxConnsPerPeer: Infinity, risk: false, maxConnsPerIp: 8, maxPendingPerIp: 6, maxPending: 12 } as const

/** Who says nothing, and WebSocket dialers that were told to give up and keep their socket, are given up soon. */
const SHORT = { connectionManager: { ...connectionManagerDefaults, inboundUpgradeTimeout: 300 } }

interface Server extends Guarded {
  readonly port: number
}

async function server (listen: string): Promise<Server> {
  const made = await guarded([listen], CAPS, {}, SHORT)
  nodes.push(made.node)
  return { ...made, port: Number(/\/tcp\/(\d+)/.exec(made.node.getMultiaddrs().join())![1]) }
}

/** Visitors have gaters, too: what they dial is counted, and given back. */
async function visitor (localAddress: string): Promise<Guarded> {
  const made = await guarded([], CAPS, {}, { transports: [tcp({ dialOpts: { localAddress } as never }), webSockets(), memory()] })
  nodes.push(made.node)
  return made
}

/** A dialled WebSocket whose node stops may never settle in js-libp2p. */
async function bounded (promise: unknown): Promise<void> {
  await Promise.race([promise, new Promise(resolve => { setTimeout(resolve, 800) })])
}

/** Forty at once: dials that come through, that are given up after some ms, whose node stops, and bare sockets that hang up. */
async function churn ({ node, port }: Server, round: number): Promise<Guarded[]> {
  const address = node.getMultiaddrs()[0]!
  const visitors = await Promise.all(Array.from({ length: 20 }, async (_, n) => visitor(`127.0.${(round + n) % 3}.1`)))
  const raws = await Promise.all(Array.from({ length: 20 }, async (_, n) => rawSocket(port, `127.1.${n % 4}.1`)))
  for (const [n, socket] of raws.entries()) socket.write('\x13/multistream/1.0.0\n'.slice(0, n))

  await Promise.all(visitors.map(async ({ node: from }, n) => {
    const dialled = from.dial(address, { signal: AbortSignal.timeout(n % 4 === 3 ? n : 700) }).catch(() => {})
    await bounded(Promise.all([dialled, ...n % 5 === 4 ? [from.stop()] : []]))
  }))
  for (const [n, socket] of raws.entries()) socket[n % 2 === 0 ? 'resetAndDestroy' : 'destroy']()
  return visitors
}

const NOTHING = { connections: 0, open: { inbound: 0, outbound: 0 }, pending: { inbound: 0, outbound: 0 }, closing: 0, peers: 0, clients: {}, prefixes: {}, transports: {} }

function countersOf (gater: ConnectionGater): Partial<ReturnType<ConnectionGater['inspect']>> {
  const { connections, open, pending, closing, peers, clients, prefixes, transports } = gater.inspect()

  return { connections, open, pending, closing, peers, clients, prefixes, transports }
}

/** The system's sockets without its backlog, which nobody has accepted and so nobody can count; ours where it has no table. */
function accepted ({ port, gater }: Server): number {
  return canReadSockets ? establishedOn(port) - backlogOn(port) : gater.inspect().connections
}

describe('a thousand mixed dials, aborts, refusals and stops', () => {
  it.each([
    ['TCP', '/ip4/127.0.0.1/tcp/0'],
    ['WebSockets', '/ip4/127.0.0.1/tcp/0/ws']
  ])('over %s end at zero on every counter, and our count is the system\'s at every quiet point', { timeout: 180_000 }, async (name, listen) => {
    if (!canReadSockets) console.log('not compared with the system: there is no /proc/net/tcp')
    const made = await server(listen)
    const { node, gater, port } = made
    const open: number[] = []

    for (let block = 0; block < BLOCKS; block++) {
      const visitors: Guarded[] = []
      for (let round = 0; round < ROUNDS; round++) visitors.push(...await churn(made, block * ROUNDS + round))
      await quiet([made, ...visitors], () => accepted(made))

      expect(accepted(made), `the system has ${JSON.stringify(establishedByRemote(port))}, the gater ${JSON.stringify(gater.inspect().clients)}`).toBe(gater.inspect().connections)
      expect(gater.inspect()).toMatchObject({ pending: { inbound: 0, outbound: 0 }, closing: 0 })
      expect(gater.inspect().connections).toBeLessThanOrEqual(3 * 8)
      expect(node.services.connManager.getInfo().connCount).toBe(gater.inspect().open.inbound)
      open.push(gater.inspect().connections)

      await Promise.all(visitors.map(async ({ node }) => bounded(node.stop())))
      await until('all are gone', () => gater.inspect().connections === 0)
      for (const { gater } of visitors) await until('a visitor holds nothing', () => gater.inspect().connections === 0)
      expect(new Set(visitors.map(({ gater }) => JSON.stringify(countersOf(gater))))).toEqual(new Set([JSON.stringify(NOTHING)]))
    }

    const { denials, displaced } = gater.inspect()
    console.log(`churn over ${name}: 1,000 dials and bare sockets, denied ${JSON.stringify(denials)}, displaced ${displaced}, open at the quiet points ${open.join(' ')}, in the backlog ${backlogOn(port)}`)

    // one more round, in which the node itself stops
    await Promise.all([churn(made, 0), bounded(node.stop())])
    await until('nothing is held', () => gater.inspect().connections === 0)
    expect(countersOf(gater)).toEqual(NOTHING)
    await until('no socket is left', () => establishedOn(port) === 0)
  })
})
