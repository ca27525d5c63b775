import { describe, expect, it } from 'vitest'
import { heard, mockHouse, next, openOnes, partHouse } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { MockConnection } from '../support/mock-connection.ts'
import type { PartHouse } from '../support/mock-house.ts'

const SECOND = 1_000
const marks = { lowWater: 2, highWater: 4, hardLimit: 100, gracePeriod: 0 }

/** The first connection of a house, opened when there is none yet. */
const theOne = ({ connections, open }: PartHouse): MockConnection => connections[0] ?? open()

describe('what a network may tell', () => {
  it.each<[string, (house: PartHouse) => void, object]>([
    ['connected twice counts once', ({ open, announce }) => { announce(open()) }, { connCount: 1, trackedPeers: 1 }],
    ['connected twice and disconnected once is gone', house => { for (const act of [house.announce, house.announceEnd]) act(theOne(house)) }, { connCount: 0, trackedPeers: 0 }],
    ['disconnected twice counts once', house => { for (const act of [house.announceEnd, house.announceEnd]) act(theOne(house)) }, { connCount: 0, trackedPeers: 0 }],
    ['disconnected and never connected is nothing', ({ make, announceEnd }) => { announceEnd(make()) }, { connCount: 0, trackedPeers: 0 }],
    ['disconnected before connected: it is dead then, and not counted', ({ make, announce }) => { announce(make({ status: 'closed' })) }, { connCount: 0, trackedPeers: 0 }],
    ['connected while closing is not counted', ({ make, announce }) => { announce(make({ status: 'closing' })) }, { connCount: 0, trackedPeers: 0 }],
    ['connected and aborted is not counted', ({ make, announce }) => { announce(make({ status: 'aborted' })) }, { connCount: 0, trackedPeers: 0 }],
    ['one object under two ids of one peer is two connections', ({ openMany }) => { openMany(2, { remotePeer: peer(0), id: 'same' }) }, { connCount: 2, trackedPeers: 1 }],
    ['disconnected after stop changes nothing', house => {
      const connection = theOne(house)
      house.manager.stop()
      house.announceEnd(connection)
    }, { connCount: 0, trackedPeers: 0 }],
    ['an address without an IP is counted', ({ open }) => { for (const remoteAddr of ['/memory/1', '/unix/a', '/dns4/example.com/tcp/1']) open({ remoteAddr }) }, { connCount: 3, trackedPeers: 3 }]
  ])('%s', (_, act, info) => {
    const house = partHouse(marks)
    act(house)

    expect(house.manager.getInfo()).toMatchObject(info)
    for (const connection of house.connections) house.announceEnd(connection)
    expect(house.crowds.size).toBe(0)
  })

  it('a connection that comes after stop is not trimmed, and goes when it ends', () => {
    const { manager, openMany, clock, crowds } = partHouse(marks)
    manager.start()
    manager.stop()
    const connections = openMany(9)
    expect(clock.pending).toBe(0)

    for (const connection of connections) connection.end()
    expect([manager.getInfo().trackedPeers, crowds.size]).toEqual([0, 0])
  })

  it('connections that outlive a stop are counted and trimmed when they are reported again', async () => {
    const { manager, openMany, announce, connections, clock } = mockHouse({ ...marks, silencePeriod: 0 })
    manager.start()
    openMany(4)
    manager.stop()
    manager.start()
    expect(manager.getInfo().connCount).toBe(0)

    for (const connection of connections) announce(connection)
    openMany(1)
    const trimmed = next(manager, 'trim')
    clock.advance(0)
    await expect(trimmed).resolves.toMatchObject({ closed: 3, open: 2 })
  })

  it('one that ended without anybody telling is found by the next trim, and forgotten', async () => {
    const { manager, openMany, crowds } = partHouse(marks)
    const [ghost, other] = openMany(3)
    ghost!.status = 'closed'
    other!.status = 'aborted'

    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 0, open: 1 })
    expect(manager.getInfo()).toMatchObject({ connCount: 1, trackedPeers: 1 })
    expect(crowds.size).toBe(2)
  })

  it('one that a trim closed and nobody told of its end is forgotten by the next', async () => {
    const { manager, openMany, crowds } = partHouse(marks)
    openMany(5, { manners: 'silently' })
    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 3, open: 2 })
    await manager.trimOpenConns()

    expect(manager.getInfo()).toMatchObject({ connCount: 2, trackedPeers: 2 })
    expect(crowds.size).toBe(4)
  })

  it('those that somebody else is closing are not open: nobody goes in their stead, and no mark is unmet', async () => {
    const { manager, openMany, connections, clock } = partHouse(marks)
    const unmet = heard(manager, 'limits-unmet')
    manager.start()
    for (const connection of openMany(6).slice(0, 4)) connection.status = 'closing'
    const trimmed = next(manager, 'trim')
    clock.advance(0)

    await expect(trimmed).resolves.toMatchObject({ closed: 0, open: 2 })
    expect(openOnes(connections)).toHaveLength(2)
    expect(unmet).toEqual([])
  })
})

describe('a connection that closes badly', () => {
  it.each(['rejects', 'throws', 'hangs', 'hangs-for-ever'] as const)('one that %s goes all the same, and the count is right', async manners => {
    const { manager, openMany, clock, crowds } = partHouse(marks)
    openMany(5, { manners })
    const trim = manager.trimOpenConns()
    clock.advance(SECOND)

    await expect(trim).resolves.toMatchObject({ closed: 3, open: 2 })
    expect(manager.getInfo()).toMatchObject({ connCount: 2, trackedPeers: 2 })
    expect(crowds.size).toBe(4)
  })

  it('a trim that meets what nobody foresaw fails for its caller, and the next one works', async () => {
    const { manager, openMany } = partHouse(marks)
    const connections = openMany(5)
    const broken = Object.defineProperty(connections[0]!, 'streams', { get: () => { throw new Error('No muxer') }, configurable: true })
    await expect(manager.trimOpenConns()).rejects.toThrow('No muxer')

    Object.defineProperty(broken, 'streams', { value: [] })
    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 3, open: 2 })
  })

  it('a trim by itself that meets it is logged, and tried again when somebody comes', async () => {
    const { manager, openMany, open, clock, errors } = partHouse(marks)
    manager.start()
    const connections = openMany(5)
    const broken = Object.defineProperty(connections[0]!, 'streams', { get: () => { throw new Error('No muxer') }, configurable: true })
    clock.advance(0)
    await new Promise(resolve => { setImmediate(resolve) })
    expect(errors).toHaveLength(1)

    Object.defineProperty(broken, 'streams', { value: [] })
    open()
    const trimmed = next(manager, 'trim')
    clock.advance(0)
    await expect(trimmed).resolves.toMatchObject({ closed: 4 })
  })
})

describe('a listener', () => {
  it.each<[string, (house: ReturnType<typeof mockHouse>, last: MockConnection) => void]>([
    ['that starts another trim', ({ manager }) => { void manager.trimOpenConns() }],
    ['that opens connections', ({ open }) => { open() }],
    ['that stops the manager', ({ manager }) => { manager.stop() }],
    ['that changes the limits', ({ manager }) => { manager.setLimits({ lowWater: 1 }) }]
  ])('%s does no harm', async (_, act) => {
    const house = mockHouse(marks)
    const [last] = house.openMany(5)
    house.manager.addEventListener('trim', () => { act(house, last!) }, { once: true })

    await expect(house.manager.trimOpenConns()).resolves.toMatchObject({ closed: 3 })
    await expect(house.manager.trimOpenConns()).resolves.toMatchObject({ target: house.manager.getInfo().lowWater })
  })
})
