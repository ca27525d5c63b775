import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/testing.ts'
import { ALICE, bench, socket } from './kit.ts'
import { brokenStore, FULL, never, openStore, settle } from './store-kit.ts'
import type { RuleStore, StoredRule } from '../../src/connection-gater/rule-store.ts'
import type { BlockOptions, ConnectionGater } from '../../src/index.ts'

type Act = (gater: ConnectionGater, options?: BlockOptions) => Promise<boolean>

const KINDS: ReadonlyArray<readonly [kind: string, value: string, block: Act, unblock: Act]> = [
  ['address', '192.0.2.1', async (gater, options) => gater.blockAddress('192.0.2.1', options), async gater => gater.unblockAddress('192.0.2.1')],
  ['subnet', '192.0.2.0/24', async (gater, options) => gater.blockSubnet('192.0.2.0/24', options), async gater => gater.unblockSubnet('192.0.2.0/24')],
  ['peer', ALICE.toString(), async (gater, options) => gater.blockPeer(ALICE, options), async gater => gater.unblockPeer(ALICE)]
]

function blocked (gater: ConnectionGater): string[] {
  return [...gater.blockedAddresses().map(({ address }) => address), ...gater.blockedSubnets().map(({ subnet }) => subnet), ...gater.blockedPeers().map(({ peer }) => peer.toString())]
}

function persisted (gater: ConnectionGater): boolean[] {
  return [...gater.blockedAddresses(), ...gater.blockedSubnets(), ...gater.blockedPeers()].map(({ persisted }) => persisted)
}

describe.each(KINDS)('of calls that overlap the last one wins: of a %s', (kind, value, block, unblock) => {
  it('without a store', async () => {
    const { gater } = bench()
    await block(gater)

    expect(await Promise.all([unblock(gater), block(gater)])).toEqual([true, true])
    expect(blocked(gater)).toEqual([value])
    expect(await Promise.all([block(gater), unblock(gater)])).toEqual([false, true])
    expect(blocked(gater)).toEqual([])
  })

  it('with a store, where it is what is stored', async () => {
    const { store, content } = openStore()
    const { gater } = bench({}, { store })
    await block(gater)

    expect(await Promise.all([unblock(gater), block(gater)])).toEqual([true, true])
    expect(blocked(gater)).toEqual([value])
    expect(await content()).toEqual([{ list: 'block', kind, value }])

    expect(await Promise.all([block(gater), unblock(gater)])).toEqual([false, true])
    expect(blocked(gater)).toEqual([])
    expect(await content()).toEqual([])
  })
})

describe('a block that is called while its unblock is under way', () => {
  it('is in force all the time', async () => {
    const leaving = Promise.withResolvers<undefined>()
    const { gater } = bench({}, { store: brokenStore({ delete: async () => leaving.promise }) })
    await gater.blockAddress('192.0.2.1')
    const changes = [gater.unblockAddress('192.0.2.1'), gater.blockAddress('192.0.2.1')]
    await settle()
    expect(gater.denyInboundConnection(socket())).toBe(true)

    leaving.resolve(undefined)
    await Promise.all(changes)
    expect(gater.denyInboundConnection(socket())).toBe(true)
  })

  it('ends when it says, not when the one before did', async () => {
    const { store, content } = openStore()
    const { gater, clock } = bench({}, { store })
    await gater.blockAddress('192.0.2.1')
    await Promise.all([gater.unblockAddress('192.0.2.1'), gater.blockAddress('192.0.2.1', { ttl: 1_000, reason: 'again' })])

    expect(gater.blockedAddresses()).toEqual([{ address: '192.0.2.1', until: clock.now() + 1_000, reason: 'again', persisted: true }])
    expect(await content()).toMatchObject([{ until: clock.now() + 1_000, reason: 'again' }])
  })
})

it.each(KINDS)('a block of a %s whose options are misspelt is refused, and changes nothing', async (_kind, _value, block) => {
  const { gater } = bench()

  await expect(block(gater, { tll: 60_000 } as BlockOptions)).rejects.toMatchObject({ name: 'InvalidOptionError', option: 'options' })
  expect(blocked(gater)).toEqual([])
})

