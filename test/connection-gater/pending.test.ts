import { describe, expect, it, vi } from 'vitest'
import { ConnectionCore } from '../../src/limiter/connection-core.ts'
import { ALICE, bench, BOB, FakeHouse, socket } from './kit.ts'

describe('pending connections', () => {
  it('of one client have a cap of their own', () => {
    const { gater, denials } = bench({ maxPendingPerIp: 2 })
    const all = Array.from({ length: 3 }, () => socket())

    expect(all.map(one => gater.denyInboundConnection(one))).toEqual([false, false, true])
    expect(denials).toMatchObject([{ stage: 'accept', reason: 'pending-limit', key: '192.0.2.1', limit: 2 }])

    gater.denyInboundEncryptedConnection(ALICE, all[0]!)
    gater.denyInboundUpgradedConnection(ALICE, all[0]!)
    expect(gater.denyInboundConnection(socket())).toBe(false)
  })

  it.each(['/memory/1', '/unix/%2Ftmp%2Fa'])('without an address are no client of that cap, and share the total: %s', address => {
    const { gater, denials } = bench({ maxPendingPerIp: 1, maxPending: 3 })

    expect(Array.from({ length: 4 }, () => gater.denyInboundConnection(socket(address)))).toEqual([false, false, false, true])
    expect(denials).toMatchObject([{ reason: 'pending-total', limit: 3 }])
  })

  it('that fall silent do not lock the door: a flood displaces itself', () => {
    const { gater } = bench({ maxPending: 10, maxPendingPerIp: Infinity, connectRate: false })
    const flood = Array.from({ length: 10 }, (_, n) => socket(`/ip4/198.51.100.${n % 2}/tcp/1`))
    for (const one of flood) expect(gater.denyInboundConnection(one)).toBe(false)

    const honest = socket('/ip4/192.0.2.1/tcp/1')
    expect(gater.denyInboundConnection(honest)).toBe(false)
    expect(flood.filter(({ status }) => status === 'aborted')).toHaveLength(1)
    expect(gater.inspect()).toMatchObject({ pending: { inbound: 10 }, displaced: 1, scored: 0 })

    for (let n = 0; n < 100; n++) gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))
    expect(honest.status).toBe('open')
  })

  it('are as old as they are when the clock jumps back by an hour', () => {
    const { gater, clock } = bench({ maxPending: 1, risk: false })
    const slow = socket('/ip4/198.51.100.1/tcp/1')
    gater.denyInboundConnection(slow)
    clock.jump(clock.now() - 3_600_000)
    expect(gater.denyInboundConnection(socket())).toBe(true)
    clock.advance(2_000)

    expect(gater.denyInboundConnection(socket())).toBe(false)
    expect(slow.status).toBe('aborted')
  })

  it('have had time enough after a quarter of the time-out that js-libp2p gives them', () => {
    const { gater, gate, clock } = bench({ maxPending: 1 })
    gate.attach(new FakeHouse(), { isAllowed: () => false, upgradeTimeout: 4_000 })
    gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))
    clock.advance(999)
    expect(gater.denyInboundConnection(socket())).toBe(true)
    clock.advance(1)

    expect(gater.denyInboundConnection(socket())).toBe(false)
  })

  it('from a new address of a crowded /24 displace nobody in a quieter one', () => {
    const { gater } = bench({ maxPending: 12, risk: false })
    const honest = ['198.51.100.1', '198.51.100.2'].map(address => socket(`/ip4/${address}/tcp/1`))
    for (const one of honest) gater.denyInboundConnection(one)
    for (let n = 1; n < 100; n++) gater.denyInboundConnection(socket(`/ip4/192.0.2.${n}/tcp/1`))

    expect(honest.map(({ status }) => status)).toEqual(['open', 'open'])
    expect(gater.inspect()).toMatchObject({ pending: { inbound: 12 }, denials: { 'pending-total': 89 } })
  })

  it('that were displaced leave the total at once, a WebSocket its slot when its socket is gone', () => {
    const { gater } = bench({ maxPending: 2, maxPendingPerIp: Infinity })
    const flood = Array.from({ length: 2 }, () => socket('/ip4/198.51.100.1/tcp/1/ws'))
    for (const one of flood) gater.denyInboundConnection(one)

    expect(gater.denyInboundConnection(socket('/ip4/192.0.2.1/tcp/1'))).toBe(false)
    expect(gater.inspect()).toMatchObject({ connections: 3, pending: { inbound: 2 }, closing: 1 })
    expect(flood.map(({ websocket }) => websocket!.terminated).reduce((a, b) => a + b)).toBe(1)

    for (const { websocket } of flood) websocket!.gone()
    expect(gater.inspect()).toMatchObject({ connections: 2, closing: 0 })
  })

  it('at a cap of zero are none', () => {
    const { gater } = bench({ maxPending: 0 })
    expect(gater.denyInboundConnection(socket())).toBe(true)
  })

  it('of an exempt network have no caps, are displaced by nobody and count', () => {
    const { gater } = bench({ networks: { '127.0.0.0/8': Infinity }, maxPending: 2, maxPendingPerIp: 1 })
    const local = Array.from({ length: 5 }, () => socket('/ip4/127.0.0.1/tcp/1'))

    expect(local.map(one => gater.denyInboundConnection(one))).toEqual([false, false, false, false, false])
    expect(gater.denyInboundConnection(socket())).toBe(true)
    expect(local.every(({ status }) => status === 'open')).toBe(true)
    expect(gater.inspect().pending).toEqual({ inbound: 5, outbound: 0 })
  })
})

