import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { heard, mockHouse, next, partHouse, storedPeer } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'

const SECOND = 1_000
const marks = { lowWater: 2, highWater: 4, hardLimit: 100, outboundReserve: 0, gracePeriod: 0, silencePeriod: 10 * SECOND }

describe('limits-unmet', () => {
  it('says what stands in the way', async () => {
    const { manager, openMany, clock } = partHouse({ ...marks, lowWater: 4, highWater: 5, outboundReserve: 2, gracePeriod: SECOND }, {
      trust: { trustsAnybody: true, isTrusted: ({ remotePeer }) => remotePeer.equals(peer(0)) }
    })
    const unmet = heard(manager, 'limits-unmet')
    openMany(1)
    for (const { remotePeer } of openMany(2)) manager.protect(remotePeer, 'mine')
    const [kept] = openMany(1)
    manager.peerUpdated(storedPeer(kept!.remotePeer, { 'keep-alive': 1 }))
    openMany(2, { direction: 'outbound' })
    clock.advance(SECOND)
    openMany(3)
    await manager.trimOpenConns()

    expect(unmet).toEqual([{ open: 9, highWater: 5, protected: 2, trusted: 1, inGrace: 3, keepAlive: 1, outboundReserve: 2 }])
  })

  it('comes once per change, and again after the marks held', async () => {
    const { manager, openMany, connections } = mockHouse(marks)
    const unmet = heard(manager, 'limits-unmet')
    for (const { remotePeer } of openMany(5)) manager.protect(remotePeer, 'mine')
    for (let i = 0; i < 3; i++) await manager.trimOpenConns()
    expect(unmet.map(({ protected: count }) => count)).toEqual([5])

    for (const { remotePeer } of openMany(1)) manager.protect(remotePeer, 'mine')
    for (let i = 0; i < 3; i++) await manager.trimOpenConns()
    expect(unmet.map(({ protected: count }) => count)).toEqual([5, 6])

    connections[0]!.end()
    connections[1]!.end()
    await manager.trimOpenConns()
    for (const { remotePeer } of openMany(2)) manager.protect(remotePeer, 'mine')
    await manager.trimOpenConns()
    expect(unmet.map(({ protected: count }) => count)).toEqual([5, 6, 6])
  })

  it('does not come for those who have come while a trim was closing others', async () => {
    const { manager, openMany, clock } = mockHouse({ ...marks, gracePeriod: SECOND })
    const unmet = heard(manager, 'limits-unmet')
    openMany(5, { manners: 'hangs' })
    clock.advance(SECOND)
    const trim = manager.trimOpenConns()
    openMany(4)
    clock.advance(SECOND)

    await expect(trim).resolves.toMatchObject({ closed: 3, open: 6 })
    expect(unmet).toEqual([])
  })

  it('does not come between the marks', async () => {
    const { manager, openMany } = mockHouse(marks)
    const unmet = heard(manager, 'limits-unmet')
    for (const { remotePeer } of openMany(4)) manager.protect(remotePeer, 'mine')
    await expect(manager.trimOpenConns()).resolves.toMatchObject({ open: 4, closed: 0 })

    expect(unmet).toEqual([])
  })
})

describe('the trim event', () => {
  it('brings the report that callers get, of forced and empty ones, too', async () => {
    const { manager, openMany } = mockHouse(marks)
    const trims = heard(manager, 'trim')
    openMany(5)
    const reports = [await manager.trimOpenConns(), await manager.trimOpenConns(), await manager.forceTrim()]

    expect(trims).toEqual(reports)
    expect(reports.map(({ closed }) => closed)).toEqual([3, 0, 0])
  })

  it('comes when the state is what it says: the last trim is now, the next one is scheduled after it', async () => {
    const { manager, openMany, clock } = mockHouse(marks)
    const seen: unknown[] = []
    manager.addEventListener('trim', ({ detail }) => { seen.push([detail.open, manager.getInfo().connCount, manager.getInfo().lastTrim]) })
    manager.start()
    openMany(9)
    const trimmed = next(manager, 'trim')
    clock.advance(0)
    await trimmed

    expect(seen).toEqual([[2, 2, clock.now()]])
  })
})

describe('a keep-alive tag that goes', () => {
  it('makes a trim due where it stood in the way', async () => {
    const { manager, openMany, clock } = partHouse({ ...marks, lowWater: 4, highWater: 5, silencePeriod: SECOND })
    manager.start()
    for (const { remotePeer } of openMany(5)) manager.protect(remotePeer, 'mine')
    const [kept] = openMany(1)
    manager.peerUpdated(storedPeer(kept!.remotePeer, { 'keep-alive': 1 }))
    const empty = next(manager, 'trim')
    clock.advance(0)
    await empty

    manager.peerUpdated(storedPeer(kept!.remotePeer, {}))
    expect(clock.pending).toBe(1)
  })
})

describe('a listener that throws', () => {
  it.each(['trim', 'limits-unmet', 'evict'] as const)('of %s harms nobody, is logged and ends no process', async type => {
    const { manager, openMany, errors } = partHouse({ ...marks, hardLimit: 6 })
    const details = heard(manager, type)
    manager.addEventListener(type, () => { throw new Error('broken') })
    for (const { remotePeer } of openMany(5)) manager.protect(remotePeer, 'mine')
    await manager.trimOpenConns()
    openMany(3, { direction: 'outbound' })
    await setImmediate()

    expect(details.length).toBeGreaterThan(0)
    expect(manager.listenerFailures).toBe(details.length)
    expect(errors[0]).toEqual(['a listener of %s failed, the failures are now %d - %e', type, 1, new Error('broken')])
  })
})