it('a change that hangs in the store holds up the next one of its rule for its own time, and not for ever', async () => {
  const { gater, clock } = bench({ checkTimeout: 100 }, { store: brokenStore({ put: never }) })
  const blocking = gater.blockAddress('192.0.2.1').catch((error: unknown) => error)
  const unblocking = gater.unblockAddress('192.0.2.1')
  await settle()
  clock.advance(100)

  expect(await blocking).toMatchObject({ name: 'DeadlineError' })
  expect(await unblocking).toBe(true)
  expect(gater.blockedAddresses()).toEqual([])
})

describe('a block that is made longer', () => {
  it('is not persisted when the store failed, and is stored when it is made again', async () => {
    const puts = [async (): Promise<void> => {}, async (): Promise<never> => { throw FULL }]
    const { store, content } = openStore(rules => ({ put: async rule => puts.length === 0 ? rules.put(rule) : puts.shift()!() }))
    const { gater } = bench({}, { store })
    await gater.blockAddress('192.0.2.1', { ttl: 1_000 })

    await expect(gater.blockAddress('192.0.2.1')).rejects.toThrow(FULL.message)
    expect(gater.blockedAddresses()).toEqual([{ address: '192.0.2.1', persisted: false }])
    expect(await gater.blockAddress('192.0.2.1')).toBe(false)
    expect(gater.blockedAddresses()).toEqual([{ address: '192.0.2.1', persisted: true }])
    expect(await content()).toEqual([{ list: 'block', kind: 'address', value: '192.0.2.1' }])
  })

  it('by the stored one that loads a moment later is that one', async () => {
    const { store, content, rules } = openStore()
    await rules.put({ list: 'block', kind: 'address', value: '192.0.2.1', reason: 'for good' })
    const { gater } = bench({}, { store })
    const blocking = gater.blockAddress('192.0.2.1', { ttl: 1_000 })
    expect(gater.blockedAddresses()).toMatchObject([{ persisted: false }])

    expect(await blocking).toBe(true)
    expect(gater.blockedAddresses()).toEqual([{ address: '192.0.2.1', reason: 'for good', persisted: true }])
    expect(await content()).toEqual([{ list: 'block', kind: 'address', value: '192.0.2.1', reason: 'for good' }])
  })
})

it.each(KINDS)('a block of a %s lasts as long as it says, and is stored so, where the clock jumps back an hour before it is stored', async (kind, value, block) => {
  const { store, content } = openStore()
  const { gater, clock } = bench({}, { store })
  const blocking = block(gater, { ttl: 1_000 })
  clock.jump(clock.now() - 3_600_000)
  await blocking

  expect(persisted(gater)).toEqual([true])
  expect(await content()).toEqual([{ list: 'block', kind, value, until: clock.now() + 1_000 }])
  clock.advance(1_000)
  expect(blocked(gater)).toEqual([])
})

it('a block that is stored is persisted, however far the clock has gone between two looks at it', async () => {
  const start = fakeClock()
  let now = start.now()
  const clock = { ...start, now: () => now++ }
  const { store } = openStore()
  const { gater } = bench({ clock }, { store })
  for (const [,, block] of KINDS) await block(gater, { ttl: 1_000 })
  expect(persisted(gater)).toEqual([true, true, true])

  const after = bench({ clock }, { store })
  await after.gate.ready()
  expect(persisted(after.gater)).toEqual([true, true, true])
})

it('a ban is not stored over the longer one that loads a moment later', async () => {
  const { store, content, rules } = openStore()
  const { gater, clock, bans } = bench({ maxConnsPerIp: 0, risk: { threshold: 1 } }, { store })
  await rules.put({ list: 'ban', kind: 'address', value: '192.0.2.1', until: clock.now() + 3_600_000 })
  gater.denyInboundConnection(socket())
  await settle()

  expect(bans).toHaveLength(1)
  expect(await content()).toMatchObject([{ until: clock.now() + 3_600_000 }])
})

