import { ping } from '@libp2p/ping'
import { describe, expect, it } from 'vitest'
import { connectionGater, connectionManagerDefaults, connManager } from '../../src/index.ts'
import { gatedNodes, handle, hourly, LISTEN, openMany } from '../support/gated-nodes.ts'
import { componentsOf } from '../support/inside.ts'
import { startNode, startVisitor } from '../support/node.ts'
import { scrapedMetrics } from '../support/scraped-metrics.ts'
import { spyLogger } from '../support/spy-logger.ts'
import { until } from '../support/until.ts'
import { EMPTY } from '../support/empty.ts'
import type { ConnManager, GaterBan } from '../../src/index.ts'

const APP = '/app/1.0.0'
const { gated, visit, add } = gatedNodes()

describe('with a gater', () => {
  it('who floods again and again is banned', async () => {
    const gater = connectionGater({ networks: {}, risk: { threshold: 2.5 } })
    const bans: GaterBan[] = []
    gater.addEventListener('ban', ({ detail }) => { bans.push(detail) })
    const node = await gated({ openRate: hourly(5) }, { addresses: { listen: [LISTEN['TCP']!] }, connectionGater: gater, connectionManager: connectionManagerDefaults, services: { connManager: connManager() } })
    await handle(node, APP)

    for (let n = 1; n <= 3; n++) {
      const visitor = add(await startVisitor('127.3.3.3'))
      await openMany(await visit(node, visitor), 50, APP)
      await until('it is thrown out', () => node.getConnections(visitor.peerId).length === 0)
      expect(bans.length).toBe(n === 3 ? 1 : 0)
    }

    expect(bans[0]).toMatchObject({ key: '127.3.3.3', reason: 'stream-rate' })
    await expect(visit(node, add(await startVisitor('127.3.3.3')))).rejects.toThrow()
    expect((await visit(node, add(await startVisitor('127.3.3.4')))).status).toBe('open')
  })

  it('who is trusted or protected is not limited', async () => {
    const gater = connectionGater({ networks: {} })
    const node = await gated({ openRate: hourly(5), protocolRates: { [APP]: hourly(5) }, maxStreamsPerProtocol: { [APP]: 5 } }, {
      addresses: { listen: [LISTEN['TCP']!] }, connectionGater: gater, connectionManager: connectionManagerDefaults, services: { connManager: connManager() }
    })
    await handle(node, APP)
    const [trusted, guarded] = [add(await startNode()), add(await startNode())]
    gater.trustPeer(trusted.peerId)
    ;(node.services as unknown as { connManager: ConnManager }).connManager.protect(guarded.peerId, 'mine')

    for (const visitor of [trusted, guarded]) expect((await openMany(await visit(node, visitor), 60, APP)).length).toBe(60)
    expect(node.services.streamGate.inspect()).toMatchObject({ denials: EMPTY, protocols: { [APP]: { inbound: 120 } } })
  })

  it('that another node shares, who is protected in this one is not limited', async () => {
    const gater = connectionGater({ networks: {} })
    const options = () => ({ addresses: { listen: [LISTEN['TCP']!] }, connectionGater: gater, connectionManager: connectionManagerDefaults, services: { connManager: connManager() } })
    const node = await gated({ openRate: hourly(5) }, options())
    add(await startNode(options()))
    await handle(node, APP)
    const guarded = add(await startNode())
    ;(node.services as unknown as { connManager: ConnManager }).connManager.protect(guarded.peerId, 'mine')

    expect((await openMany(await visit(node, guarded), 60, APP)).length).toBe(60)
  })

  it.each(['WebSockets', 'memory'])('who floods over %s is closed, at both ends', async transport => {
    const gater = connectionGater({ networks: {} })
    const node = await gated({ openRate: hourly(5) }, { addresses: { listen: [LISTEN[transport]!] }, connectionGater: gater, connectionManager: connectionManagerDefaults, services: { connManager: connManager() } })
    await handle(node, APP)
    const connection = await visit(node)
    await openMany(connection, 50, APP)

    await until('nothing is left of it', () => connection.status !== 'open' && gater.inspect().connections === 0)
  })
})

describe('without a gater of ours', () => {
  it('peers that a manager protects are exempt, others are closed and nobody is banned', async () => {
    const node = await gated({ openRate: hourly(5) }, { addresses: { listen: [LISTEN['TCP']!] }, services: { connManager: connManager() } })
    await handle(node, APP)
    const friend = add(await startNode())
    ;(node.services as unknown as { connManager: ConnManager }).connManager.protect(friend.peerId, 'mine')
    expect((await openMany(await visit(node, friend), 60, APP)).length).toBe(60)

    const stranger = add(await startNode())
    await openMany(await visit(node, stranger), 60, APP)
    // both: a dial may get what the stranger does not know to be closed
    await until('the stranger is closed', () => node.getConnections(stranger.peerId).length + stranger.getConnections(node.peerId).length === 0)
    expect(node.getConnections(friend.peerId).length).toBe(1)
    expect((await visit(node, stranger)).status).toBe('open')
  })
})

