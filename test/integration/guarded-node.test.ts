import { describe, expect, it } from 'vitest'
import { connManager, connectionGater } from '../../src/index.ts'
import { startNode, startVisitor } from '../support/node.ts'
import { stoppedAfter } from '../support/stopped-after.ts'
import { until } from '../support/until.ts'
import type { ConnManager, ConnManagerInit, ConnectionGater, ConnectionGaterInit } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

type Guarded = Libp2p<{ connManager: ConnManager }>

const mine = stoppedAfter()

async function guard (listen: string, gaterInit: ConnectionGaterInit, managerInit: ConnManagerInit = {}): Promise<{ node: Guarded, gater: ConnectionGater }> {
  const gater = connectionGater({ networks: {}, ...gaterInit })
  const node = await startNode({
    addresses: { listen: [listen] },
    connectionGater: gater,
    services: { connManager: connManager(managerInit) }
  })
  mine(node)

  return { node, gater }
}

async function visitor (localAddress?: string): Promise<Libp2p> {
  return mine(await startVisitor(localAddress))
}

async function dial (from: Libp2p, to: Libp2p): Promise<boolean> {
  try {
    const connection = await from.dial(to.getMultiaddrs()[0]!, { force: true })

    return connection.status === 'open'
  } catch {
    return false
  }
}

async function dialFromMany (to: Libp2p, count: number): Promise<Libp2p[]> {
  const visitors: Libp2p[] = []

  for (let i = 0; i < count; i++) {
    const from = await visitor(`127.0.1.${i + 1}`)
    expect(await dial(from, to)).toBe(true)
    visitors.push(from)
  }

  return visitors
}

describe('a cap of five connections per address', () => {
  it.each([
    ['TCP', '/ip4/127.0.0.1/tcp/0', { maxConnsPerIp: 5 }, 'connection-limit'],
    ['WebSockets', '/ip4/127.0.0.1/tcp/0/ws', { maxConnsPerIp: 5 }, 'connection-limit'],
    ['memory', `/memory/cap-of-five`, { transportLimits: { memory: 5 } }, 'transport-limit']
  ] as const)('refuses the sixth over %s, and gives the slot back after a close', async (_, listen, init, reason) => {
    const { node, gater } = await guard(listen, init)
    const visitors = await Promise.all(Array.from({ length: 7 }, async () => visitor()))

    for (const from of visitors.slice(0, 5)) expect(await dial(from, node)).toBe(true)
    await until('five are open', () => node.getConnections().length === 5)

    expect(await dial(visitors[5]!, node)).toBe(false)
    expect(gater.inspect()).toMatchObject({ connections: 5, denials: { [reason]: 1 } })

    await visitors[0]!.stop()
    await until('its slot is back', () => gater.inspect().connections === 4)
    expect(await dial(visitors[6]!, node)).toBe(true)
  })
})

describe('a blocked address', () => {
  it('is refused until it is unblocked', async () => {
    const { node, gater } = await guard('/ip4/127.0.0.1/tcp/0', {})
    const from = await visitor('127.0.0.9')

    expect(await gater.blockAddress('127.0.0.9')).toBe(true)
    expect(await dial(from, node)).toBe(false)
    expect(gater.inspect().denials).toEqual({ 'blocked-address': 1 })

    expect(await gater.unblockAddress('127.0.0.9')).toBe(true)
    expect(await dial(from, node)).toBe(true)
  })
})

describe('above the high watermark', () => {
  it('the lowest valued unprotected peers go and the count settles at the low one', async () => {
    const { node } = await guard('/ip4/127.0.0.1/tcp/0', {}, { lowWater: 4, highWater: 6, gracePeriod: 0 })
    const manager = node.services.connManager
    const visitors = await dialFromMany(node, 6)

    manager.tagPeer(visitors[0]!.peerId, 'good', 10)
    manager.tagPeer(visitors[1]!.peerId, 'better', 20)
    manager.protect(visitors[2]!.peerId, 'mine')
    await dialFromMany(node, 1)

    await until('the count is at the low mark', () => node.getConnections().length === 4)
    const stayed = new Set(node.getPeers().map(String))

    expect(visitors.slice(0, 3).every(({ peerId }) => stayed.has(peerId.toString()))).toBe(true)
    expect(manager.getInfo()).toMatchObject({ connCount: 4, protectedPeers: 1 })
  })
})

describe('after stop', () => {
  it('every count is zero', async () => {
    const { node, gater } = await guard('/ip4/127.0.0.1/tcp/0', {})
    await dialFromMany(node, 3)
    await until('three are open', () => node.services.connManager.getInfo().connCount === 3)

    await node.stop()

    expect(node.services.connManager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 0 })
    await until('the gater holds nothing', () => gater.inspect().connections === 0)
    expect(gater.inspect().clients).toEqual({})
  })
})