describe('lifting a ban', () => {
  const banned = async (broken?: (store: RuleStore) => Partial<RuleStore>) => {
    const place = openStore(broken)
    const made = bench({ maxConnsPerIp: 0, risk: { threshold: 1 } }, { store: place.store })
    made.gater.denyInboundConnection(socket())
    await settle()
    return { ...made, ...place }
  }

  it.each(KINDS.slice(0, 2))('by its %s fails when the store does: it would come back', async (_kind, _value, _block, unblock) => {
    const { gater, content } = await banned(() => ({ delete: async ({ list }) => list === 'ban' ? Promise.reject(FULL) : undefined }))

    await expect(unblock(gater)).rejects.toThrow(FULL.message)
    expect(gater.inspect().bans).toHaveLength(1)
    expect(await content()).toHaveLength(1)
  })

  it.each(KINDS.slice(0, 2))('by its %s takes it out of the store before the call resolves, once', async (_kind, _value, _block, unblock) => {
    const deleted: string[] = []
    const { gater, content } = await banned(rules => ({
      delete: async rule => {
        deleted.push(rule.list)
        await rules.delete(rule)
      }
    }))

    expect(await unblock(gater)).toBe(true)
    expect(gater.inspect().bans).toEqual([])
    expect(await content()).toEqual([])
    expect(deleted.toSorted()).toEqual(['ban', 'block'])
  })

  it('that could not be loaded takes it out of the store all the same', async () => {
    const { store, rules, content } = openStore(() => ({ load: async () => { throw FULL } }))
    await rules.put({ list: 'ban', kind: 'subnet', value: '2001:db8::/56' })
    const { gater } = bench({}, { store })

    expect(await gater.unblockAddress('2001:db8::1')).toBe(false)
    expect(await content()).toEqual([])
  })
})

describe('rules that load after their time', () => {
  async function late (stored: readonly StoredRule[], broken: (rules: RuleStore) => Partial<RuleStore> = () => ({})) {
    const reading = Promise.withResolvers<undefined>()
    const place = openStore(rules => ({ load: async onCorrupt => rules.load(onCorrupt).finally(async () => reading.promise), ...broken(rules) }))
    await Promise.all(stored.map(async rule => place.rules.put(rule)))
    const made = bench({ checkTimeout: 100 }, { store: place.store })
    const ready = made.gate.ready()
    await settle()
    made.clock.advance(100)
    await ready
    return {
      ...made,
      content: async () => place.rules.load(() => {}),
      load: async () => {
        reading.resolve(undefined)
        await settle()
      }
    }
  }

  it.each(KINDS)('leave an unblocked %s alone', async (kind, value, block, unblock) => {
    const { gater, content, load } = await late([{ list: 'block', kind: kind as StoredRule['kind'], value }])
    await unblock(gater)
    await load()

    expect(blocked(gater)).toEqual([])
    expect(await content()).toEqual([])
    await block(gater)
    expect(blocked(gater)).toEqual([value])
    expect(await content()).toHaveLength(1)
  })

  it('leave a lifted ban alone', async () => {
    const { gater, load } = await late([{ list: 'ban', kind: 'address', value: '192.0.2.1', until: Number.MAX_SAFE_INTEGER }])
    await gater.unblockAddress('192.0.2.1')
    await load()

    expect(gater.inspect().bans).toEqual([])
  })

  it('leave the bans alone that were lifted with their subnet, and out of the store', async () => {
    const until = Number.MAX_SAFE_INTEGER
    const { gater, load, content } = await late([
      { list: 'ban', kind: 'address', value: '192.0.2.1', until },
      { list: 'ban', kind: 'address', value: 'nowhere', until },
      { list: 'ban', kind: 'address', value: '198.51.100.1', until },
      { list: 'block', kind: 'address', value: '192.0.2.2' }
    ])
    await gater.unblockSubnet('192.0.2.0/24')
    await load()

    expect(gater.inspect().bans.map(({ key }) => key)).toEqual(['198.51.100.1'])
    expect(blocked(gater)).toEqual(['192.0.2.2'])
    expect((await content()).map(({ value }) => value)).toEqual(['nowhere', '198.51.100.1', '192.0.2.2'])
  })

  it('are stored again where a shorter one took their place meanwhile', async () => {
    const { gater, load, content } = await late([{ list: 'block', kind: 'address', value: '192.0.2.1' }])
    await gater.blockAddress('192.0.2.1', { ttl: 1_000 })
    await load()

    expect(gater.blockedAddresses()).toEqual([{ address: '192.0.2.1', persisted: true }])
    expect(await content()).toEqual([{ list: 'block', kind: 'address', value: '192.0.2.1' }])
  })

  it('but not where that one is on its way out', async () => {
    const deleting = Promise.withResolvers<undefined>()
    const { gater, load, content } = await late([{ list: 'block', kind: 'address', value: '192.0.2.1' }], rules => ({
      delete: async rule => deleting.promise.then(async () => rules.delete(rule))
    }))
    await gater.blockAddress('192.0.2.1', { ttl: 1_000 })
    const unblocking = gater.unblockAddress('192.0.2.1')
    await load()
    deleting.resolve(undefined)

    expect(await unblocking).toBe(true)
    await settle()
    expect(blocked(gater)).toEqual([])
    expect(await content()).toEqual([])
  })
})