describe.each([
  ['no gater', () => ({})],
  ['a gater that no manager has joined to the node', () => ({ connectionGater: connectionGater({ networks: {} }) })]
])('with %s', (_, options) => {
  it('who is on js-libp2p\'s own allow list is not limited, others are', async () => {
    const node = await gated({ openRate: hourly(5), dropsBeforeClose: Infinity }, {
      addresses: { listen: [LISTEN['TCP']!] }, connectionManager: { allow: ['/ip4/127.5.0.0/ipcidr/16'] }, ...options()
    })
    await handle(node, APP)
    const open = async (address: string) => (await openMany(await visit(node, add(await startVisitor(address))), 60, APP)).length

    // some are identify's
    expect(await open('127.5.1.2')).toBe(60)
    expect(await open('127.6.1.2')).toBeLessThanOrEqual(5)
  })
})

describe('streams that we open', () => {
  it('are refused with an error that says why, where both directions are asked for', async () => {
    const node = await gated({ directions: 'both', protocolRates: { [APP]: hourly(2) } })
    const other = add(await startNode({ addresses: { listen: ['/memory/other'] } }))
    await handle(other, APP)
    const connection = await visit(other, node)

    expect((await openMany(connection, 2, APP)).length).toBe(2)
    await expect(connection.newStream(APP)).rejects.toMatchObject({ name: 'StreamDeniedError', code: 'ERR_STREAM_DENIED', protocol: APP, reason: 'protocol-rate', limit: 2 })
    expect([connection.status, connection.streams.filter(({ status }) => status === 'open').length]).toEqual(['open', 2])
  })

  it('may be refused, and js-libp2p\'s connection monitor pings all the same', async () => {
    const node = await gated({ directions: 'both', peerRate: hourly(1) }, { connectionMonitor: { pingInterval: 20 } })
    const other = add(await startNode({ addresses: { listen: ['/memory/other'] }, services: { ping: ping() } }))
    await handle(other, APP)
    const connection = await visit(other, node)
    await connection.newStream(APP)
    await expect(connection.newStream(APP)).rejects.toMatchObject({ reason: 'peer-rate' })

    await until('it has pinged', () => connection.rtt != null || connection.status !== 'open')
    expect([connection.status, node.services.streamGate.inspect().denials]).toEqual(['open', { 'peer-rate': 1 }])
  })
})

describe('an idle connection', () => {
  it('is closed although it pings, and one with a stream is not', async () => {
    const node = await gated({ idleTimeout: Infinity }, { addresses: { listen: [LISTEN['TCP']!] }, services: { ping: ping() } })
    await handle(node, APP)
    const [idle, busy] = [add(await startNode({ services: { ping: ping() } })), add(await startNode())]
    const [idleConnection, busyConnection] = [await visit(node, idle), await visit(node, busy)]
    await busyConnection.newStream(APP)
    const told: string[] = []
    node.services.streamGate.addEventListener('idle', ({ detail }) => { told.push(detail.peer.toString()) })

    // only now, so that a slow machine does not make both of them idle; a ping may be under way when its connection is closed
    node.services.streamGate.setConfig({ idleTimeout: 400 })
    await until('it is closed', async () => {
      await idle.services.ping.ping(idleConnection.remotePeer, { signal: AbortSignal.timeout(500) }).catch(() => {})
      return idleConnection.status !== 'open'
    })
    expect(told).toEqual([idle.peerId.toString()])
    expect(busyConnection.status).toBe('open')
  })
})

describe('what is refused', () => {
  it('is in the node\'s metrics, by protocol and reason', async () => {
    const { metrics, scrape } = scrapedMetrics()
    const node = await gated({ openRate: hourly(30), dropsBeforeClose: Infinity, protocolRates: { [APP]: hourly(10) }, maxStreamsPerProtocol: { '/other/1': 0 } }, { metrics })
    await handle(node, APP)
    await handle(node, '/other/1')
    const connection = await visit(node)
    await openMany(connection, 15, APP)
    await openMany(connection, 5, '/other/1')
    await openMany(connection, 20, APP)

    await until('all were answered', async () => JSON.stringify(await scrape('libp2p_connmgr_streams')) === JSON.stringify({
      libp2p_connmgr_streams_denied_total: { [`${APP}/protocol-rate`]: 15, '/other/1/protocol-streams': 5, 'unnegotiated/stream-rate': 10 }
    }))
  })

  it('is written to libp2p:connmgr:streams, ten lines in ten seconds at most', async () => {
    const logger = spyLogger()
    const node = await gated({ openRate: hourly(1), dropsBeforeClose: Infinity }, { logger })
    await handle(node, APP)
    await openMany(await visit(node), 100, APP)

    expect(logger.lines('libp2p:connmgr:streams')).toHaveLength(10)
    expect(logger.errors('libp2p:connmgr:streams')).toEqual([])
  })
})

describe('the gate finds its way', () => {
  it('to connections that another service opened while it was made', async () => {
    const node = await gated({}, { addresses: { listen: ['/memory/a'] } })
    await node.services.streamGate.stop()
    await visit(node)
    await node.services.streamGate.start()

    expect(node.services.streamGate.inspect()).toMatchObject({ connections: 1, off: [] })
    expect(componentsOf(node).connectionManager.getConnections?.()).toHaveLength(1)
  })
})
