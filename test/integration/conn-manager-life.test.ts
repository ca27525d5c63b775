import { fork } from 'node:child_process'
import { once } from 'node:events'
import { tcp } from '@libp2p/tcp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nextTurn } from '../../src/clock/next-turn.ts'
import { connManager } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { badLink } from '../support/bad-link.ts'
import { fleet, portOf } from '../support/fleet.ts'
import { componentsOf, fillWindow } from '../support/inside.ts'
import { heard } from '../support/mock-house.ts'
import { inMemory, startNode, withoutPings } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { ConnManager } from '../../src/index.ts'
import type { Libp2p, Startable } from '@libp2p/interface'

const { add, hub: startHub, visit, visitor, visitOver } = fleet()
const overTcp = { transports: [tcp()], ...withoutPings }
const managed = connManager()

type Dialler = (components: { connectionManager: { openConnection: (to: unknown) => Promise<unknown> } }) => Startable

describe('a stop in the middle of a trim', () => {
  const rejections: unknown[] = []
  const onRejection = (reason: unknown): void => { rejections.push(reason) }

  beforeEach(() => { process.on('unhandledRejection', onRejection) })

  afterEach(() => {
    process.off('unhandledRejection', onRejection)
    expect(rejections.splice(0)).toEqual([])
  })

  it('between two of its batches leaves nothing, and the node starts again', async () => {
    const clock = fakeClock()
    const hub = await startHub({ lowWater: 5, highWater: 200, clock })
    const manager = hub.services.connManager
    await visit(hub, 120)

    const trim = manager.trimOpenConns()
    expect(manager.getInfo().connCount).toBe(5)
    await hub.stop()
    await trim

    expect(manager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 0 })
    expect(clock.pending).toBe(0)

    await hub.start()
    await visit(hub, 7)
    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 2, open: 5 })
  })

  it('while a peer that reads nothing keeps it waiting leaves nothing', async () => {
    const clock = fakeClock()
    const hub = await startHub({ lowWater: 1, highWater: 200, clock }, { ...overTcp, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
    const manager = hub.services.connManager
    const link = add(await badLink(portOf(hub)))
    await visitOver(hub, link, 2, overTcp)
    const served = hub.getConnections()
    link.stall()
    for (const connection of served) fillWindow(connection)

    const trim = manager.trimOpenConns()
    await until('one is closing', () => served.some(({ status }) => status === 'closing'))
    await hub.stop()
    await trim

    expect(manager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 0 })
    expect(clock.pending).toBe(0)
  })

  it('hears of no connection and trims no more', async () => {
    const clock = fakeClock()
    const hub = await startHub({ lowWater: 1, highWater: 2, clock, gracePeriod: 1_000 })
    const trims = heard(hub.services.connManager, 'trim')
    await visit(hub, 4)
    const [connection] = hub.getConnections()
    clock.advance(0)
    await until('the first trim has ended', () => trims.length === 1)

    await hub.stop()
    componentsOf(hub).events.safeDispatchEvent('connection:open', { detail: Object.create(connection!, { status: { value: 'open' } }) })
    clock.advance(3_600_000)

    expect(clock.pending).toBe(0)
    expect(trims).toHaveLength(1)
    expect(hub.services.connManager.getInfo().connCount).toBe(0)
  })
})

describe('connections that were open before the manager started', () => {
  it('are counted, trimmed, and forgotten when they close', async () => {
    const hub = await startHub({ lowWater: 2, highWater: 3 })
    const manager = hub.services.connManager
    const trims = heard(manager, 'trim')
    await manager.stop()
    const connections = await Promise.all(Array.from({ length: 5 }, async () => (await visitor()).dial(hub.getMultiaddrs())))
    expect(connections).toHaveLength(5)
    await until('the hub has them', () => hub.getConnections().length === 5)
    expect(manager.getInfo().connCount).toBe(0)

    await manager.start()
    expect(manager.getInfo().connCount).toBe(5)
    await until('it trimmed at once', () => hub.getConnections().length === 2)

    await until('it reported', () => trims.length === 1)
    expect(trims).toMatchObject([{ closed: 3, open: 2 }])
  })

  it.each([
    ['before', (dialler: Dialler, manager: typeof managed) => ({ dialler, connManager: manager })],
    ['after', (dialler: Dialler, manager: typeof managed) => ({ connManager: manager, dialler })]
  ])('are counted when a service %s the manager dials in its own start', async (_, services) => {
    const other = await startHub()
    const dialler: Dialler = components => ({
      start: async () => {
        // js-libp2p's own manager dials once its own start, which runs at the same time, has ended
        await nextTurn()
        await components.connectionManager.openConnection(other.getMultiaddrs())
      },
      stop: () => {}
    })

    const node = add(await startNode({ ...inMemory, services: services(dialler, managed) as never })) as unknown as Libp2p<{ connManager: ConnManager }>

    expect(node.getConnections()).toHaveLength(1)
    expect(node.services.connManager.getInfo()).toMatchObject({ connCount: 1, trackedPeers: 1 })
    expect(Object.keys(node.services.connManager.getTagInfo(other.peerId)!.conns)).toEqual([node.getConnections()[0]!.id])
  })
})

describe('a process', () => {
  it.each([
    ['after its node has stopped in the middle of a trim', new URL('../support/stopped-node.ts', import.meta.url)],
    ['though a manager with decaying tags and a trim to come was never stopped', new URL('../support/unstopped-manager.ts', import.meta.url)]
  ])('ends by itself %s', async (_, script) => {
    const child = fork(script, { stdio: 'pipe' })
    const said: string[] = []
    child.stdout!.on('data', data => { said.push(String(data)) })
    child.stderr!.on('data', data => { said.push(String(data)) })

    const [code] = await once(child, 'exit')

    expect(said.join('')).toBe('done\n')
    expect(code).toBe(0)
  })
})
