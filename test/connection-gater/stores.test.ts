import { multiaddr } from '@multiformats/multiaddr'
import { MemoryDatastore } from 'datastore-core'
import { LevelDatastore } from 'datastore-level'
import { Key } from 'interface-datastore'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { HeldConnections } from '../../src/connection-gater/held-connections.ts'
import { datastoreRules } from '../../src/store/datastore-rules.ts'
import { ALICE, bench, BOB, CAROL, connectionOver, enter, FakeHouse, NOTHING, socket } from './kit.ts'
import { brokenStore, FULL, never, settle } from './store-kit.ts'
import type { StoredRule } from '../../src/connection-gater/rule-store.ts'
import type { ConnectionGater } from '../../src/index.ts'
import type { DenyReason } from '../../src/limiter.ts'
import type { Datastore } from 'interface-datastore'

const folders: string[] = []

afterAll(async () => {
  await Promise.all(folders.map(async folder => rm(folder, { recursive: true, force: true })))
})

async function onDisk (): Promise<{ open: () => Promise<Datastore & { close: () => Promise<void> }> }> {
  const folder = await mkdtemp(join(tmpdir(), 'gater-'))
  folders.push(folder)

  return {
    async open () {
      const store = new LevelDatastore(folder)
      await store.open()
      return store
    }
  }
}

async function inMemory () {
  const store = Object.assign(new MemoryDatastore(), { close: async () => {} })
  return { open: async () => store }
}

describe.each([['in memory', inMemory], ['on disk', onDisk]])('a store %s', (_, make) => {
  it('keeps blocks and bans, and gives up what was unblocked', async () => {
    const place = await make()
    const first = await place.open()
    const before = bench({ maxConnsPerIp: 0, risk: { threshold: 1 } }, { store: datastoreRules(first) })
    await before.gater.blockPeer(ALICE, { reason: 'rude' })
    await before.gater.blockAddress('2001:db8::1', { ttl: 5_000 })
    await before.gater.blockSubnet('198.51.100.0/24')
    await before.gater.blockAddress('192.0.2.66')
    await before.gater.unblockAddress('192.0.2.66')
    before.gater.denyInboundConnection(socket('/ip4/192.0.2.1/tcp/1'))
    before.gater.denyInboundConnection(socket('/ip6/2001:db8:1::1/tcp/1'))
    await before.gater.unblockAddress('203.0.113.1')
    await settle()
    await first.close()

    const second = await place.open()
    const { gater, gate, clock } = bench({}, { store: datastoreRules(second) })
    await gate.ready()
    expect(gater.blockedPeers()).toMatchObject([{ reason: 'rude', persisted: true }])
    expect(gater.blockedAddresses()).toEqual([{ address: '2001:db8::1', until: clock.now() + 5_000, persisted: true }])
    expect(gater.blockedSubnets()).toEqual([{ subnet: '198.51.100.0/24', persisted: true }])
    expect(gater.inspect().bans.map(({ key, reason }) => [key, reason])).toEqual([['192.0.2.1', 'connection-limit'], ['2001:db8:1::/56', 'connection-limit']])

    expect(await gater.unblockAddress('2001:db8:1::1')).toBe(true)
    expect(await gater.unblockPeer(ALICE)).toBe(true)
    await settle()
    await second.close()

    const third = await place.open()
    const after = bench({}, { store: datastoreRules(third) })
    await after.gate.ready()
    expect(after.gater.blockedPeers()).toEqual([])
    expect(after.gater.inspect().bans).toHaveLength(1)
    await third.close()
  })

  it('skips entries that cannot be read, and loads the rest', async () => {
    const store = await (await make()).open()
    const root = '/libp2p-connmgr/gater/v1'
    const put = async (key: string, text: string) => store.put(new Key(`${root}${key}`), new TextEncoder().encode(text))
    await put('/block/address/192.0.2.1', '{}')
    await put('/block/address/nowhere', '{}')
    await put('/block/peer/me', '{}')
    await put('/block/address/192.0.2.2', 'not json')
    await put('/block/colour/red', '{}')
    await put('/block/address/192.0.2.3/more', '{}')
    await put('/block/address/192.0.2.4', '{"until":"tomorrow"}')
    await put('/block/address/192.0.2.5', '{"until":1}')
    await store.put(new Key('/another/service'), new Uint8Array([1]))

    const { gater, gate } = bench({}, { store: datastoreRules(store) })
    await gate.ready()
    expect(gater.blockedAddresses()).toEqual([{ address: '192.0.2.1', persisted: true }])
    await store.close()
  })
})

