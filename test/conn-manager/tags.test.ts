import { describe, expect, it } from 'vitest'
import { bumpOverwrite, decayNone, nullConnManager } from '../../src/index.ts'
import { mockHouse, partHouse } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import { EMPTY } from '../support/empty.ts'
import type { ConnManager } from '../../src/index.ts'

const tag = <T>(value: unknown): T => value as T

describe('a tag that breaks its rule is an error, and changes nothing', () => {
  it.each<[string, (manager: ConnManager) => unknown, string]>([
    ['tagPeer with an empty tag', m => { m.tagPeer(peer(0), '', 1) }, 'Could not set the tag: the tag must be a string that is not empty, received ""'],
    ['tagPeer with a tag that is no string', m => { m.tagPeer(peer(0), tag(7), 1) }, 'Could not set the tag: the tag must be a string that is not empty, received 7'],
    ['tagPeer with no value', m => { m.tagPeer(peer(0), 'a', tag(undefined)) }, 'Could not set the tag "a": the value must be a safe integer, received undefined'],
    ['tagPeer with NaN', m => { m.tagPeer(peer(0), 'a', NaN) }, 'Could not set the tag "a": the value must be a safe integer, received NaN'],
    ['tagPeer with Infinity', m => { m.tagPeer(peer(0), 'a', Infinity) }, 'Could not set the tag "a": the value must be a safe integer, received Infinity'],
    ['tagPeer with a fraction', m => { m.tagPeer(peer(0), 'a', 0.5) }, 'Could not set the tag "a": the value must be a safe integer, received 0.5'],
    ['tagPeer beyond the safe integers', m => { m.tagPeer(peer(0), 'a', -(2 ** 53)) }, 'Could not set the tag "a": the value must be a safe integer, received -9007199254740992'],
    ['tagPeer with a text', m => { m.tagPeer(peer(0), 'a', tag('5')) }, 'Could not set the tag "a": the value must be a safe integer, received "5"'],
    ['upsertTag with an empty tag', m => { m.upsertTag(peer(0), '', () => 1) }, 'Could not set the tag: the tag must be a string that is not empty, received ""'],
    ['upsertTag with a number', m => { m.upsertTag(peer(0), 'a', tag(5)) }, 'Could not set the tag "a": upsert must be a function, received 5'],
    ['upsertTag to NaN', m => { m.upsertTag(peer(0), 'a', () => NaN) }, 'Could not set the tag "a": the value must be a safe integer, received NaN'],
    ['upsertTag to nothing', m => { m.upsertTag(peer(0), 'a', tag(() => {})) }, 'Could not set the tag "a": the value must be a safe integer, received undefined'],
    ['protect with an empty tag', m => { m.protect(peer(0), '') }, 'Could not protect the peer: the tag must be a string that is not empty, received ""']
  ])('%s', (_, act, message) => {
    const { manager } = mockHouse()

    expect(() => act(manager)).toThrow(expect.objectContaining({ name: 'InvalidTagError', code: 'ERR_INVALID_TAG', message }))
    expect(manager.getTagInfo(peer(0))).toBeUndefined()
    expect(manager.getInfo()).toMatchObject({ trackedPeers: 0, protectedPeers: 0 })
  })

  it.each<[string, (manager: ConnManager, peer: never) => unknown]>([
    ['tagPeer', (m, who) => { m.tagPeer(who, 'a', 1) }],
    ['upsertTag', (m, who) => { m.upsertTag(who, 'a', () => 1) }],
    ['protect', (m, who) => { m.protect(who, 'a') }],
    ['bump', (m, who) => { m.registerDecayingTag('a', { interval: 1_000, decay: decayNone(), bump: bumpOverwrite() }).bump(who, 1) }]
  ])('%s of what is no peer id', (_, act) => {
    for (const [who, received] of [[undefined, 'undefined'], [{ remotePeer: peer(0) }, '{'], ['12D3KooW', '"12D3KooW"']]) {
      const { manager } = mockHouse()

      expect(() => act(manager, who as never)).toThrow(`Could not use the option peer: it must be a peer id, received ${received as string}`)
      expect(manager.getInfo()).toMatchObject({ trackedPeers: 0, protectedPeers: 0 })
    }
  })

  it('a refused value leaves the one before', () => {
    const { manager } = mockHouse()
    manager.tagPeer(peer(0), 'a', 5)

    expect(() => { manager.tagPeer(peer(0), 'a', NaN) }).toThrow()
    expect(() => { manager.upsertTag(peer(0), 'a', value => value / 2) }).toThrow()
    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 5, tags: { a: 5 } })
  })
})

