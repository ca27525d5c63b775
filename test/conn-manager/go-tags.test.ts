import { describe, expect, it } from 'vitest'
import { mockHouse } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'

/** go-libp2p's `connmgr_test.go`, the scenarios about tags, protections, order and notifications. */
describe('go-libp2p: tags', () => {
  it('GetTagInfo: nothing of an unknown peer', () => {
    expect(mockHouse().manager.getTagInfo(peer(1))).toBeUndefined()
  })

  it('GetTagInfo: of a connected peer, with and without a tag, by connection id (D12)', () => {
    const { manager, open, clock } = mockHouse()
    const [first, second] = [open({ remotePeer: peer(1) }), open({ remotePeer: peer(1), remoteAddr: '/ip4/10.0.0.1/tcp/4001' })]
    const at = clock.now()
    clock.advance(10)
    const conns = { [first.id]: at, [second.id]: at }

    expect(manager.getTagInfo(peer(1))).toEqual({ firstSeen: at, value: 0, tags: {}, conns })
    manager.tagPeer(peer(1), 'tag', 5)
    expect(manager.getTagInfo(peer(1))).toEqual({ firstSeen: at, value: 5, tags: { tag: 5 }, conns })
  })

  it('TagPeerNonExistant: a tag of an unknown peer is kept', () => {
    const { manager, clock } = mockHouse()
    manager.tagPeer(peer(1), 'test', 1)

    expect(manager.getTagInfo(peer(1))).toEqual({ firstSeen: clock.now(), value: 1, tags: { test: 1 }, conns: {} })
    expect(manager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 1 })
  })

  it('UntagPeer: untagging what is not there changes nothing, one of two leaves the other', () => {
    const { manager, open } = mockHouse()
    open({ remotePeer: peer(1) })
    manager.tagPeer(peer(1), 'a', 5)
    manager.tagPeer(peer(1), 'b', 5)

    expect(manager.untagPeer(peer(2), 'a')).toBe(false)
    expect(manager.untagPeer(peer(1), 'c')).toBe(false)
    expect(manager.getTagInfo(peer(1))?.value).toBe(10)
    expect(manager.getTagInfo(peer(2))).toBeUndefined()

    expect(manager.untagPeer(peer(1), 'a')).toBe(true)
    expect(manager.getTagInfo(peer(1))).toMatchObject({ value: 5, tags: { b: 5 } })
  })

  it('GetInfo: marks, grace, count and the last trim', async () => {
    const { manager, open, clock } = mockHouse({ lowWater: 1, highWater: 5, gracePeriod: 600_000 })
    open()
    expect(manager.getInfo()).not.toHaveProperty('lastTrim')
    clock.advance(7)
    await manager.trimOpenConns()

    expect(manager.getInfo()).toEqual({
      lowWater: 1,
      highWater: 5,
      hardLimit: 10,
      outboundReserve: 1,
      gracePeriod: 600_000,
      silencePeriod: 10_000,
      lastTrim: clock.now(),
      connCount: 1,
      protectedPeers: 0,
      trackedPeers: 1
    })
  })

  it('DoubleConnection: announced twice it counts once', () => {
    const { manager, open, announce } = mockHouse()
    const connection = open()
    manager.tagPeer(connection.remotePeer, 'foo', 10)
    announce(connection)

    expect(manager.getInfo().connCount).toBe(1)
    expect(manager.getTagInfo(connection.remotePeer)?.value).toBe(10)
  })

  it('Disconnected: the end of what is not here changes nothing, of the real one all', () => {
    const { manager, open, make, announceEnd } = mockHouse()
    const connection = open()

    announceEnd(make())
    announceEnd(make({ remotePeer: connection.remotePeer }))
    expect(manager.getInfo()).toMatchObject({ connCount: 1, trackedPeers: 1 })

    announceEnd(connection)
    expect(manager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 0 })
  })

  it('PeerProtectionIdempotent: protecting four times with one tag is one protection', () => {
    const { manager } = mockHouse()
    for (let i = 0; i < 4; i++) manager.protect(peer(1), 'global')
    expect(manager.getInfo().protectedPeers).toBe(1)

    expect(manager.unprotect(peer(1), 'unused')).toBe(true)
    expect(manager.unprotect(peer(1), 'unused2')).toBe(true)
    expect(manager.unprotect(peer(1), 'global')).toBe(false)
    expect(manager.isProtected(peer(1))).toBe(false)
    expect(manager.getInfo().protectedPeers).toBe(0)
  })

  it('UpsertTag: up by one before and after the connection, then down, always one tag', () => {
    const { manager, open } = mockHouse()
    const [up, down] = [(value: number) => value + 1, (value: number) => value - 1]

    manager.upsertTag(peer(1), 'tag', up)
    expect(manager.getTagInfo(peer(1))).toMatchObject({ value: 1, tags: { tag: 1 } })
    open({ remotePeer: peer(1) })
    manager.upsertTag(peer(1), 'tag', up)
    expect(manager.getTagInfo(peer(1))).toMatchObject({ value: 2, tags: { tag: 2 } })
    manager.upsertTag(peer(1), 'tag', down)
    expect(manager.getTagInfo(peer(1))).toMatchObject({ value: 1, tags: { tag: 1 } })
  })

  it('TemporaryEntryConvertedOnConnection: an early tag counts, and does not eat the grace', () => {
    const { manager, open, clock } = mockHouse()
    manager.tagPeer(peer(1), 'test', 20)
    clock.advance(1_000)
    open({ remotePeer: peer(1) })

    expect(manager.getTagInfo(peer(1))).toMatchObject({ value: 20, firstSeen: clock.now() })
  })

  it('D15: a peer that reconnects keeps its worth', () => {
    const { manager, open } = mockHouse()
    const connection = open({ remotePeer: peer(1) })
    manager.tagPeer(peer(1), 'test', 20)
    connection.end()
    open({ remotePeer: peer(1) })

    expect(manager.getTagInfo(peer(1))?.value).toBe(20)
  })

  it('ConcurrentCleanupAndTagging: 1,000 unknown peers are tagged while trims run', async () => {
    const { manager, openMany } = mockHouse({ lowWater: 1, highWater: 2, gracePeriod: 0, silencePeriod: 0 })
    openMany(3)
    const trim = manager.trimOpenConns()
    for (let i = 0; i < 1_000; i++) manager.tagPeer(peer(2_000 + i), 'test', 1)
    await trim

    expect(manager.getInfo()).toMatchObject({ connCount: 1, trackedPeers: 1_001 })
  })

  it.each([
    ['high plus one', 6], ['high', 5]
  ])('CheckLimit: %s is enough', (_, limit) => {
    expect(() => { mockHouse({ lowWater: 1, highWater: 5 }).manager.checkLimit({ getConnLimit: () => limit }) }).not.toThrow()
  })

  it('CheckLimit: high minus one is a conflict, with both numbers', () => {
    const { manager } = mockHouse({ lowWater: 1, highWater: 5 })

    expect(() => { manager.checkLimit({ getConnLimit: () => NaN }) }).toThrow('Could not agree with the other limiter: getConnLimit must return a number, received NaN')
    expect(() => { manager.checkLimit({ getConnLimit: () => 4 }) }).toThrow(expect.objectContaining({
      name: 'LimitConflictError', code: 'ERR_LIMIT_CONFLICT', message: expect.stringMatching(/highWater \(5\).* 4 /)
    }))
  })
})