describe('a store that fails', () => {
  it('to put rejects the call, and the block is in force and said to be not persisted', async () => {
    const { gater } = bench({}, { store: brokenStore({ put: async () => { throw FULL } }) })

    await expect(gater.blockAddress('192.0.2.1')).rejects.toThrow(FULL.message)
    expect(gater.blockedAddresses()).toEqual([{ address: '192.0.2.1', persisted: false }])
    expect(gater.denyInboundConnection(socket())).toBe(true)
  })

  it('is tried again when the block is made again', async () => {
    const stored: StoredRule[] = []
    let isFull = true
    const put = async (rule: StoredRule): Promise<void> => {
      const full = isFull
      isFull = false
      await (full ? Promise.reject(FULL) : Promise.resolve(stored.push(rule)))
    }
    const { gater, clock } = bench({}, { store: brokenStore({ put }) })
    await expect(gater.blockAddress('192.0.2.1', { ttl: 1_000, reason: 'spam' })).rejects.toThrow()

    expect(await gater.blockAddress('192.0.2.1', { ttl: 500 })).toBe(false)
    expect(stored).toEqual([{ list: 'block', kind: 'address', value: '192.0.2.1', until: clock.now() + 1_000, reason: 'spam' }])
    expect(gater.blockedAddresses()).toMatchObject([{ persisted: true }])
  })

  it('to delete keeps the block: it would come back', async () => {
    const { gater } = bench({}, { store: brokenStore({ delete: async () => { throw FULL } }) })
    await gater.blockPeer(ALICE)

    await expect(gater.unblockPeer(ALICE)).rejects.toThrow(FULL.message)
    expect(gater.denyDialPeer(ALICE)).toBe(true)
  })

  it('that hangs is waited for as long as checkTimeout, and not longer', async () => {
    const { gater, clock } = bench({ checkTimeout: 100 }, { store: brokenStore({ put: never, delete: never }) })
    const blocking = gater.blockAddress('192.0.2.1').catch((error: unknown) => error)
    await settle()
    expect(gater.denyInboundConnection(socket())).toBe(true)
    clock.advance(100)

    expect(await blocking).toMatchObject({ name: 'DeadlineError' })
    expect(gater.blockedAddresses()).toMatchObject([{ persisted: false }])
  })

  it('to store a ban bans all the same', async () => {
    const { gater } = bench({ maxConnsPerIp: 0, risk: { threshold: 1 } }, { store: brokenStore({ put: async () => { throw FULL } }) })
    await gater.denyInboundConnection(socket())
    await settle()

    expect(gater.inspect().bans).toHaveLength(1)
  })
})