describe('tags', () => {
  it('an upsert that throws changes nothing, and is logged', () => {
    const { manager, errors } = partHouse()
    manager.tagPeer(peer(0), 'a', 5)
    for (const n of [0, 1]) manager.upsertTag(peer(n), 'a', () => { throw new Error('Broken') })

    expect(manager.getTagInfo(peer(0))?.value).toBe(5)
    expect(manager.getTagInfo(peer(1))).toBeUndefined()
    expect(errors).toHaveLength(2)
  })

  it('an upsert may call the manager, on the same peer, too', () => {
    const { manager } = mockHouse()
    manager.upsertTag(peer(0), 'a', value => {
      manager.tagPeer(peer(0), 'a', 100)
      manager.untagPeer(peer(0), 'a')
      manager.tagPeer(peer(0), 'b', 1)
      return value + 1
    })

    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 2, tags: { a: 1, b: 1 } })
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a tag\nof two lines', '\u0000'])('any name is a name: %j', name => {
    const { manager } = mockHouse()
    manager.tagPeer(peer(0), name, 5)
    const { tags, value } = manager.getTagInfo(peer(0))!

    expect(Object.entries(tags)).toEqual([[name, 5]])
    expect(Object.getPrototypeOf(tags)).toBe(Object.prototype)
    expect(value).toBe(5)
    expect(manager.untagPeer(peer(0), name)).toBe(true)
  })

  it('a connection id may be any name, too', () => {
    const { manager, open, clock } = mockHouse()
    const { remotePeer } = open({ id: '__proto__' })

    expect(Object.entries(manager.getTagInfo(remotePeer)!.conns)).toEqual([['__proto__', clock.now()]])
  })

  it('zero is a value, and stays listed', () => {
    const { manager } = mockHouse()
    manager.tagPeer(peer(0), 'a', 0)

    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 0, tags: { a: 0 } })
  })

  it('an info is a snapshot', () => {
    const { manager } = mockHouse()
    manager.tagPeer(peer(0), 'a', 1)
    const info = manager.getTagInfo(peer(0))!
    Object.assign(info.tags, { a: 9 })
    manager.tagPeer(peer(0), 'a', 2)

    expect(info.tags).toEqual({ a: 9 })
    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 2, tags: { a: 2 } })
  })

  it('the largest tags come and go without a trace', () => {
    const { manager, open } = mockHouse()
    open({ remotePeer: peer(0) })
    manager.tagPeer(peer(0), 'vip', Number.MAX_SAFE_INTEGER)
    manager.tagPeer(peer(0), 'six', 6)
    manager.untagPeer(peer(0), 'vip')

    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 6, tags: { six: 6 } })
  })
})

describe('peers without a connection', () => {
  it('the least valuable leave first, then the oldest', () => {
    const { manager, clock } = mockHouse({ maxUnconnectedPeers: 3 })
    const values = [5, 1, 1, 3, 2, 0]
    values.forEach((value, n) => {
      manager.tagPeer(peer(n), 'a', value)
      clock.advance(1)
    })

    expect(values.map((_, n) => manager.getTagInfo(peer(n))?.value)).toEqual([5, undefined, undefined, 3, 2, undefined])
  })

  it('connected ones do not take their places', () => {
    const { manager, openMany } = mockHouse({ maxUnconnectedPeers: 2 })
    const connections = openMany(10)
    for (const { remotePeer } of connections) manager.tagPeer(remotePeer, 'a', 1)
    expect(manager.getInfo().trackedPeers).toBe(10)

    for (const connection of connections) connection.end()
    expect(manager.getInfo().trackedPeers).toBe(2)
  })

  it('a capacity of zero forgets at the last disconnect, decaying tags as well', () => {
    const { manager, open, clock } = mockHouse({ maxUnconnectedPeers: 0, decayResolution: 100 })
    manager.start()
    const decaying = manager.registerDecayingTag('d', { interval: 100, decay: v => ({ after: v.value - 1, remove: false }), bump: (v, d) => v.value + d })
    const connection = open({ remotePeer: peer(0) })
    manager.tagPeer(peer(0), 'a', 1)
    decaying.bump(peer(0), 5)
    decaying.bump(peer(1), 5)
    connection.end()
    expect([manager.getTagInfo(peer(0)), manager.getTagInfo(peer(1))]).toEqual([undefined, undefined])

    clock.advance(100)
    open({ remotePeer: peer(0) })
    expect(manager.getTagInfo(peer(0))).toMatchObject({ value: 0, tags: EMPTY })
    expect(clock.pending).toBe(0)
  })

  it('protections are not among them, and outlive everything', () => {
    const { manager, open } = mockHouse({ maxUnconnectedPeers: 0 })
    manager.protect(peer(0), 'mine')
    open({ remotePeer: peer(0) }).end()

    expect(manager.getInfo()).toMatchObject({ trackedPeers: 0, protectedPeers: 1 })
    expect([manager.isProtected(peer(0)), manager.isProtected(peer(0), 'mine'), manager.isProtected(peer(0), 'other')]).toEqual([true, true, false])
  })
})

describe('nullConnManager', () => {
  it('remembers nothing, closes nothing, refuses nothing', async () => {
    const manager = nullConnManager()()
    const { make } = mockHouse()
    manager.tagPeer(peer(0), 'a', 1)
    manager.upsertTag(peer(0), 'a', () => 1)
    manager.protect(peer(0), 'a')
    manager.notifee().connected(make() as never)
    const decaying = manager.registerDecayingTag('d', { interval: 5, decay: () => ({ after: 0, remove: true }), bump: () => 1 })
    decaying.bump(peer(0), 1)
    decaying.close()
    manager.setLimits({ lowWater: -1 })
    manager.checkLimit({ getConnLimit: () => 0 })

    expect([manager.getTagInfo(peer(0)), manager.isProtected(peer(0)), manager.unprotect(peer(0), 'a'), manager.untagPeer(peer(0), 'a'), decaying.remove(peer(0))])
      .toEqual([undefined, false, false, false, false])
    expect(manager.getInfo()).toMatchObject({ connCount: 0, trackedPeers: 0 })
    await expect(manager.forceTrim()).resolves.toMatchObject({ closed: 0, open: 0, entries: [] })
    await expect(manager.trimOpenConns()).resolves.toEqual({ ...manager.planTrim(), closed: 0, duration: 0 })
  })
})