describe('go-libp2p: PeerInfoSorting', () => {
  const streams = (count: number) => Array.from({ length: count }, () => ({ protocol: '/app/1', status: 'open' }))

  it('b: the lower value goes first', () => {
    const { manager, openMany } = mockHouse({ lowWater: 1, highWater: 2, gracePeriod: 0 })
    const [valued, worthless] = openMany(2)
    manager.tagPeer(valued!.remotePeer, 'test', 20)

    expect(manager.planTrim().entries).toMatchObject([{ connectionId: worthless!.id, reason: 'value', value: 0 }])
  })

  it('c: without streams goes before with streams', () => {
    const { manager, open } = mockHouse({ lowWater: 1, highWater: 2, gracePeriod: 0 })
    open({ streams: streams(1) })
    const idle = open()

    expect(manager.planTrim().entries).toMatchObject([{ connectionId: idle.id, reason: 'idle' }])
  })

  it('d, e: under memory pressure idle, then inbound, then the busier ones go first', async () => {
    const { manager, open } = mockHouse({ lowWater: 1, highWater: 5, gracePeriod: 0, outboundReserve: 0 })
    const outbound = open({ direction: 'outbound', streams: streams(1) })
    const [calm, busy] = [open({ streams: streams(100) }), open({ streams: streams(120) })]
    const idle = open({ direction: 'outbound' })

    const { entries } = await manager.forceTrim()
    expect(entries.map(({ connectionId }) => connectionId)).toEqual([idle, busy, calm].map(({ id }) => id))
    expect(outbound.status).toBe('open')
  })

  it('SafeConcurrency: connections that come while a trim runs are not its business', async () => {
    const { manager, openMany, clock } = mockHouse({ lowWater: 1, highWater: 2, hardLimit: 100, gracePeriod: 0 })
    openMany(3, { manners: 'hangs' })
    const trim = manager.trimOpenConns()
    const newcomers = openMany(10)
    clock.advance(1_000)

    await expect(trim).resolves.toMatchObject({ closed: 2, open: 11 })
    expect(newcomers.every(({ status }) => status === 'open')).toBe(true)
  })
})
