import { once } from 'node:events'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { afterEach, describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { connectionManagerDefaults } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { guarded, plainNode } from '../support/gater-node.ts'
import { componentsOf } from '../support/inside.ts'
import { closed, establishedOn, rawSocket } from '../support/sockets.ts'
import { until } from '../support/until.ts'
import type { Guarded } from '../support/gater-node.ts'
import type { ConnectionGater, ConnectionGaterInit, ConnManagerInit } from '../../src/index.ts'
import type { House } from '../../src/limiter/ports.ts'
import type { Libp2p, MultiaddrConnection, StreamMuxerFactory } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import type { Socket } from 'node:net'

const TCP = '/ip4/127.0.0.1/tcp/0'
const WS = '/ip4/127.0.0.1/tcp/0/ws'
const nodes: Libp2p[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(nodes.splice(0).map(async node => node.stop()))
})

function mine<T extends Libp2p> (node: T): T {
  nodes.push(node)
  return node
}

const WIDE: ConnectionGaterInit = { connectRate: false, maxConnsPerIp: Infinity, maxPendingPerIp: Infinity, maxPending: Infinity, maxConnsPerPeer: Infinity, risk: false }

/** Who says nothing, and WebSocket dialers that were told to give up and keep their socket, are given up soon. */
const SHORT = { connectionManager: { ...connectionManagerDefaults, inboundUpgradeTimeout: 300 } }

async function server (listen = TCP, init: ConnectionGaterInit = {}, options: object = {}, managerInit: object = {}): Promise<Guarded & { port: number }> {
  const made = await guarded([listen], { ...WIDE, ...init }, managerInit, options)
  mine(made.node)
  return { ...made, port: portOf(made.node) }
}

function portOf (node: Libp2p): number {
  return Number(node.getMultiaddrs()[0]!.getComponents().find(({ name }) => name === 'tcp')?.value)
}

async function raw (port: number, count: number): Promise<Socket[]> {
  const made = await Promise.all(Array.from({ length: count }, async () => rawSocket(port)))
  sockets.push(...made)
  return made
}

async function open (from: Libp2p, to: Libp2p): Promise<boolean> {
  return from.dial(to.getMultiaddrs()[0]!, { force: true }).then(() => true, () => false)
}

/** What js-libp2p counts as upgrading: with what hangs there, it once locked everybody out. */
function pendingOf (node: Libp2p): number | undefined {
  return componentsOf(node).connectionManager.incomingPendingConnections
}

async function hang (): Promise<boolean> {
  return new Promise(() => {})
}

function isEmpty (gater: ConnectionGater): boolean {
  const { connections, open, pending, closing, peers } = gater.inspect()
  return connections + open.inbound + open.outbound + pending.inbound + pending.outbound + closing + peers === 0
}

