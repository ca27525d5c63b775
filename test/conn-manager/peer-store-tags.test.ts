import { describe, expect, it } from 'vitest'
import { peerStoreTags, refreshed } from '../../src/conn-manager/peer-store-tags.ts'
import { next, partHouse, storedPeer } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { PartHouse } from '../support/mock-house.ts'
import type { ConnManagerInit, TrimReport } from '../../src/index.ts'
import type { Peer, PeerId, Tag } from '@libp2p/interface'

const NOW = 1_000_000
const tagsOf = (tags: Parameters<typeof storedPeer>[1]) => storedPeer(peer(0), tags).tags

describe('peerStoreTags', () => {
  it.each<[string, Parameters<typeof storedPeer>[1], object | undefined]>([
    ['nothing for no tags', {}, undefined],
    ['their sum', { a: 5, b: -2 }, { value: 3, validUntil: Infinity, keepAlive: false }],
    ['the first end', { a: { value: 5, expiry: NOW + 9 }, b: { value: 1, expiry: NOW + 3 } }, { value: 6, validUntil: NOW + 3 }],
    ['without what has expired', { a: { value: 5, expiry: NOW - 1 }, b: 1 }, { value: 1, validUntil: Infinity }],
    ['what ends at this moment, as js-libp2p does', { a: { value: 5, expiry: NOW } }, { value: 5, validUntil: NOW }],
    ['nothing when all have expired', { a: { value: 5, expiry: NOW - 1 } }, undefined],
    ['a keep-alive tag', { 'keep-alive': 1 }, { keepAlive: true }],
    ['a keep-alive tag of a service', { 'keep-alive-kad': 1 }, { keepAlive: true }],
    ['no keep-alive tag in the middle of a name', { 'not-keep-alive': 1 }, { keepAlive: false }],
    ['no keep-alive tag that has expired', { 'keep-alive': { value: 1, expiry: NOW - 1 }, 'b': 1 }, { keepAlive: false }]
  ])('%s', (_, tags, expected) => {
    expect(peerStoreTags(tagsOf(tags), NOW)).toEqual(expected == null ? undefined : expect.objectContaining(expected))
  })

  it.each<[string, unknown]>([
    ['nothing', {}], ['NaN', { value: NaN }], ['a text', { value: '5' }], ['null', null]
  ])('takes a tag of %s for none', (_, rubbish) => {
    const stored = new Map([['rubbish', rubbish], ['a', { value: 5 }]]) as ReadonlyMap<string, Tag>

    expect(peerStoreTags(stored, NOW)).toMatchObject({ value: 5, tags: [{ name: 'a' }] })
  })

  it('takes an end as js-libp2p keeps it, a bigint', () => {
    const stored = new Map([['a', { value: 5, expiry: BigInt(NOW + 3) }]])
    const tags = peerStoreTags(stored, NOW)!

    expect([refreshed(tags, NOW + 3), refreshed(tags, NOW + 4)]).toEqual([tags, undefined])
  })
})

function connected (init: ConnManagerInit = {}): PartHouse & { tell: (tags: Parameters<typeof storedPeer>[1], n?: number) => void } {
  const house = partHouse({ lowWater: 8, highWater: 10, hardLimit: 1_000, gracePeriod: 0, ...init })

  return { ...house, tell: (tags, n = 0) => { house.manager.peerUpdated(storedPeer(peer(n), tags)) } }
}

describe('a peer store that says rubbish', () => {
  it('by an event, is logged, and what was known stays', () => {
    const { manager, open, tell, errors } = connected()
    open({ remotePeer: peer(0) })
    tell({ a: 5 })
    manager.peerUpdated({ ...storedPeer(peer(0), {}), tags: null as never })

    expect([manager.getTagInfo(peer(0))?.value, errors.length]).toEqual([5, 1])
  })
})

describe('what the peer store says', () => {
  it('is part of the value, and is listed', () => {
    const { manager, open, tell } = connected()
    open({ remotePeer: peer(0) })
    manager.tagPeer(peer(0), 'mine', 3)
    tell({ 'kad-close': 50, 'mine': 4 })

    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 57, tags: { 'kad-close': 50, 'mine': 7 } })
    tell({ bootstrap: 1 })
    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 4, tags: { bootstrap: 1, mine: 3 } })
    tell({})
    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 3, tags: { mine: 3 } })
  })

  it('ends by itself, without an event, tag by tag', () => {
    const { manager, open, tell, clock } = connected()
    open({ remotePeer: peer(0) })
    tell({ a: { value: 5, expiry: clock.now() + 10 }, b: { value: 2, expiry: clock.now() + 20 }, c: 1 })
    const seen = [0, 10, 1, 9, 1].map(ms => {
      clock.advance(ms)
      return manager.getTagInfo(peer(0))
    })

    expect(seen.map(info => info?.value)).toEqual([8, 8, 3, 3, 1])
    expect(seen[4]).toMatchObject({ tags: { c: 1 } })
    expect(clock.pending).toBe(0)
  })

  it('decides a trim by what is valid then', () => {
    const { manager, openMany, tell, clock } = connected({ lowWater: 1, highWater: 2 })
    openMany(2)
    tell({ a: { value: 5, expiry: clock.now() + 10 } }, 0)
    tell({ b: 3 }, 1)

    expect(manager.planTrim().entries).toMatchObject([{ peer: peer(1), value: 3 }])
    clock.advance(11)
    expect(manager.planTrim().entries).toMatchObject([{ peer: peer(0), value: 0 }])
  })

  it('of a peer without connections is not kept', () => {
    const { manager, open, tell } = connected()
    tell({ a: 5 })
    expect(manager.getInfo().trackedPeers).toBe(0)

    manager.tagPeer(peer(0), 'mine', 1)
    const connection = open({ remotePeer: peer(0) })
    tell({ a: 5 })
    connection.end()
    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 1, tags: { mine: 1 } })
    tell({ a: 5 })
    expect(manager.getTagInfo(peer(0))?.value).toBe(1)
  })

  it.each([
    ['the peer\'s best connection and no other', { 'keep-alive': 1 }, 1],
    ['nobody once it has expired', { 'keep-alive': { value: 1, expiry: 0 } }, 0]
  ])('a keep-alive tag spares %s', (_, tags, spared) => {
    const { manager, openMany, tell } = connected()
    openMany(5, { remotePeer: peer(0) })
    openMany(5)
    tell(tags)

    expect(manager.planTrim()).toMatchObject({ spared: { 'keep-alive': spared } })
    expect(manager.isProtected(peer(0))).toBe(false)
  })
})