describe('an address from which a protected or trusted peer last came', () => {
  function withFriend (init = {}) {
    const made = bench({ maxConnsPerIp: 1, connectRate: false, ...init })
    const house = new FakeHouse()
    made.gate.attach(house)
    house.protectedPeers.add(ALICE.toString())

    const first = socket()
    made.gater.denyInboundConnection(first)
    made.gater.denyInboundEncryptedConnection(ALICE, first)
    made.gater.denyInboundUpgradedConnection(ALICE, first)
    return { ...made, house, first }
  }

  it('may hold one extra pending place above its cap, which only a friend keeps', () => {
    const { gater, house } = withFriend()
    const [friend, another] = [socket(), socket()]

    expect(gater.denyInboundConnection(friend)).toBe(false)
    expect(gater.denyInboundConnection(another)).toBe(true)
    expect(gater.denyInboundEncryptedConnection(ALICE, friend)).toBe(false)
    expect(gater.denyInboundUpgradedConnection(ALICE, friend)).toBe(false)
    expect(house.log).toContain('accept favoured')
    expect(gater.numOpen('192.0.2.1')).toBe(2)
  })

  it.each([
    ['all connections', 'total-limit', { maxConns: 1 }],
    ['inbound connections', 'total-limit', { maxInbound: 1 }],
    ['a transport\'s connections', 'transport-limit', { transportLimits: { tcp: 1 } }]
  ])('stands above its own cap, and not above that on %s', (_, reason, limits) => {
    const { gater } = withFriend(limits)

    expect(gater.denyInboundConnection(socket())).toBe(true)
    expect(gater.inspect().denials).toEqual({ [reason]: 1 })
  })

  it('is above its cap for nobody else: a stranger is refused once he is known', () => {
    const { gater, denials } = withFriend()
    const stranger = socket()

    expect(gater.denyInboundConnection(stranger)).toBe(false)
    expect(gater.denyInboundEncryptedConnection(BOB, stranger)).toBe(true)
    expect(denials).toMatchObject([{ stage: 'secured', reason: 'connection-limit', limit: 1 }])
    expect(gater.denyInboundConnection(socket())).toBe(false)
  })

  it('is above its cap for whom everybody from there is trusted by then', () => {
    const { gater } = withFriend()
    const stranger = socket()
    gater.denyInboundConnection(stranger)
    gater.trustAddress('192.0.2.1')

    expect(gater.denyInboundEncryptedConnection(BOB, stranger)).toBe(false)
  })

  it.each([
    ['its connect rate', { maxConnsPerIp: 8, connectRate: { strategy: 'token-bucket', limit: 1, window: 1_000_000 } }],
    ['its pending cap', { maxConnsPerIp: 8, maxPendingPerIp: 0 }],
    ['its network\'s cap', { networks: { '192.0.2.0/24': 1 } }]
  ] as const)('is let in above %s', (_, init) => {
    const { gate, gater } = bench({ connectRate: false, ...init, trust: [ALICE] })
    gate.attach(new FakeHouse())
    const first = socket('/ip4/192.0.2.1/tcp/1', 'outbound')
    gater.denyOutboundConnection(ALICE, first)
    gater.denyOutboundEncryptedConnection(ALICE, first)

    expect(gater.denyInboundConnection(socket())).toBe(false)
    expect([gater.denyInboundConnection(socket()), gater.denyInboundConnection(socket())]).toContain(true)
  })

  it('is let in above the limit of a coarser key, which holds for strangers', () => {
    const { gater } = bench({ maxConnsPerIp: 1, capacity: 16, connectRate: false, trust: [ALICE] })
    gater.denyInboundConnection(socket('/ip4/192.0.3.1/tcp/1'))
    const first = socket('/ip4/192.0.2.1/tcp/1', 'outbound')
    gater.denyOutboundConnection(ALICE, first)
    gater.denyOutboundEncryptedConnection(ALICE, first)
    for (let n = 2; n < 9; n++) gater.denyInboundConnection(socket(`/ip4/192.0.2.${n}/tcp/1`))

    expect([gater.denyInboundConnection(socket('/ip4/192.0.2.9/tcp/1')), gater.inspect().denials]).toEqual([true, { 'overflow-limit': 1 }])
    expect(gater.denyInboundConnection(socket())).toBe(false)
  })

  it('is so no more when its peer is no friend any more', () => {
    const { gater, house } = withFriend()
    house.protectedPeers.clear()

    expect(gater.denyInboundConnection(socket())).toBe(true)
  })

  it('is remembered when the peer became a friend while it was here', () => {
    const { gater, gate } = bench({ maxConnsPerIp: 1, connectRate: false })
    const house = new FakeHouse()
    gate.attach(house)
    const first = socket()
    gater.denyInboundConnection(first)
    gater.denyInboundEncryptedConnection(ALICE, first)
    house.protectedPeers.add(ALICE.toString())
    first.die()

    expect([gater.denyInboundConnection(socket()), gater.denyInboundConnection(socket()), gater.denyInboundConnection(socket())]).toEqual([false, false, true])
  })
})

