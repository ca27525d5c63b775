import { describe, expect, it, vi } from 'vitest'
import { nextTrimAt } from '../../src/conn-manager/trim-schedule.ts'
import { heard, mockHouse, next, openOnes } from '../support/mock-house.ts'
import type { ScheduleFacts } from '../../src/conn-manager/trim-schedule.ts'
import type { MockHouse } from '../support/mock-house.ts'
import type { ConnManagerInit, TrimReport } from '../../src/index.ts'

const NOW = 1_000_000
const SECOND = 1_000

describe('nextTrimAt', () => {
  it.each<[string, Partial<ScheduleFacts>, number | undefined]>([
    ['never below the high mark', { open: 9 }, undefined],
    ['never at the high mark', { open: 10 }, undefined],
    ['at once above it', {}, NOW],
    ['at the end of the silence', { lastTrim: NOW - 3 }, NOW + 7],
    ['at once when the silence is over', { lastTrim: NOW - 10 }, NOW],
    ['at the end of grace, when that comes later', { lastTrim: NOW - 3, nextGraceEnd: NOW + 50 }, NOW + 50],
    ['at the end of the silence, when that comes later', { lastTrim: NOW - 3, nextGraceEnd: NOW + 1 }, NOW + 7],
    ['never, when nobody\'s grace ends', { lastTrim: NOW - 3, nextGraceEnd: Infinity }, undefined],
    ['at most one silence away, when the clock was set back', { lastTrim: NOW + 999 }, NOW + 10]
  ])('%s', (_, facts, at) => {
    expect(nextTrimAt({ open: 11, highWater: 10, silencePeriod: 10, lastTrim: undefined, nextGraceEnd: undefined, ...facts }, NOW)).toBe(at)
  })
})

const marks: ConnManagerInit = { lowWater: 3, highWater: 5, hardLimit: 1_000, gracePeriod: 0, silencePeriod: 10 * SECOND }

function running (init: ConnManagerInit = {}): MockHouse & { trimAfter: (ms: number) => Promise<TrimReport> } {
  const house = mockHouse({ ...marks, ...init })
  house.manager.start()

  async function trimAfter (ms: number): Promise<TrimReport> {
    const trimmed = next(house.manager, 'trim')
    house.clock.advance(ms)
    return trimmed
  }

  return { ...house, trimAfter }
}

describe('when a trim comes', () => {
  it('not at the high mark, at once above it', async () => {
    const { openMany, open, clock, trimAfter } = running()
    openMany(5)
    expect(clock.pending).toBe(0)
    open()

    await expect(trimAfter(0)).resolves.toMatchObject({ closed: 3, open: 3, target: 3 })
    expect(clock.pending).toBe(0)
  })

  it('once for a burst', async () => {
    const { openMany, clock, manager, trimAfter } = running()
    const trims = heard(manager, 'trim')
    openMany(100)
    expect(clock.pending).toBe(1)
    await trimAfter(0)
    clock.advance(60 * SECOND)

    expect(trims).toHaveLength(1)
  })

  it('at once though connections keep coming: none of them puts it off', () => {
    const { openMany, open, clock } = running()
    const after = vi.spyOn(clock, 'after')
    openMany(6)
    for (let n = 0; n < 20; n++) {
      clock.jump(clock.now() + 1)
      open()
    }

    expect(after).toHaveBeenCalledOnce()
  })

  it('after a silence, and not within', async () => {
    const { openMany, clock, connections, trimAfter } = running()
    openMany(6)
    await trimAfter(0)
    openMany(9)
    clock.advance(10 * SECOND - 1)
    expect(openOnes(connections)).toHaveLength(12)

    await expect(trimAfter(1)).resolves.toMatchObject({ closed: 9, open: 3 })
  })

  it('no more when the house emptied itself before', async () => {
    const { openMany, clock, manager } = running()
    const trims = heard(manager, 'trim')
    for (const connection of openMany(6).slice(3)) connection.end()
    clock.advance(60 * SECOND)
    await Promise.resolve()

    expect(trims).toEqual([])
  })

  it.each([
    ['an empty one', async ({ manager }: MockHouse) => manager.trimOpenConns()],
    ['a forced one', async ({ manager }: MockHouse) => manager.forceTrim()]
  ])('not within the silence after %s', async (_, trim) => {
    const house = running()
    await trim(house)
    house.openMany(9)
    house.clock.advance(10 * SECOND - 1)
    expect(openOnes(house.connections)).toHaveLength(9)

    await expect(house.trimAfter(1)).resolves.toMatchObject({ closed: 6 })
  })

  it('at the end of grace, where grace kept the last one from closing enough', async () => {
    const { openMany, open, clock, trimAfter } = running({ gracePeriod: 60 * SECOND })
    openMany(3)
    clock.advance(20 * SECOND)
    openMany(3)
    await expect(trimAfter(0)).resolves.toMatchObject({ closed: 0, spared: { grace: 6 } })

    open()
    clock.advance(40 * SECOND - 1)
    await expect(trimAfter(1)).resolves.toMatchObject({ closed: 0, spared: { grace: 4 } })
    await expect(trimAfter(20 * SECOND)).resolves.toMatchObject({ closed: 4, open: 3 })
  })

  it('not at all while not started, at once at start', async () => {
    const { manager, openMany, clock } = mockHouse(marks)
    openMany(9)
    expect(clock.pending).toBe(0)
    manager.start()
    manager.start()
    const trimmed = next(manager, 'trim')
    clock.advance(0)

    await expect(trimmed).resolves.toMatchObject({ closed: 6 })
  })

  it('not after stop', async () => {
    const { manager, openMany, clock } = running()
    openMany(9)
    manager.stop()
    manager.stop()

    expect(clock.pending).toBe(0)
    expect(manager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 0 })
  })

  it('after one silence though the clock was set back an hour and connections keep coming', async () => {
    const { manager, openMany, open, clock, trimAfter } = running()
    openMany(6)
    await trimAfter(0)
    openMany(6)
    clock.jump(clock.now() - 3_600 * SECOND)
    const trimmed = next(manager, 'trim')
    for (let i = 0; i < 12; i++) {
      open()
      clock.advance(SECOND)
    }

    await expect(trimmed).resolves.toBeDefined()
  })

  it('though the clock was set back: nobody\'s grace becomes longer than it is', () => {
    const { manager, openMany, clock } = mockHouse({ ...marks, gracePeriod: 60 * SECOND })
    openMany(6)
    clock.jump(clock.now() - 3_600 * SECOND)
    manager.planTrim()
    clock.advance(60 * SECOND)

    expect(manager.planTrim().entries).toHaveLength(3)
  })
})