describe('while stored rules are being loaded', () => {
  const rules: StoredRule[] = [{ list: 'block', kind: 'address', value: '192.0.2.1' }, { list: 'block', kind: 'peer', value: ALICE.toString() }]

  it('connections are counted at once and answered when they are in force', async () => {
    const load = Promise.withResolvers<StoredRule[]>()
    const { gater } = bench({}, { store: brokenStore({ load: async () => load.promise }) })
    const [blocked, honest] = [socket(), socket('/ip4/198.51.100.1/tcp/1')]
    const answers = [gater.denyInboundConnection(blocked), gater.denyInboundConnection(honest), gater.denyDialPeer(ALICE), gater.denyDialPeer(BOB)]

    expect(gater.inspect().connections).toBe(2)
    load.resolve(rules)
    expect(await Promise.all(answers)).toEqual([true, false, true, false])
    expect(gater.inspect().connections).toBe(1)
    expect(gater.denyDialPeer(BOB)).toBe(false)
  })

  it.each<[string, StoredRule, DenyReason]>([
    ['a block of the address', { list: 'block', kind: 'address', value: '192.0.2.1' }, 'blocked-address'],
    ['a block of the subnet', { list: 'block', kind: 'subnet', value: '192.0.2.0/24' }, 'blocked-subnet'],
    ['a ban', { list: 'ban', kind: 'address', value: '192.0.2.1', until: Number.MAX_SAFE_INTEGER }, 'banned']
  ])('%s refuses who connects meanwhile, and says why', async (_, rule, reason) => {
    const { gater, denials } = bench({}, { store: brokenStore({ load: async () => [rule] }) })
    const one = socket()

    expect(await gater.denyInboundConnection(one)).toBe(true)
    expect(one.status).toBe('aborted')
    expect(denials.map(({ reason }) => reason)).toEqual([reason])
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it.each<[string, (gater: ConnectionGater) => unknown]>([
    ['peerDial', gater => gater.intercept.peerDial(ALICE)],
    ['addrDial', gater => gater.intercept.addrDial(ALICE, socket().remoteAddr)],
    ['accept', gater => gater.intercept.accept(socket())]
  ])('intercept.%s begins to load, and does not wait', async (_, ask) => {
    const { gater } = bench({}, { store: brokenStore({ load: async () => rules }) })

    expect(ask(gater)).toMatchObject({ allow: true })
    await settle()
    expect(gater.intercept.accept(socket())).toMatchObject({ allow: false, reason: 'blocked-address' })
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('a ban spares who is trusted, protected or inside already, and who is dialled', async () => {
    const load = Promise.withResolvers<StoredRule[]>()
    const { gater, gate, clock } = bench({ checkTimeout: 100 }, { store: brokenStore({ load: async () => load.promise }) })
    const house = new FakeHouse()
    house.protectedPeers.add(ALICE.toString())
    gate.attach(house)
    const ready = gate.ready()
    await settle()
    clock.advance(100)
    await ready

    const [inside, friend, stranger, dialled] = [socket(), socket(), socket(), socket('/ip4/192.0.2.1/tcp/1', 'outbound')]
    enter(gater, inside, BOB)
    gater.denyInboundConnection(friend)
    gater.denyInboundEncryptedConnection(ALICE, friend)
    gater.denyInboundConnection(stranger)
    gater.denyOutboundConnection(CAROL, dialled)
    load.resolve([{ list: 'ban', kind: 'address', value: '192.0.2.1', until: Number.MAX_SAFE_INTEGER }])
    await settle()

    expect([inside, friend, stranger, dialled].map(({ status }) => status)).toEqual(['open', 'open', 'aborted', 'open'])
    expect(gater.denyInboundConnection(socket())).toBe(true)
  })

  it.each([
    ['fails', async (): Promise<StoredRule[]> => { throw FULL }],
    ['hangs', never]
  ])('a store that %s keeps the door shut until then, and no longer', async (_, load) => {
    const { gater, gate, clock } = bench({ checkTimeout: 1_000 }, { store: brokenStore({ load }) })
    const answer = gater.denyInboundConnection(socket())
    await settle()
    clock.advance(1_000)

    expect(await answer).toBe(false)
    await gate.ready()
    expect(gater.denyInboundConnection(socket())).toBe(false)
  })

  it('a store that failed before its node started, because nobody had opened it, is asked again at the start', async () => {
    const answers = [Promise.reject<StoredRule[]>(FULL), Promise.resolve(rules)]
    const { gater, gate } = bench({}, { store: brokenStore({ load: async () => answers.shift()! }) })
    expect(await gater.filterMultiaddrForPeer(ALICE, multiaddr('/ip4/192.0.2.1/tcp/1'))).toBe(true)
    expect(gater.denyInboundConnection(socket())).toBe(false)

    const ready = gate.ready()
    const early = gater.denyInboundConnection(socket())
    await ready
    expect(await early).toBe(true)
    expect(gater.denyInboundConnection(socket())).toBe(true)
    await gate.ready()
    expect(answers).toEqual([])
  })

  it('rules that come late are in force from then on', async () => {
    const load = Promise.withResolvers<StoredRule[]>()
    const { gater, gate, clock } = bench({ checkTimeout: 1_000 }, { store: brokenStore({ load: async () => load.promise }) })
    const ready = gate.ready()
    await settle()
    clock.advance(1_000)
    await ready
    const early = socket()
    enter(gater, early, ALICE)

    load.resolve(rules)
    await settle()
    expect(early.status).toBe('aborted')
    expect(gate.close(connectionOver(early, ALICE), new Error('again'))).toBe(false)
  })

  it('however many they are, look at each connection once', async () => {
    const load = Promise.withResolvers<StoredRule[]>()
    const { gater } = bench({}, { store: brokenStore({ load: async () => load.promise }) })
    const sockets = ['192.0.2.1', '192.0.2.2', '198.51.100.1', '198.51.100.2', '203.0.113.1'].map(ip => socket(`/ip4/${ip}/tcp/1`))
    for (const one of sockets) gater.intercept.accept(one)
    const list = vi.spyOn(HeldConnections.prototype, 'list')

    load.resolve([
      { list: 'ban', kind: 'address', value: '192.0.2.1', until: Number.MAX_SAFE_INTEGER },
      { list: 'ban', kind: 'address', value: '192.0.2.2', until: Number.MAX_SAFE_INTEGER },
      { list: 'block', kind: 'address', value: '198.51.100.1' },
      { list: 'block', kind: 'subnet', value: '198.51.100.2/31' }
    ])
    await settle()
    expect(sockets.map(({ status }) => status)).toEqual(['aborted', 'aborted', 'aborted', 'aborted', 'open'])
    expect(list).toHaveBeenCalledOnce()
    list.mockRestore()
  })
})
