import { describe, expect, it, vi } from 'vitest'
import { connManager, connectionGater, connectionManagerDefaults } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { fleet } from '../support/fleet.ts'
import { componentsOf } from '../support/inside.ts'
import { startNode, startVisitor } from '../support/node.ts'
import { spyLogger } from '../support/spy-logger.ts'
import { until } from '../support/until.ts'
import type { ConnManager, ConnManagerInit } from '../../src/index.ts'
import type { SpyLogger } from '../support/spy-logger.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

type Hub = Libp2p<{ connManager: ConnManager }>
type JsLimits = NonNullable<Libp2pOptions['connectionManager']>

const { add } = fleet()

/** A hub on TCP with js-libp2p's own limits, and no gater unless it is given. */
async function start (init: ConnManagerInit, connectionManager: JsLimits = {}, gater: Partial<Pick<Libp2pOptions, 'connectionGater'>> = {}): Promise<{ hub: Hub, logger: SpyLogger }> {
  const logger = spyLogger()
  const hub = add(await startNode({
    logger,
    connectionManager,
    ...gater,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    services: { connManager: connManager({ outboundReserve: 0, ...init }) }
  }))

  return { hub, logger }
}

/** From `127.0.hall.1` on, an address each: js-libp2p admits five connections per second from one. */
async function come (hub: Hub, count: number, hall = 1): Promise<{ visitors: Libp2p[], admitted: boolean[] }> {
  const visitors: Libp2p[] = []
  const admitted: boolean[] = []

  for (let i = 1; i <= count; i++) {
    const visitor = add(await startVisitor(`127.0.${hall}.${i}`))
    visitors.push(visitor)
    admitted.push(await visitor.dial(hub.getMultiaddrs(), { force: true }).then(() => true, () => false))
    await upgradesAreDone(hub)
  }

  return { visitors, admitted }
}

/** A dial ends before the listener's side of it does. */
async function upgradesAreDone (hub: Hub): Promise<void> {
  await until('nobody is pending', () => componentsOf(hub).connectionManager.incomingPendingConnections === 0)
}

const times = (count: number, value: boolean): boolean[] => Array.from({ length: count }, () => value)