describe('bans that were lifted with their subnet before the store could be read stay lifted when a start reads it', () => {
  it.each([
    ['it failed', async () => Promise.reject<never>(FULL)],
    ['it was slow to fail', never]
  ])('where %s at first', async (_, first) => {
    const fails = Promise.withResolvers<never>()
    const reads = [async () => Promise.race([first(), fails.promise])]
    const { store, rules, content } = openStore(rules => ({ load: async onCorrupt => (reads.shift() ?? rules.load)(onCorrupt) }))
    await rules.put({ list: 'ban', kind: 'address', value: '192.0.2.1', until: Number.MAX_SAFE_INTEGER })
    await rules.put({ list: 'ban', kind: 'address', value: '198.51.100.1', until: Number.MAX_SAFE_INTEGER })
    const { gater, gate, clock } = bench({ checkTimeout: 100 }, { store })
    const unblocking = gater.unblockSubnet('192.0.2.0/24')
    await settle()
    clock.advance(100)
    await unblocking

    fails.promise.catch(() => {})
    fails.reject(FULL)
    await settle()
    await gate.ready()
    await settle()
    expect(gater.inspect().bans.map(({ key }) => key)).toEqual(['198.51.100.1'])
    expect((await content()).map(({ value }) => value)).toEqual(['198.51.100.1'])
  })
})

describe('unblocking a subnet lifts the bans of clients that lie in it, and says whether there were any', () => {
  it.each([
    ['192.0.2.0/24', '/ip4/192.0.2.1/tcp/1', true],
    ['198.51.100.0/24', '/ip4/192.0.2.1/tcp/1', false],
    ['2001:db8:1::/48', '/ip6/2001:db8:1:ff::1/tcp/1', true],
    ['2001:db8:1::/56', '/ip6/2001:db8:1:ff::1/tcp/1', true],
    ['2001:db8:1:0::/64', '/ip6/2001:db8:1:ff::1/tcp/1', false],
    ['2001:db8:1:ff::/64', '/ip6/2001:db8:1:ff::1/tcp/1', false]
  ])('%s, of who came from %s: %s', async (subnet, address, isLifted) => {
    const { gater } = bench({ maxConnsPerIp: 0, risk: { threshold: 1 } })
    gater.denyInboundConnection(socket(address))

    expect(await gater.unblockSubnet(subnet)).toBe(isLifted)
    expect(gater.inspect().bans).toHaveLength(isLifted ? 0 : 1)
  })

  it('also of those that are stored and found no place: they would find one with the next start', async () => {
    const { store, rules, content } = openStore()
    const ban = (value: string): StoredRule => ({ list: 'ban', kind: 'address', value, until: Number.MAX_SAFE_INTEGER })
    for (const value of ['192.0.2.1', '192.0.2.2', '198.51.100.1']) await rules.put(ban(value))
    const { gater, gate } = bench({ capacity: 16 }, { store })
    await gate.ready()
    expect(gater.inspect().bans).toHaveLength(2)

    expect(await gater.unblockSubnet('192.0.2.0/24')).toBe(true)
    expect(await content()).toEqual([ban('198.51.100.1')])
  })

  it('one after the other, each with its own time', async () => {
    let underWay = 0
    const { store, content } = openStore(rules => ({
      delete: async rule => {
        underWay++
        clock.advance(60)
        await settle()
        expect(underWay).toBe(1)
        underWay--
        await rules.delete(rule)
      }
    }))
    const { gater, clock } = bench({ maxConnsPerIp: 0, risk: { threshold: 1 }, checkTimeout: 100 }, { store })
    for (const n of [1, 2, 3]) gater.denyInboundConnection(socket(`/ip4/192.0.2.${n}/tcp/1`))
    await settle()

    expect(await gater.unblockSubnet('192.0.2.0/24')).toBe(true)
    expect(gater.inspect().bans).toEqual([])
    expect(await content()).toEqual([])
  })
})
