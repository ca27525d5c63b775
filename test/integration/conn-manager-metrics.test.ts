import { describe, expect, it } from 'vitest'
import { connectionManagerDefaults } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { fleet } from '../support/fleet.ts'
import { inMemory, startNode } from '../support/node.ts'
import { scrapedMetrics } from '../support/scraped-metrics.ts'
import { spyLogger } from '../support/spy-logger.ts'
import { until } from '../support/until.ts'

const { add, hub: startHub, visit, visitor } = fleet()

describe('the metrics of the manager', () => {
  it('are all there, with the values of the house', async () => {
    const { metrics, scrape } = scrapedMetrics()
    const hub = await startHub({ lowWater: 3, highWater: 6, hardLimit: 9, clock: fakeClock() }, { metrics })
    const manager = hub.services.connManager
    const other = add(await startNode({ ...inMemory, addresses: { listen: ['/memory/measured'] } }))
    const [first, second] = await visit(hub, 5)
    await hub.dial(other.getMultiaddrs())
    manager.protect(first!.peerId, 'mine')
    manager.tagPeer(second!.peerId, 'good', 1)

    expect(await scrape('libp2p_connmgr_')).toEqual({
      libp2p_connmgr_connections: { inbound: 5, outbound: 1 },
      libp2p_connmgr_watermarks: { low: 3, high: 6, hard: 9 },
      libp2p_connmgr_protected_peers: 1,
      libp2p_connmgr_tracked_peers: 6,
      libp2p_connmgr_trims_total: 0,
      libp2p_connmgr_trimmed_connections_total: {},
      libp2p_connmgr_trim_duration_seconds: expect.objectContaining({ count: 0 })
    })

    await manager.trimOpenConns()
    await manager.trimOpenConns()

    expect(await scrape('libp2p_connmgr_')).toMatchObject({
      libp2p_connmgr_connections: { inbound: 2, outbound: 1 },
      libp2p_connmgr_tracked_peers: 3,
      libp2p_connmgr_trims_total: 2,
      libp2p_connmgr_trimmed_connections_total: { inbound: 3 },
      libp2p_connmgr_trim_duration_seconds: { count: 2, sum: 0 }
    })

    await hub.stop()
    expect(await scrape('libp2p_connmgr_connections')).toEqual({ libp2p_connmgr_connections: { inbound: 0, outbound: 0 } })
  })
})

describe('the log of the manager', () => {
  it('is libp2p:connmgr, and tells of trims, of marks that cannot be kept and of evictions', async () => {
    const logger = spyLogger()
    const lines = (): string[] => logger.lines('libp2p:connmgr')
    const hub = await startHub({ lowWater: 1, highWater: 2, hardLimit: 3, outboundReserve: 0, clock: fakeClock() }, { logger, connectionManager: connectionManagerDefaults })
    for (const { peerId } of await visit(hub, 3)) hub.services.connManager.protect(peerId, 'mine')

    await hub.services.connManager.trimOpenConns()
    expect(lines()).toEqual([
      expect.stringMatching(/default limits is installed/),
      'trimmed 0 of 0 connections, 3 are open',
      expect.stringMatching(/highWater/)
    ])

    const friend = await visitor()
    hub.services.connManager.protect(friend.peerId, 'mine')
    await friend.dial(hub.getMultiaddrs())
    await until('it was let in above the limit', () => lines().length === 4)
    expect(lines()[3]).toMatch(/hardLimit 3/)
    expect(logger.errors('libp2p:connmgr')).toEqual([])
  })
})
