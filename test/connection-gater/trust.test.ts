import { describe, expect, it } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import { connectionLimiter } from '../../src/limiter.ts'
import { ALICE, bench, BOB, connectionOver, enter, FakeHouse, NOTHING, socket } from './kit.ts'
import type { ConnectionGater, ConnectionGaterInit } from '../../src/index.ts'
import type { PeerId } from '@libp2p/interface'

describe('trust', () => {
  it('of an address skips caps, rates and pending caps from accept on, and is counted', () => {
    const { gater } = bench({ trust: ['192.0.2.0/24'], maxConnsPerIp: 0, maxPending: 0, maxInbound: 0, maxConns: 1, connectRate: { strategy: 'token-bucket', limit: 0, window: 1 } })
    const all = Array.from({ length: 3 }, () => socket())

    expect(all.map(one => gater.denyInboundConnection(one))).toEqual([false, false, false])
    expect(all.map(one => gater.denyInboundEncryptedConnection(ALICE, one))).toEqual([false, false, false])
    expect(all.map(one => gater.denyInboundUpgradedConnection(ALICE, one))).toEqual([false, false, false])
    expect(gater.inspect()).toMatchObject({ open: { inbound: 3 }, clients: { '192.0.2.1': 3 } })

    for (const one of all) one.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('of a peer skips its cap, and tells the house', () => {
    const { gater, gate } = bench({ maxConnsPerPeer: 0 })
    const house = new FakeHouse()
    gate.attach(house)
    const one = socket()

    expect(gater.trustPeer(ALICE)).toBe(true)
    expect(gater.trustPeer(ALICE)).toBe(false)
    gater.denyInboundConnection(one)
    expect(gater.denyInboundEncryptedConnection(ALICE, one)).toBe(false)
    expect(house.log).toEqual(['accept', 'reserve inbound trusted'])
    expect(gater.trustedPeers()).toEqual([ALICE])
    expect(gater.untrustPeer(ALICE)).toBe(true)
  })

  it('that ends is told to the house, once', () => {
    const { gater, gate } = bench({ trust: ['192.0.2.0/24', '198.51.100.1', ALICE] })
    const house = new FakeHouse()
    gate.attach(house)

    expect([gater.untrustPeer(ALICE), gater.untrustPeer(ALICE)]).toEqual([true, false])
    expect([gater.untrustSubnet('192.0.2.0/24'), gater.untrustSubnet('192.0.2.0/24')]).toEqual([true, false])
    expect([gater.untrustAddress('198.51.100.1'), gater.untrustAddress('198.51.100.1')]).toEqual([true, false])
    expect(house.log).toEqual(['trust lost', 'trust lost', 'trust lost'])
  })

  it('that a limiter shared with others gives up is told to the house, too', () => {
    const limiter = connectionLimiter({ trust: ['192.0.2.0/24', '198.51.100.1'] })
    const house = new FakeHouse()
    const { gater, gate } = bench({ networks: undefined as never, limiter })
    gate.attach(house)

    expect([limiter.untrust('192.0.2.0/24'), limiter.untrust('192.0.2.0/24')]).toEqual([true, false])
    expect(gater.untrustAddress('198.51.100.1')).toBe(true)
    expect(house.log).toEqual(['trust lost', 'trust lost'])
  })

  it('loses to a block, of the peer and of the address', async () => {
    const { gater } = bench({ trust: ['192.0.2.0/24', ALICE] })
    await gater.blockAddress('192.0.2.1')
    await gater.blockPeer(ALICE)

    expect(gater.denyInboundConnection(socket())).toBe(true)
    expect(gater.denyDialPeer(ALICE)).toBe(true)
  })

  it('by js-libp2p\'s own allow list is trust at accept, too', () => {
    const { gater, gate } = bench({ maxConnsPerIp: 0, maxConnsPerPeer: 0, connectRate: { strategy: 'token-bucket', limit: 1, window: 1_000 } })
    gate.attach(new FakeHouse(), { isAllowed: client => client.kind === 'ip', upgradeTimeout: 10_000 })
    const one = socket()

    expect(gater.denyInboundConnection(one)).toBe(false)
    expect(gater.denyInboundEncryptedConnection(BOB, one)).toBe(false)
    expect(gater.inspect().rateEntries).toBe(0)
  })

  it('is told to the manager', () => {
    const { gater, gate } = bench()
    const connection = { remotePeer: ALICE, remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/1'), timeline: {} } as never
    expect([gate.trustsAnybody, gate.isTrusted(connection)]).toEqual([false, false])

    gater.trustSubnet('192.0.2.7/24')
    expect([gate.trustsAnybody, gate.isTrusted(connection)]).toEqual([true, true])
    expect(gater.trustedSubnets()).toEqual(['192.0.2.0/24'])
    expect(gater.untrustSubnet('192.0.2.0/24')).toBe(true)
    gater.trustAddress('192.0.2.1')
    expect(gater.trustedAddresses()).toEqual(['192.0.2.1'])
  })
})

describe('the house', () => {
  it('is asked last at accept: what is refused otherwise spends none of its tries', () => {
    const { gater, gate } = bench({ maxConnsPerIp: 0 })
    const house = new FakeHouse()
    gate.attach(house)
    gater.denyInboundConnection(socket())

    expect(house.log).toEqual([])
  })

  it('refuses, and nothing is taken and nobody displaced', () => {
    const { gater, gate } = bench({ maxPending: 1, maxPendingPerIp: Infinity })
    const house = new FakeHouse()
    gate.attach(house)
    const waiting = socket('/ip4/198.51.100.1/tcp/1')
    gater.denyInboundConnection(waiting)
    house.full = true

    expect(gater.denyInboundConnection(socket())).toBe(true)
    expect(gater.inspect()).toMatchObject({ connections: 1, displaced: 0 })
  })

  it('takes at upgraded, and gets back what failed before', () => {
    const { gater, gate } = bench()
    const house = new FakeHouse()
    gate.attach(house)
    const [good, failed] = [socket(), socket()]
    for (const one of [good, failed]) gater.denyInboundConnection(one)
    gater.denyInboundEncryptedConnection(ALICE, good)
    gater.denyInboundEncryptedConnection(BOB, failed)
    house.log.length = 0

    gater.denyInboundUpgradedConnection(ALICE, good)
    failed.die()
    expect(house.log).toEqual(['take', 'give back'])
  })

  it('refuses a peer at secured, and the reason is said', () => {
    const { gater, gate, denials } = bench()
    const house = new FakeHouse()
    gate.attach(house)
    const one = socket()
    gater.denyInboundConnection(one)
    house.full = true

    expect(gater.denyInboundEncryptedConnection(ALICE, one)).toBe(true)
    expect(denials).toMatchObject([{ stage: 'secured', reason: 'hard-limit', peer: ALICE, ip: '192.0.2.1' }])
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('is asked no more after it has gone', () => {
    const { gater, gate } = bench()
    const house = new FakeHouse()
    gate.attach(house)()
    gater.denyInboundConnection(socket())

    expect(house.log).toEqual([])
  })
})

describe('trust holds as it is when it is asked for, not as it was when somebody came', () => {
  it.each<[string, ConnectionGaterInit, (gater: ConnectionGater) => unknown]>([
    ['trust in an address that is withdrawn', { trust: ['192.0.2.1'] }, gater => gater.untrustAddress('192.0.2.1')],
    ['a network that is exempt no more', { networks: { '192.0.2.0/24': Infinity } }, gater => { gater.setConfig({ networks: {} }) }]
  ])('%s exempts no connection that is open', (_, init, withdraw) => {
    const { gater, gate } = bench({ risk: { threshold: 1 }, ...init })
    const one = socket()
    enter(gater, one, ALICE)
    expect(gate.isExempt(connectionOver(one, ALICE))).toBe(true)

    withdraw(gater)
    expect(gate.isExempt(connectionOver(one, ALICE))).toBe(false)
    expect(gate.offend(connectionOver(one, ALICE), 'stream-rate')).toBe(true)
  })

  it('given later it spares who is pending: nobody displaces him', () => {
    const { gater, clock } = bench({ maxPending: 1 })
    const one = socket()
    gater.denyInboundConnection(one)
    gater.trustAddress('192.0.2.1')
    clock.advance(3_000)

    expect(gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))).toBe(true)
    expect(one.status).toBe('open')
  })

  it('given later it scores nothing that he does', () => {
    const { gater, clock } = bench({ risk: { threshold: 1 } })
    const one = socket()
    gater.denyInboundConnection(one)
    gater.trustAddress('192.0.2.1')
    clock.advance(10_000)
    one.die({ local: true, error: new Error('too slow') })

    expect(gater.inspect()).toMatchObject({ ...NOTHING, bans: [], scored: 0 })
  })
})

it.each<[string, ConnectionGaterInit, string]>([
  ['a range is none', { trust: ['192.0.2.1', '192.0.2'] }, 'InvalidAddressError'],
  ['a peer is none', { trust: ['192.0.2.1', undefined as unknown as PeerId] }, 'InvalidOptionError'],
  ['the user\'s gater is none', { trust: ['192.0.2.1'], also: 5 as unknown as object }, 'InvalidOptionError']
])('a gater that cannot be made because %s leaves the trust of a shared limiter as it was', (_, init, name) => {
  const limiter = connectionLimiter()

  expect(() => bench({ ...init, networks: undefined as never, limiter })).toThrow(expect.objectContaining({ name }))
  expect(limiter.untrust('192.0.2.1')).toBe(false)
})