describe('a lowered maxPending', () => {
  const pending = { maxPending: 4, maxPendingPerIp: Infinity, maxConnsPerIp: Infinity, connectRate: false } as const

  it('lets newcomers wait until fewer are pending, and displaces nobody', () => {
    const { gater, clock, denials } = bench(pending)
    const all = [1, 2, 3, 4].map(n => socket(`/ip4/192.0.2.${n}/tcp/1`))
    for (const one of all) gater.denyInboundConnection(one)
    gater.setConfig({ maxPending: 2 })
    clock.advance(3_000)

    expect(gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))).toBe(true)
    for (const one of all.slice(0, 2)) one.die()
    expect(gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))).toBe(false)
    expect(gater.inspect()).toMatchObject({ pending: { inbound: 2 }, displaced: 1 })
    expect(denials.map(({ reason }) => reason)).toEqual(['pending-total'])
  })

  it('is seen by a look at one more than may be, however many there are', () => {
    const { gater } = bench({ ...pending, maxPending: 40 })
    for (let n = 0; n < 40; n++) gater.denyInboundConnection(socket(`/ip4/192.0.2.${n}/tcp/1`))
    gater.setConfig({ maxPending: 2 })
    const isFree = vi.spyOn(ConnectionCore.prototype, 'isFree')

    expect(gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))).toBe(true)
    expect(isFree).toHaveBeenCalledTimes(1 + 3)
    isFree.mockRestore()
  })

  it('is not what many trusted ones look like: they stand above it, and room is made as ever', () => {
    const { gater, clock } = bench({ ...pending, trust: ['203.0.113.0/24'] })
    gater.denyInboundConnection(socket('/ip4/192.0.2.1/tcp/1'))
    for (const n of [1, 2, 3, 4]) gater.denyInboundConnection(socket(`/ip4/203.0.113.${n}/tcp/1`))
    clock.advance(3_000)

    expect(gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))).toBe(false)
    expect(gater.inspect()).toMatchObject({ pending: { inbound: 5 }, displaced: 1 })
  })
})