describe('above the high mark with nobody to close', () => {
  const reads = ({ connections }: MockHouse): number => connections.reduce((sum, { statusReads }) => sum + statusReads, 0)

  it('no plan is made per open: of 1,000 that come within their grace only the first makes one', async () => {
    const house = running({ gracePeriod: 60 * SECOND, hardLimit: 10_000 })
    house.openMany(6)
    await house.trimAfter(0)
    const before = reads(house)
    house.openMany(1_000)
    house.clock.advance(59 * SECOND)

    // `connected` itself looks at the newcomer's status, once
    expect(reads(house) - before).toBe(1_000)
    expect(house.clock.pending).toBe(1)
  })

  it('no timer is armed when all are protected, and one for a newcomer\'s grace', async () => {
    const { manager, openMany, open, clock, trimAfter } = running({ gracePeriod: SECOND })
    for (const { remotePeer } of openMany(6)) manager.protect(remotePeer, 'mine')
    await trimAfter(0)
    await trimAfter(10 * SECOND)
    expect(clock.pending).toBe(0)

    open()
    expect(clock.pending).toBe(1)
    await expect(trimAfter(10 * SECOND)).resolves.toMatchObject({ closed: 1 })
    expect(clock.pending).toBe(0)
  })

  it('what was known of those who could not go is forgotten below the high mark', async () => {
    const { manager, openMany, open, connections, clock, trimAfter } = running({ gracePeriod: 60 * SECOND })
    for (const { remotePeer } of openMany(6)) manager.protect(remotePeer, 'mine')
    await trimAfter(0)
    await trimAfter(60 * SECOND)
    for (const connection of connections.slice(0, 3)) connection.end()
    openMany(2)
    clock.advance(60 * SECOND)
    open()

    await expect(trimAfter(0)).resolves.toMatchObject({ closed: 2, spared: { grace: 1 } })
  })

  it('a trim comes after the silence when a protection ends', async () => {
    const { manager, openMany, connections, trimAfter } = running()
    for (const { remotePeer } of openMany(6)) manager.protect(remotePeer, 'mine')
    await expect(trimAfter(0)).resolves.toMatchObject({ closed: 0 })
    manager.unprotect(connections[0]!.remotePeer, 'mine')

    await expect(trimAfter(10 * SECOND)).resolves.toMatchObject({ closed: 1, open: 5 })
  })
})

describe('what changes while a trim closes', () => {
  it('connections that came meanwhile are trimmed when their grace ends', async () => {
    const { openMany, clock, trimAfter } = running({ gracePeriod: 60 * SECOND })
    openMany(6, { manners: 'hangs' })
    await trimAfter(0)
    const first = trimAfter(60 * SECOND)
    openMany(6)
    clock.advance(SECOND)
    await expect(first).resolves.toMatchObject({ closed: 3, open: 9 })

    expect(clock.pending).toBe(1)
    await expect(trimAfter(59 * SECOND)).resolves.toMatchObject({ closed: 6, open: 3 })
  })

  it.each<[string, (house: MockHouse) => void]>([
    ['lowered marks', ({ manager }) => { manager.setLimits({ lowWater: 1, highWater: 2 }) }],
    ['an ended protection', ({ manager, connections }) => { for (const { remotePeer } of connections) manager.unprotect(remotePeer, 'mine') }]
  ])('%s make another one due after the silence', async (_, change) => {
    const house = running()
    for (const { remotePeer } of house.openMany(7)) house.manager.protect(remotePeer, 'mine')
    house.openMany(2, { manners: 'hangs' })
    const first = house.trimAfter(0)
    change(house)
    house.clock.advance(SECOND)
    await first

    expect(house.clock.pending).toBe(1)
  })
})