describe('nothing leaks when', () => {
  it('fifty clients connect and vanish', async () => {
    const { gater, port } = await server()
    for (const socket of await raw(port, 50)) socket.resetAndDestroy()

    await until('all are given back', () => isEmpty(gater) && establishedOn(port) === 0)
  })

  it('fifty clients speak half of a handshake and hang up', async () => {
    const { gater, port } = await server()
    for (const socket of await raw(port, 50)) socket.end('\x13/multistream/1.0.0\n')

    await until('all are given back', () => isEmpty(gater))
  })

  it('clients say nothing until the upgrade times out', async () => {
    const { gater, port } = await server(TCP, {}, SHORT)
    const silent = await raw(port, 10)
    await until('they are pending', () => gater.inspect().pending.inbound === 10)
    await Promise.all(silent.map(async socket => closed(socket)))

    await until('all are given back', () => isEmpty(gater))
  })

  it('the node stops during a flood of dials', async () => {
    const { node, gater } = await server()
    const dialers = await Promise.all(Array.from({ length: 10 }, async () => mine(await plainNode())))
    const dials = dialers.flatMap(from => Array.from({ length: 3 }, async () => open(from, node)))
    await until('some are in', () => gater.inspect().connections > 2)
    await node.stop()

    await Promise.all(dials)
    await until('all are given back', () => isEmpty(gater))
  })

  it.each(['denyInboundConnection', 'denyInboundEncryptedConnection', 'denyInboundUpgradedConnection'])('the user\'s own gater hangs in %s', async hook => {
    const { node, gater } = await server(TCP, { also: { [hook]: hang }, checkTimeout: 100, maxPending: 10 })
    const dialers = await Promise.all(Array.from({ length: 12 }, async () => mine(await plainNode())))
    await Promise.all(dialers.map(async from => open(from, node)))

    await until('all are refused and given back', () => isEmpty(gater) && (gater.inspect().denials['check-failed'] ?? 0) >= 10)
    expect(pendingOf(node)).toBe(0)
  })

  it.each(['denyOutboundConnection', 'denyOutboundEncryptedConnection', 'denyOutboundUpgradedConnection'])('the user\'s own gater hangs in %s', async hook => {
    const { node } = await server()
    const from = await guarded([], { ...WIDE, also: { [hook]: hang }, checkTimeout: 100 })
    mine(from.node)

    expect(await open(from.node, node)).toBe(false)
    expect(from.gater.inspect().denials).toEqual({ 'check-failed': 1 })
    await until('all are given back', () => isEmpty(from.gater) && node.getConnections().length === 0)
  })

  it.each(['denyInboundEncryptedConnection', 'denyInboundUpgradedConnection'] as const)('a connection dies while %s is asked', async hook => {
    const { node, gater } = await server(`/memory/${hook}`, { also: { [hook]: async (_: unknown, maConn: MultiaddrConnection) => {
      maConn.abort(new Error('gone'))
      return false
    } } })
    const dialer = mine(await plainNode())
    await open(dialer, node)

    await until('it is given back', () => isEmpty(gater) && gater.inspect().denials['not-open'] === 1)
    expect(node.services.connManager.getInfo().connCount).toBe(0)
  })

  it('js-libp2p\'s own deny list refuses, and no hook is asked', async () => {
    const asked: string[] = []
    const { node, gater, port } = await server(TCP, { also: { denyInboundConnection: () => asked.push('accept') > 0 } }, { connectionManager: { ...connectionManagerDefaults, deny: ['/ip4/127.0.0.0/ipcidr/8'] } })
    for (let n = 0; n < 20; n++) expect(await open(mine(await plainNode()), node)).toBe(false)

    await until('no socket is left', () => establishedOn(port) === 0)
    expect([asked, isEmpty(gater), gater.inspect().denials, pendingOf(node)]).toEqual([[], true, {}, 0])
  })

  it('a connection says twice that it has closed', async () => {
    const { node, gater } = await server()
    const from = mine(await plainNode())
    await open(from, node)
    await open(from, node)
    await until('both are open', () => gater.inspect().open.inbound === 2 && node.getConnections().length === 2)
    const [connection] = node.getConnections()
    await connection!.close()
    await until('it is given back', () => gater.inspect().connections === 1)

    componentsOf(node).events.safeDispatchEvent('connection:close', { detail: connection! })
    expect(gater.inspect()).toMatchObject({ connections: 1, open: { inbound: 1 }, peers: 1 })
    expect(node.services.connManager.getInfo().connCount).toBe(1)
  })

  it('the user\'s own gater throws at an address, and the next one is dialled', async () => {
    const { node } = await server(TCP)
    const other = mine((await guarded(['/memory/next'], WIDE)).node)
    const from = await guarded([], { ...WIDE, also: { denyDialMultiaddr: address => {
      expect(address.toString()).toContain('/memory/')
      return false
    } } })
    mine(from.node)
    const [tcp, memory] = [node.getMultiaddrs()[0]!, other.getMultiaddrs()[0]!].map(address => address.decapsulate('/p2p'))

    // in js-libp2p a throw here ends the whole dial
    expect((await from.node.dial([tcp!, memory!])).remotePeer.equals(other.peerId)).toBe(true)
    expect(from.gater.inspect()).toMatchObject({ denialsByStage: { 'addr-dial': { 'check-failed': 1 } }, connections: 1 })
  })
})

/** A listener that waits for ever, its dialer, who it is said to be, `null` for nobody, and how long a dial may take. */
interface Patient {
  readonly listener?: Libp2pOptions
  readonly dialer?: Libp2pOptions
  readonly peer?: string | null
  readonly dialTimeout?: number
}

const ONE_PLACE: ConnManagerInit = { lowWater: 1, highWater: 1, hardLimit: 1, outboundReserve: 0, onHardLimit: 'deny' }

function houseOf (manager: object): House {
  return (manager as { readonly house: House }).house
}

function brokenMuxer (): StreamMuxerFactory {
  return { ...yamux()(), createStreamMuxer: () => { throw new Error('broken') } }
}

