import { describe, expect, it } from 'vitest'
import { heard, ids, mockHouse, next, openOnes, partHouse } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { MockConnection } from '../support/mock-connection.ts'
import type { PartHouse } from '../support/mock-house.ts'
import type { ConnManager, Limits } from '../../src/index.ts'
import type { Trust } from '../../src/limiter/ports.ts'

const SECOND = 1_000
const marks = { lowWater: 2, highWater: 4, hardLimit: 1_000, gracePeriod: 0, silencePeriod: 10 * SECOND }

function endAll (connections: readonly MockConnection[]): void {
  for (const connection of connections) connection.end()
}

describe('trimOpenConns', () => {
  it('reports what it closed, why, and what was spared', async () => {
    const { manager, openMany, clock } = mockHouse({ ...marks, gracePeriod: 50 })
    const [one, two, three, four] = openMany(4)
    manager.tagPeer(two!.remotePeer, 'test', 7)
    manager.protect(three!.remotePeer, 'mine')
    clock.advance(50)
    openMany(2)

    await expect(manager.trimOpenConns()).resolves.toEqual({
      closed: 2,
      open: 4,
      target: 2,
      duration: 0,
      entries: [
        { connectionId: one!.id, peer: one!.remotePeer, reason: 'value', value: 0 },
        { connectionId: four!.id, peer: four!.remotePeer, reason: 'value', value: 0 }
      ],
      spared: { 'protected': 1, 'trusted': 0, 'grace': 2, 'keep-alive': 0, 'outbound-reserve': 0 }
    })
  })

  it('closes what planTrim says, in its order, and planTrim closes nothing', async () => {
    const { manager, openMany, connections } = mockHouse(marks)
    openMany(9)
    connections.forEach(({ remotePeer }, n) => { manager.tagPeer(remotePeer, 'test', (n * 5) % 9) })
    const plan = manager.planTrim()
    expect(openOnes(connections)).toHaveLength(9)
    expect(plan).toMatchObject({ open: 9, target: 2 })

    const { entries } = await manager.trimOpenConns()
    expect(entries).toEqual(plan.entries)
    expect(manager.planTrim().entries).toEqual([])
  })

  it('says how long the slowest took', async () => {
    const { manager, openMany, clock } = mockHouse(marks)
    openMany(3, { manners: 'hangs-for-ever' })
    const trim = manager.trimOpenConns()
    clock.advance(SECOND)

    await expect(trim).resolves.toMatchObject({ closed: 1, duration: SECOND })
  })

  it('counts one that vanished before its turn neither as closed nor as open', async () => {
    const { manager, openMany } = mockHouse(marks)
    const connections = openMany(60)
    const trim = manager.trimOpenConns()
    // entries go in the order of their ids; the second batch of 50 has not had its turn
    connections[55]!.end()

    await expect(trim).resolves.toMatchObject({ closed: 57, open: 2 })
  })

  it('closing ones do not count, so two trims in a row close no more than one', async () => {
    const { manager, openMany, clock, connections } = mockHouse(marks)
    openMany(6, { manners: 'hangs' })
    const first = manager.trimOpenConns()
    expect(manager.getInfo().connCount).toBe(2)
    expect(manager.planTrim()).toMatchObject({ open: 2, entries: [] })
    clock.advance(SECOND)
    await first
    await manager.trimOpenConns()

    expect(openOnes(connections)).toHaveLength(2)
  })

  it('runs once for 20 callers, and closes 20 connections once each', async () => {
    const { manager, openMany, connections } = mockHouse(marks)
    const trims = heard(manager, 'trim')
    openMany(22)
    await Promise.all(Array.from({ length: 20 }, async () => manager.trimOpenConns()))

    expect(trims).toHaveLength(1)
    expect(connections.filter(({ calls }) => calls.length === 1)).toHaveLength(20)
  })

  it('a caller who gives up hears why, and the trim goes on', async () => {
    const { manager, openMany, clock, connections } = mockHouse(marks)
    openMany(3, { manners: 'hangs' })
    const controller = new AbortController()
    const [given, patient] = [manager.trimOpenConns({ signal: controller.signal }), manager.trimOpenConns()]
    controller.abort()
    await expect(given).rejects.toMatchObject({ name: 'AbortError' })

    clock.advance(SECOND)
    await expect(patient).resolves.toMatchObject({ closed: 1 })
    expect(openOnes(connections)).toHaveLength(2)
  })

  it.each(['trimOpenConns', 'forceTrim'] as const)('%s of a caller who had given up before closes nothing', async method => {
    const { manager, openMany, connections } = mockHouse(marks)
    openMany(3)

    await expect(manager[method]({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect(openOnes(connections)).toHaveLength(3)
  })

  it('a caller who gives up while his trim is being planned hears why, and the trim goes on', async () => {
    const caller = new AbortController()
    const trimOrder = (): number => {
      caller.abort()
      return 0
    }
    const { manager, openMany } = mockHouse({ ...marks, trimOrder })
    openMany(4)

    await expect(manager.trimOpenConns({ signal: caller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(manager.getInfo().connCount).toBe(2)
  })

  it('never closes a trusted connection', async () => {
    const trust: Trust = { trustsAnybody: true, isTrusted: ({ direction }) => direction === 'outbound' }
    const { manager, openMany, connections } = partHouse({ ...marks, outboundReserve: 0 }, { trust })
    openMany(3, { direction: 'outbound' })
    openMany(3)

    await expect(manager.forceTrim()).resolves.toMatchObject({ closed: 3, spared: { trusted: 3 } })
    expect(openOnes(connections)).toEqual(['c0000', 'c0001', 'c0002'])
  })

  it.each<[string, (house: PartHouse, trusted: Set<string>, n: number) => void]>([
    ['protected', ({ manager }, _, n) => { manager.protect(peer(n), 'mine') }],
    ['trusted', (_, trusted, n) => { trusted.add(peer(n).toString()) }]
  ])('spares who is %s while earlier batches close, and counts them again', async (_, spare) => {
    const trusted = new Set<string>()
    const house = partHouse({ ...marks, highWater: 100, hardLimit: 400 }, { trust: { get trustsAnybody () { return trusted.size > 0 }, isTrusted: ({ remotePeer }) => trusted.has(remotePeer.toString()) } })
    house.openMany(102)
    const trim = house.manager.trimOpenConns()
    await new Promise(resolve => { setImmediate(resolve) })
    expect(openOnes(house.connections)).toHaveLength(52)
    for (let n = 0; n < 102; n++) spare(house, trusted, n)

    await expect(trim).resolves.toMatchObject({ closed: 50, open: 52 })
    expect([openOnes(house.connections).length, house.manager.getInfo().connCount]).toEqual([52, 52])
  })

  it.each<[string, Partial<Limits>, (stayers: readonly MockConnection[], manager: ConnManager) => void, { closed: number, open: number }]>([
    ['others leave', {}, stayers => { endAll(stayers.slice(0, 30)) }, { closed: 70, open: 100 }],
    ['more leave than were left to go', {}, stayers => { endAll(stayers.slice(0, 60)) }, { closed: 50, open: 90 }],
    ['outbound ones of the reserve leave', { lowWater: 50, outboundReserve: 90 }, stayers => { endAll(stayers.slice(0, 30)) }, { closed: 80, open: 90 }],
    ['the low mark is raised', {}, (_, manager) => { manager.setLimits({ lowWater: 110 }) }, { closed: 90, open: 110 }]
  ])('closes no more than the marks allow when %s meanwhile', async (_, limits, change, report) => {
    const { manager, openMany, connections } = mockHouse({ ...marks, lowWater: 100, highWater: 120, ...limits })
    openMany(200, { direction: 'outbound' })
    const going = new Set(manager.planTrim().entries.map(({ connectionId }) => connectionId))
    const trim = manager.trimOpenConns()
    await new Promise(resolve => { setImmediate(resolve) })
    expect(openOnes(connections)).toHaveLength(150)
    change(connections.filter(({ id }) => !going.has(id)), manager)

    await expect(trim).resolves.toMatchObject(report)
    expect([openOnes(connections).length, manager.getInfo().connCount]).toEqual([report.open, report.open])
  })

  it('comes again after its silence where some were spared while it closed, and others are left', async () => {
    const { manager, openMany, clock } = mockHouse({ ...marks, lowWater: 100, highWater: 120 })
    openMany(300)
    const { entries } = manager.planTrim()
    manager.start()
    const first = next(manager, 'trim')
    clock.advance(0)
    for (const { peer } of entries.slice(100, 150)) manager.protect(peer, 'mine')
    await expect(first).resolves.toMatchObject({ closed: 150, open: 150 })

    const second = next(manager, 'trim')
    clock.advance(marks.silencePeriod)
    await expect(second).resolves.toMatchObject({ closed: 50, open: 100 })
  })

  it('counts once what somebody was closing and a trimOrder ended', async () => {
    const house: PartHouse = partHouse({ ...marks, trimOrder: () => {
      house.connections[0]!.end()
      return 0
    } })
    house.openMany(4)
    house.connections[0]!.status = 'closing'
    await house.manager.trimOpenConns()

    expect([openOnes(house.connections).length, house.manager.getInfo().connCount]).toEqual([2, 2])
  })

  it.each<[string, (house: PartHouse) => unknown]>([
    ['ends a connection', ({ connections }) => { connections[0]!.end() }],
    ['asks for a trim', ({ manager }) => manager.trimOpenConns()],
    ['asks for a forced trim', ({ manager }) => manager.forceTrim()],
    ['ends one and throws', ({ connections }) => {
      connections[0]!.end()
      throw new Error('broken')
    }],
    ['answers by a promise that fails', async () => Promise.reject(new Error('async'))]
  ])('survives a trimOrder that %s', async (_, act) => {
    let acted: unknown
    const house: PartHouse = partHouse({ ...marks, trimOrder: () => { return (acted ??= act(house) ?? null) instanceof Promise ? acted as never : 0 } })
    house.openMany(6)

    await expect(house.manager.trimOpenConns()).resolves.toMatchObject({ open: 2 })
    expect(openOnes(house.connections)).toHaveLength(2)
  })

  it('asks nobody for trust while nobody is trusted', () => {
    let asked = 0
    const trust: Trust = { trustsAnybody: false, isTrusted: () => ++asked > 0 }
    const { manager, openMany } = partHouse(marks, { trust })
    openMany(9)
    asked = 0

    expect(manager.planTrim().entries).toHaveLength(7)
    expect(asked).toBe(0)
  })
})

describe('forceTrim', () => {
  it('ignores grace and silence, and starts a silence', async () => {
    const { manager, openMany, clock } = mockHouse({ ...marks, gracePeriod: 60 * SECOND })
    openMany(4)
    await manager.trimOpenConns()
    await expect(manager.forceTrim()).resolves.toMatchObject({ closed: 2, open: 2 })

    expect(manager.getInfo().lastTrim).toBe(clock.now())
  })

  it('takes protected ones when all others are gone, as many as needed, and leaves them protected', async () => {
    const { manager, openMany, connections } = mockHouse(marks)
    for (const { remotePeer } of openMany(4)) manager.protect(remotePeer, 'mine')
    manager.tagPeer(peer(0), 'test', -1)
    openMany(1)
    const { entries } = await manager.forceTrim()

    expect(entries.map(({ connectionId, reason }) => [connectionId, reason]))
      .toEqual([['c0004', 'only-candidate'], ['c0000', 'protection-overridden'], ['c0001', 'protection-overridden']])
    expect(openOnes(connections)).toEqual(['c0002', 'c0003'])
    expect(manager.isProtected(peer(0))).toBe(true)
  })

  it('waits for a normal trim, which does less; a normal one shares a forced one', async () => {
    const { manager, openMany, clock, connections } = mockHouse({ ...marks, gracePeriod: 60 * SECOND })
    openMany(3, { manners: 'hangs' })
    clock.advance(60 * SECOND)
    openMany(3, { manners: 'hangs' })

    const normal = manager.trimOpenConns()
    const forced = [manager.forceTrim(), manager.forceTrim()]
    clock.advance(SECOND)
    await expect(normal).resolves.toMatchObject({ closed: 1, open: 5 })
    await new Promise(resolve => { setImmediate(resolve) })
    const shared = manager.trimOpenConns()
    clock.advance(SECOND)
    const [first, second] = await Promise.all(forced)

    expect(first).toMatchObject({ closed: 3, open: 2 })
    expect([second, await shared]).toEqual([first, first])
    expect(second).toBe(first)
    expect(ids(connections.filter(({ calls }) => calls.length > 0))).toHaveLength(4)
  })
})

describe('stop during a trim', () => {
  it('ends it cleanly: what was chosen closes, nothing is left, no timer runs', async () => {
    const { manager, openMany, clock } = mockHouse(marks)
    manager.start()
    openMany(200, { manners: 'hangs' })
    const trim = manager.trimOpenConns()
    manager.stop()
    expect(manager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 0 })

    for (const _ of [1, 2, 3, 4]) await new Promise(resolve => { setImmediate(resolve) })
    clock.advance(SECOND)
    await expect(trim).resolves.toMatchObject({ open: 0, closed: 198 })
    expect(clock.pending).toBe(0)
  })
})