describe('a trim that could not close enough', () => {
  it('comes again when a keep-alive tag has ended, without an event', async () => {
    const { manager, openMany, tell, clock, connections } = connected({ lowWater: 4, highWater: 5, silencePeriod: 1_000 })
    openMany(6)
    for (let n = 1; n < 6; n++) manager.protect(peer(n), 'mine')
    tell({ 'keep-alive': { value: 1, expiry: clock.now() + 5_000 } })
    manager.start()
    const reports: Array<Pick<TrimReport, 'closed' | 'spared'>> = []
    manager.addEventListener('trim', ({ detail }) => { reports.push(detail) })

    for (const ms of [0, 4_999, 1, 1]) {
      clock.advance(ms)
      await new Promise(resolve => { setImmediate(resolve) })
    }

    expect(reports).toMatchObject([{ closed: 0, spared: { 'keep-alive': 1, 'protected': 5 } }, { closed: 1, spared: { 'keep-alive': 0 } }])
    expect(connections[0]!.status).not.toBe('open')
  })

  it('comes again when trust has been withdrawn', async () => {
    let trusted = true
    const trust = { get trustsAnybody () { return trusted }, isTrusted: () => trusted }
    const { manager, openMany, clock } = partHouse({ lowWater: 1, highWater: 2, hardLimit: 1_000, gracePeriod: 0, silencePeriod: 0 }, { trust })
    openMany(3)
    const trimmed = (await manager.trimOpenConns()).closed
    manager.start()
    trusted = false
    const trim = next(manager, 'trim')
    manager.house.trustLost()
    clock.advance(0)

    expect(trimmed).toBe(0)
    expect(await trim).toMatchObject({ closed: 2, open: 1 })
  })
})

describe('the read at open', () => {
  function reading (): PartHouse & { asked: PeerId[], answer: (at: number, stored: Peer | undefined | Error) => Promise<void> } {
    const asked: PeerId[] = []
    const answers: Array<PromiseWithResolvers<Peer | undefined>> = []
    const house = partHouse({}, {
      readPeer: async id => {
        asked.push(id)
        answers.push(Promise.withResolvers())
        return answers.at(-1)!.promise
      }
    })

    async function answer (at: number, stored: Peer | undefined | Error): Promise<void> {
      const act = stored instanceof Error ? 'reject' : 'resolve'
      answers[at]![act](stored as never)
      await new Promise(resolve => { setImmediate(resolve) })
    }

    return { ...house, asked, answer }
  }

  it('is made once, for the first connection of a peer', async () => {
    const { manager, openMany, asked, answer } = reading()
    openMany(3, { remotePeer: peer(0) })
    await answer(0, storedPeer(peer(0), { a: 5 }))

    expect(asked).toEqual([peer(0)])
    expect(manager.getTagInfo(peer(0))?.value).toBe(5)
  })

  it('gives way to an update that came meanwhile', async () => {
    const { manager, open, answer } = reading()
    open({ remotePeer: peer(0) })
    manager.peerUpdated(storedPeer(peer(0), { a: 1 }))
    await answer(0, storedPeer(peer(0), { a: 5 }))

    expect(manager.getTagInfo(peer(0))?.value).toBe(1)
  })

  it('of a connection that is gone is not taken for the next one\'s', async () => {
    const { manager, open, answer, asked } = reading()
    open({ remotePeer: peer(0) }).end()
    open({ remotePeer: peer(0) })
    expect(asked).toHaveLength(2)
    await answer(1, storedPeer(peer(0), { a: 1 }))
    await answer(0, storedPeer(peer(0), { a: 5 }))

    expect(manager.getTagInfo(peer(0))?.value).toBe(1)
  })

  it('counts for the peer\'s second connection when the first has gone meanwhile', async () => {
    const { manager, open, answer } = reading()
    const first = open({ remotePeer: peer(0) })
    open({ remotePeer: peer(0) })
    first.end()
    await answer(0, storedPeer(peer(0), { a: 5 }))

    expect(manager.getTagInfo(peer(0))?.value).toBe(5)
  })

  it('that fails is logged; that finds nothing, or comes after stop, changes nothing', async () => {
    const { manager, open, answer, errors } = reading()
    open({ remotePeer: peer(0) })
    open({ remotePeer: peer(1) })
    open({ remotePeer: peer(2) })
    await answer(0, new Error('Disk is full'))
    await answer(1, undefined)
    manager.stop()
    await answer(2, storedPeer(peer(2), { a: 5 }))

    expect(errors).toHaveLength(1)
    expect(manager.getInfo().trackedPeers).toBe(0)
  })
})