describe('over WebSockets', () => {
  it('silent sockets count from their connection on, and have ten seconds for their first byte', async () => {
    const clock = fakeClock(Date.now())
    const { gater, port } = await server(WS, { clock, networks: { '127.0.0.0/8': 100 } }, {}, { clock })
    const silent = await raw(port, 20)
    await until('all are counted', () => gater.inspect().pending.inbound === 20)

    clock.advance(9_999)
    expect(gater.inspect().connections).toBe(20)
    clock.advance(1)
    await Promise.all(silent.map(async socket => closed(socket)))
    await until('all are given back', () => isEmpty(gater) && establishedOn(port) === 0)
  })

  it('sockets above the cap are refused before they speak', async () => {
    const { gater, port } = await server(WS, { maxConnsPerIp: 3 })
    await raw(port, 10)

    await until('seven are refused', () => gater.inspect().denials['connection-limit'] === 7 && establishedOn(port) === 3)
    expect(gater.inspect().connections).toBe(3)
  })

  it('the node stops although silent sockets are there', async () => {
    const { node, gater, port } = await server(WS)
    await raw(port, 20)
    await until('all are counted', () => gater.inspect().connections === 20)
    await node.stop()

    await until('all are given back', () => isEmpty(gater))
  })

  it('twenty dials that we deny ourselves leave no ghosts at the listener', async () => {
    const { node, gater, port } = await server(WS)
    const from = await guarded([], { ...WIDE, also: { denyOutboundUpgradedConnection: () => true } })
    mine(from.node)
    for (let n = 0; n < 20; n++) expect(await open(from.node, node)).toBe(false)

    await until('nobody is left', () => isEmpty(gater) && isEmpty(from.gater) && establishedOn(port) === 0, 15_000)
    expect(node.getConnections()).toEqual([])
  })

  it.each<[string, Patient]>([
    ['after its encryption is refused', { listener: { connectionEncrypters: [plaintext()] } }],
    ['before anybody knows whom it reaches', { listener: { connectionEncrypters: [plaintext()] }, peer: null }],
    ['at a peer who is not the one that was dialled', { peer: '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' }],
    ['because its remote says nothing', { listener: { connectionGater: { denyInboundConnection: hang } }, dialTimeout: 300 }],
    ['once its remote is known, and has a place in the house', { dialer: { streamMuxers: [brokenMuxer] } }]
  ])('a dial that fails %s leaves nothing, however long the remote waits', async (_, { listener, dialer, peer, dialTimeout }) => {
    const patient = mine(await plainNode({ addresses: { listen: [WS] }, connectionManager: { inboundUpgradeTimeout: 3_600_000 }, ...listener }))
    const { node, gater } = await guarded([], WIDE, ONE_PLACE, { connectionManager: { ...connectionManagerDefaults, dialTimeout }, ...dialer } as object)
    mine(node)
    const address = patient.getMultiaddrs()[0]!.decapsulate('/p2p')

    await expect(node.dial(peer === null ? address : address.encapsulate(`/p2p/${peer ?? String(patient.peerId)}`))).rejects.toThrow()
    await until('it is given back', () => isEmpty(gater) && establishedOn(portOf(patient)) === 0)
    expect(houseOf(node.services.connManager).atAccept(clientOf(address), false)).toBeUndefined()
  })

  it('a refused client that ignores the close frame has no socket any more', async () => {
    const { node, gater, port } = await server(WS, { maxConnsPerPeer: 0 })
    const from = mine(await plainNode())
    await open(from, node)

    await until('it is terminated', () => isEmpty(gater) && establishedOn(port) === 0, 3_000)
    expect(gater.inspect().denials).toEqual({ 'peer-limit': 1 })
  })

  it('aborted connections close their sockets at once, and are given back once', async () => {
    const { node, gater, port } = await server(WS)
    const from = mine(await plainNode())
    for (let n = 0; n < 20; n++) await open(from, node)
    await until('all are open', () => gater.inspect().open.inbound === 20 && node.getConnections().length === 20)

    for (const connection of node.getConnections()) connection.abort(new Error('no more'))
    await until('they are gone', () => isEmpty(gater) && establishedOn(port) === 0, 3_000)
    expect(gater.inspect()).toMatchObject({ connections: 0, open: { inbound: 0 }, closing: 0 })
  })

  it('garbage, plain HTTP and half of a request are given back when they leave', async () => {
    const { gater, port } = await server(WS)
    const [garbage, plain, half] = await raw(port, 3) as [Socket, Socket, Socket]
    garbage.write(new Uint8Array([0x16, 0x03, 0x01]))
    plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    half.write('GET / HT')
    await once(plain, 'data')
    for (const socket of [garbage, plain, half]) socket.destroy()

    await until('all are given back', () => isEmpty(gater))
  })
})