describe('in charge of a node with js-libp2p\'s own limits', () => {
  it('its maxConnections refuses nobody and its pruner closes nobody', async () => {
    const { hub } = await start({ lowWater: 30, highWater: 35, hardLimit: 40 }, { maxConnections: 10 })
    let pruned = 0
    hub.addEventListener('connection:prune', () => { pruned++ })

    const { admitted } = await come(hub, 25)

    expect(admitted).toEqual(times(25, true))
    expect(hub.getConnections()).toHaveLength(25)
    expect(pruned).toBe(0)
    expect(hub.services.connManager.getInfo().connCount).toBe(25)
  })

  it('nobody walks over all connections when one more comes', async () => {
    const { hub } = await start({ lowWater: 30, highWater: 35, hardLimit: 40 })
    const { connectionManager } = componentsOf(hub)
    let walks = 0
    connectionManager.getConnections = () => {
      walks++
      return []
    }

    expect((await come(hub, 5)).admitted).toEqual(times(5, true))

    expect(walks).toBe(0)
    Reflect.deleteProperty(connectionManager, 'getConnections')
    expect(hub.getConnections()).toHaveLength(5)
  })

  it('the ceiling is its hardLimit', async () => {
    const { hub } = await start({ lowWater: 12, highWater: 15, hardLimit: 15, onHardLimit: 'deny', clock: fakeClock() }, { maxConnections: 10 })

    const { admitted } = await come(hub, 17)

    expect(admitted).toEqual([...times(15, true), false, false])
    expect(hub.getConnections()).toHaveLength(15)
  })

  it('its deny list still refuses', async () => {
    const { hub } = await start({}, { deny: ['/ip4/127.0.2.0/ipcidr/24'] })

    expect((await come(hub, 3, 2)).admitted).toEqual(times(3, false))
    expect((await come(hub, 3, 3)).admitted).toEqual(times(3, true))
  })

  it('its allow list is trust, which no trim closes, and no limit on others', async () => {
    const { hub } = await start({ lowWater: 2, highWater: 30, gracePeriod: 0 }, { allow: ['/ip4/127.0.2.0/ipcidr/24'], maxConnections: 1 })
    const trusted = await come(hub, 3, 2)
    const others = await come(hub, 4, 3)
    expect([...trusted.admitted, ...others.admitted]).toEqual(times(7, true))

    const report = await hub.services.connManager.forceTrim()

    expect(report).toMatchObject({ closed: 4, open: 3, spared: { trusted: 3 } })
    expect(new Set(hub.getPeers().map(String))).toEqual(new Set(trusted.visitors.map(({ peerId }) => peerId.toString())))
  })

  it('a warning at start names what stays of its limits where there is no gater of ours', async () => {
    const { logger } = await start({})

    expect(logger.errors('libp2p:connmgr')).toEqual([expect.stringMatching(/more than 10 pending .* more than 5 per second/)])
  })

  it.each([
    ['there is a gater of ours', {}, { connectionGater: connectionGater() }],
    ['they are lifted', connectionManagerDefaults, {}]
  ])('there is no warning where %s', async (_, limits, gater) => {
    const { logger } = await start({}, limits, gater)

    expect(logger.errors('libp2p:connmgr')).toEqual([])
  })

  it('its limit on connections per second holds where no gater of ours has one', async () => {
    const { hub } = await start({})
    const visitor = add(await startVisitor('127.0.4.1'))
    const admitted: boolean[] = []

    for (let i = 0; i < 6; i++) {
      admitted.push(await visitor.dial(hub.getMultiaddrs(), { force: true }).then(() => true, () => false))
    }

    expect(admitted).toEqual([...times(5, true), false])
  })

  it('its pending counter is zero at rest, after admissions, denials and failed upgrades', async () => {
    const { hub } = await start({ lowWater: 2, highWater: 4, hardLimit: 4, onHardLimit: 'deny', clock: fakeClock() }, { deny: ['/ip4/127.0.2.0/ipcidr/24'] })
    const stranger = add(await startNode({ connectionEncrypters: [] }))

    await expect(stranger.dial(hub.getMultiaddrs())).rejects.toThrow()
    await come(hub, 3, 2)
    await come(hub, 6, 3)

    await upgradesAreDone(hub)
    expect(hub.services.connManager.getInfo().connCount).toBe(4)
  })

  it('no listener is left after stop that a node without it would not have', async () => {
    const { hub } = await start({})
    const plain = add(await startNode())
    const listeners = (node: Libp2p): number[] => (['connection:open', 'connection:close', 'peer:update'] as const).map(type => componentsOf(node).events.listenerCount(type))

    await Promise.all([hub.stop(), plain.stop()])

    expect(listeners(hub)).toEqual(listeners(plain))
  })

  it('everything is as it was after stop, and taken over again at the next start', async () => {
    const { hub } = await start({ lowWater: 30, highWater: 35, hardLimit: 40 }, { maxConnections: 10 })
    const { connectionManager, upgrader } = componentsOf(hub)
    expect(connectionManager.getMaxConnections!()).toBe(Infinity)
    expect(Object.hasOwn(connectionManager, 'acceptIncomingConnection')).toBe(true)
    expect(Object.hasOwn(upgrader, 'upgradeOutbound')).toBe(true)

    await hub.stop()
    expect(connectionManager.getMaxConnections!()).toBe(10)
    expect(Object.hasOwn(connectionManager, 'acceptIncomingConnection')).toBe(false)
    expect(Object.hasOwn(upgrader, 'upgradeOutbound')).toBe(false)

    await hub.start()
    expect(connectionManager.getMaxConnections!()).toBe(Infinity)
    expect((await come(hub, 12)).admitted).toEqual(times(12, true))
  })

  it('who has wrapped what we wrapped keeps his', async () => {
    const { hub } = await start({})
    const { upgrader } = componentsOf(hub)
    const theirs = vi.fn(upgrader.upgradeOutbound.bind(upgrader))
    upgrader.upgradeOutbound = theirs
    await hub.stop()
    await hub.start()

    expect(await hub.dial(add(await startNode({ addresses: { listen: ['/memory/theirs'] } })).getMultiaddrs()).then(({ status }) => status)).toBe('open')
    expect(theirs).toHaveBeenCalledOnce()
  })

  it('a manager that stops alone hands its node back, with limit and pruner', async () => {
    const { hub } = await start({ lowWater: 30, highWater: 35, hardLimit: 40 }, { maxConnections: 4 })
    const [other] = (await come(hub, 4)).visitors
    const listening = add(await startNode({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } }))
    let pruned = 0
    hub.addEventListener('connection:prune', ({ detail }) => { pruned += detail.length })

    await hub.services.connManager.stop()

    expect((await come(hub, 1, 2)).admitted).toEqual([false])
    await hub.dial(listening.getMultiaddrs())
    await until('it pruned', () => pruned === 1)
    expect(other!.status).toBe('started')
  })
})

describe('beside js-libp2p\'s own manager', () => {
  it('its limit acts, and a warning at start names it', async () => {
    const { hub, logger } = await start({ takeOver: false, lowWater: 30, highWater: 35, hardLimit: 40 }, { maxConnections: 5 })

    expect(logger.errors('libp2p:connmgr')[1]).toMatch(/maxConnections \(5\).*hardLimit \(40\)/)
    expect((await come(hub, 7)).admitted).toEqual([...times(5, true), false, false])
    expect(hub.services.connManager.getInfo().connCount).toBe(5)
  })

  it('there is no warning where nothing gets in the way', async () => {
    const { logger } = await start({ takeOver: false, lowWater: 3, highWater: 4, hardLimit: 5 }, { ...connectionManagerDefaults, maxConnections: 5 })

    expect(logger.errors('libp2p:connmgr')).toEqual([])
  })

  it('its trims still keep the count between the marks', async () => {
    const { hub } = await start({ takeOver: false, lowWater: 2, highWater: 4, hardLimit: 8, gracePeriod: 0, silencePeriod: 0 })

    await come(hub, 5)

    await until('two are left', () => hub.getConnections().length === 2)
  })
})
