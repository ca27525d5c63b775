import { describe, expect, it } from 'vitest'
import { offenceOfUpgrade } from '../../src/connection-gater/offences.ts'
import { connectionLimiter } from '../../src/limiter.ts'
import { ALICE, bench, BOB, CAROL, connectionOver, enter, FakeHouse, RELAY, socket } from './kit.ts'
import type { Socket } from './kit.ts'
import type { ConnectionGater, ConnectionGaterInit } from '../../src/index.ts'

function failWith (name: string): Error {
  return Object.assign(new Error('failed'), { name })
}

describe('the offence in a failed upgrade', () => {
  it.each([
    ['a handshake that is nonsense', { age: 50, isLocal: true, error: failWith('EncryptionFailedError'), wasFull: false }, 'failed-handshake'],
    ['one that never comes', { age: 10_000, isLocal: true, error: failWith('TimeoutError'), wasFull: false }, 'pending-timeout'],
    ['one that never comes while all places are taken', { age: 10_000, isLocal: true, error: failWith('TimeoutError'), wasFull: true }, undefined],
    ['a dialer who hangs up', { age: 50, isLocal: false, error: undefined, wasFull: false }, undefined],
    ['a reset, which looks local', { age: 50, isLocal: true, error: Object.assign(failWith('Error'), { code: 'ECONNRESET' }), wasFull: false }, undefined],
    ['our own stop', { age: 50, isLocal: true, error: failWith('AbortError'), wasFull: false }, undefined]
  ] as const)('%s', (_, facts, offence) => {
    expect(offenceOfUpgrade({ ...facts, upgradeTimeout: 10_000 })).toBe(offence)
  })
})

describe('a client that has a score', () => {
  const limits = { connectRate: { ipv4: { 32: { strategy: 'token-bucket', limit: 2, window: 1_000_000 } } }, prefixLimits: { ipv4: {}, ipv6: {} }, capacity: 32 } as const

  it.each([
    ['of its own', (): ConnectionGaterInit => limits],
    ['that it shares', (): ConnectionGaterInit => ({ limiter: connectionLimiter(limits), networks: undefined as never })]
  ])('is not forgotten by the rate of a limiter %s when others come', (_, init) => {
    const { gater } = bench(init())
    const comes = (ip: string): { one: Socket, isDenied: unknown } => {
      const one = socket(`/ip4/${ip}/tcp/1`)
      return { one, isDenied: gater.denyInboundConnection(one) }
    }
    const all = [1, 2, 3].map(() => comes('10.0.0.1'))
    for (const { one } of all) one.die()
    for (const one of [2, 3]) comes(`10.0.0.${one}`)

    expect(comes('10.0.0.1').isDenied).toBe(true)
    expect(gater.inspect().scored).toBe(1)
  })
})

describe('offences', () => {
  it('against the client\'s own cap, rate and pending cap score, and lead to a ban', () => {
    const { gater, bans, clock } = bench({ maxConnsPerIp: 1, risk: { threshold: 3, banTime: 60_000 } })
    const first = socket()
    expect(enter(gater, first, ALICE)).toBe('open')
    for (let n = 0; n < 3; n++) gater.denyInboundConnection(socket())

    expect(bans).toMatchObject([{ key: '192.0.2.1', ip: '192.0.2.1', reason: 'connection-limit', until: clock.now() + 60_000 }])
    expect(first.status).toBe('open')
    first.die()
    expect(gater.denyInboundConnection(socket())).toBe(true)
    expect(gater.inspect()).toMatchObject({ denials: { 'connection-limit': 3, 'banned': 1 }, bans: [{ key: '192.0.2.1' }] })

    clock.advance(60_000)
    expect(gater.inspect().bans).toEqual([])
    expect(gater.denyInboundConnection(socket())).toBe(false)
  })

  it.each([
    ['a full house', {}, 'hard-limit'],
    ['a total', { maxInbound: 0 }, 'total-limit'],
    ['a transport', { transportLimits: { tcp: 0 } }, 'transport-limit'],
    ['a neighbourhood', { prefixLimits: { ipv4: { 32: 8, 24: 0 } } }, 'connection-limit'],
    ['a network', { networks: { '192.0.2.0/24': 0 } }, 'network-limit'],
    ['all pending places', { maxPending: 0 }, 'pending-total'],
    ['a block', { blocks: ['192.0.2.1'] }, 'blocked-address']
  ] as const)('are none against %s', (_, init, reason) => {
    const { gater, gate } = bench({ ...init, risk: { threshold: 1 } })
    gate.attach({ isProtected: () => false, atAccept: () => ({ allow: false, action: 'close', reason: 'hard-limit' }), reserve: () => { throw new Error('not asked') }, trustLost: () => {}, recall: () => undefined })
    gater.denyInboundConnection(socket())

    expect(gater.inspect()).toMatchObject({ denials: { [reason]: 1 }, bans: [], scored: 0 })
  })

  it.each([
    ['an exempt network', { networks: { '192.0.2.0/24': Infinity } }],
    ['a trusted address', { trust: ['192.0.2.1'] }]
  ])('of %s do not score', (_, init) => {
    const { gater } = bench({ ...init, risk: { threshold: 1 } })
    const one = socket()
    gater.denyInboundConnection(one)
    one.die({ local: true, error: failWith('EncryptionFailedError') })

    expect(gater.inspect()).toMatchObject({ bans: [], scored: 0 })
  })

  it('of a handshake and of a time-out score', () => {
    const { gater, clock, bans } = bench({ risk: { threshold: 2 } })
    const [nonsense, silent] = [socket(), socket()]
    gater.denyInboundConnection(nonsense)
    gater.denyInboundConnection(silent)
    nonsense.die({ local: true, error: failWith('EncryptionFailedError') })
    clock.advance(10_000)
    silent.die({ local: true, error: failWith('TimeoutError') })

    expect(bans).toMatchObject([])
    expect(gater.inspect().scored).toBe(1)
  })

  it('of a displaced one do not score', () => {
    const { gater } = bench({ maxPending: 2, maxPendingPerIp: 2, risk: { threshold: 1 } })
    for (let n = 0; n < 2; n++) gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))
    gater.denyInboundConnection(socket())

    expect(gater.inspect()).toMatchObject({ displaced: 1, scored: 0, bans: [] })
  })

  it('are not scored where risk is off', () => {
    const { gater } = bench({ maxConnsPerIp: 0, risk: false })
    for (let n = 0; n < 100; n++) gater.denyInboundConnection(socket())

    expect(gater.inspect()).toMatchObject({ bans: [], scored: 0, config: { risk: false } })
  })
})

describe('a ban', () => {
  it('refuses new sockets and closes pending and offending ones only: neighbours stay', () => {
    const { gater, gate, bans } = bench({ maxConnsPerIp: 8, risk: { threshold: 1 } })
    const house = new FakeHouse()
    house.protectedPeers.add(CAROL.toString())
    gate.attach(house)
    const [neighbour, offender, pending, friend] = [socket(), socket(), socket(), socket()]
    enter(gater, neighbour, ALICE)
    enter(gater, offender, BOB)
    gater.denyInboundConnection(pending)
    gater.denyInboundConnection(friend)
    gater.denyInboundEncryptedConnection(CAROL, friend)

    expect(gate.offend(connectionOver(offender, BOB), 'stream-rate')).toBe(true)
    expect(bans).toMatchObject([{ key: '192.0.2.1', reason: 'stream-rate' }])
    expect([neighbour, offender, pending, friend].map(({ status }) => status)).toEqual(['open', 'aborted', 'aborted', 'open'])
    expect(gater.denyInboundConnection(socket())).toBe(true)
    expect(gater.denyInboundUpgradedConnection(CAROL, friend)).toBe(false)
  })

  it('is never the relay\'s for its clients: the peer id is scored', () => {
    const { gater, gate, bans } = bench({ risk: { threshold: 1 } })
    const through = (peer: { toString: () => string }) => socket(`/ip4/192.0.2.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit/p2p/${peer.toString()}`)
    const [offender, open, secured, another] = [through(ALICE), through(ALICE), through(ALICE), through(BOB)]
    enter(gater, offender, ALICE)
    enter(gater, open, ALICE)
    for (const [pending, peer] of [[secured, ALICE], [another, BOB]] as const) {
      gater.denyInboundConnection(pending)
      gater.denyInboundEncryptedConnection(peer, pending)
    }

    expect(gate.offend(connectionOver(offender, ALICE), 'stream-rate')).toBe(true)
    expect(bans).toMatchObject([{ key: ALICE.toString(), peer: ALICE, reason: 'stream-rate' }])
    expect([offender, open, secured, another].map(({ status }) => status)).toEqual(['aborted', 'open', 'aborted', 'open'])
    expect(gater.denyInboundRelayedConnection(RELAY, ALICE)).toBe(true)
    expect(gater.denyInboundRelayedConnection(RELAY, BOB)).toBe(false)
    expect(gater.denyInboundConnection(through(BOB))).toBe(false)
    expect(gater.denyInboundConnection(socket())).toBe(false)
  })

  it('of a trusted, protected or exempt one is none', () => {
    const { gater, gate } = bench({ risk: { threshold: 1 }, networks: { '127.0.0.0/8': Infinity }, trust: [ALICE] })
    const house = new FakeHouse()
    house.protectedPeers.add(BOB.toString())
    gate.attach(house)
    const all = [[ALICE, '/ip4/192.0.2.1/tcp/1'], [BOB, '/ip4/192.0.2.2/tcp/1'], [CAROL, '/ip4/127.0.0.1/tcp/1']] as const

    for (const [peer, address] of all) {
      const one = socket(address)
      enter(gater, one, peer)
      expect(gate.isExempt(connectionOver(one, peer))).toBe(true)
      expect(gate.offend(connectionOver(one, peer), 'stream-rate')).toBe(false)
    }
    expect(gater.inspect().bans).toEqual([])
  })

  it('is lifted by unblocking, and said', async () => {
    const { gater } = bench({ maxConnsPerIp: 0, risk: { threshold: 1 } })
    const lifted: unknown[] = []
    gater.addEventListener('unban', ({ detail }) => { lifted.push(detail) })
    gater.denyInboundConnection(socket())

    expect(await gater.unblockAddress('192.0.2.1')).toBe(true)
    expect(await gater.unblockAddress('192.0.2.1')).toBe(false)
    expect(lifted).toMatchObject([{ key: '192.0.2.1', cause: 'lifted' }])
    expect(gater.inspect().bans).toEqual([])
  })

  it('ends by itself, with an event and no timer left', () => {
    const { gater, clock } = bench({ maxConnsPerIp: 0, risk: { threshold: 1, banTime: 1_000 } })
    const ended: unknown[] = []
    gater.addEventListener('unban', ({ detail }) => { ended.push(detail) })
    gater.denyInboundConnection(socket())

    clock.advance(1_000)
    expect(ended).toMatchObject([{ key: '192.0.2.1', cause: 'ended' }])
    expect(clock.pending).toBe(0)
  })

  it('of many that end one after the other is said each, a second later at most', () => {
    const { gater, clock } = bench({ maxConnsPerIp: 0, risk: { threshold: 1, banTime: 60_000 } })
    const late: number[] = []
    gater.addEventListener('unban', ({ detail: { until, at } }) => { late.push(at - until) })
    for (let n = 0; n < 200; n++) {
      gater.denyInboundConnection(socket(`/ip4/192.0.2.${n}/tcp/1`))
      clock.advance(10)
    }

    clock.advance(61_000)
    expect(late).toHaveLength(200)
    expect(late[0]).toBe(0)
    expect(Math.max(...late)).toBeLessThanOrEqual(1_000)
    expect(new Set(late.map((ms, n) => ms + n * 10)).size).toBe(3)
    expect(clock.pending).toBe(0)
  })

  it.each<[string, (gater: ConnectionGater) => unknown]>([
    ['comes again', gater => gater.denyInboundRelayedConnection(RELAY, BOB)],
    ['is looked at', gater => gater.inspect()],
    ['is unblocked', async gater => gater.unblockPeer(BOB)]
  ])('of a relayed peer ends with an event, once, also when he %s between the end and the timer', (_, ask) => {
    const { gater, gate, clock } = bench({ risk: { threshold: 1, banTime: 1_000 } })
    const ended: unknown[] = []
    gater.addEventListener('unban', ({ detail }) => { ended.push(detail) })
    const one = socket(`/ip4/203.0.113.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit/p2p/${BOB.toString()}`)
    enter(gater, one, BOB)
    gate.offend(connectionOver(one, BOB), 'stream-rate')

    clock.jump(clock.now() + 1_000)
    ask(gater)
    expect(ended).toMatchObject([{ key: BOB.toString(), cause: 'ended' }])
    clock.advance(1_000)
    expect(ended).toHaveLength(1)
  })

  it('is longer each time', () => {
    const { gater, bans, clock } = bench({ maxConnsPerIp: 0, risk: { threshold: 1, banTime: 1_000, maxBanTime: 3_000 } })
    for (let n = 0; n < 3; n++) {
      for (let m = 0; m < 3; m++) gater.denyInboundConnection(socket())
      clock.advance(4_000)
    }

    expect(bans.map(({ until, at }) => until - at)).toEqual([1_000, 2_000, 3_000])
  })
})

describe('a change of risk at run time', () => {
  /** Offends once: a client at its cap comes again. */
  function offend ({ gater }: Pick<ReturnType<typeof bench>, 'gater'>): void {
    expect(gater.denyInboundConnection(socket())).toBe(true)
  }

  it('keeps scores: a lower threshold bans at the next offence', () => {
    const made = bench({ maxConnsPerIp: 0, risk: { threshold: 10 } })
    for (let n = 0; n < 4; n++) offend(made)
    made.gater.setConfig({ risk: { threshold: 5, banTime: 1_000 } })
    expect(made.bans).toEqual([])

    offend(made)
    expect(made.bans).toMatchObject([{ key: '192.0.2.1', until: made.clock.now() + 1_000 }])
  })

  it('keeps bans, which end as they were said to', () => {
    const made = bench({ maxConnsPerIp: 0, risk: { threshold: 1, banTime: 60_000 } })
    offend(made)
    made.gater.setConfig({ risk: false })
    made.clock.advance(59_999)
    expect(made.gater.inspect().bans).toHaveLength(1)

    made.clock.advance(1)
    expect(made.gater.inspect().bans).toEqual([])
    for (let n = 0; n < 100; n++) offend(made)
    expect(made.bans).toHaveLength(1)
  })

  it.each([
    ['an address', 1, () => '/ip4/192.0.2.1/tcp/1'],
    ['a relayed peer', Infinity, () => `/ip4/192.0.2.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit/p2p/${ALICE.toString()}`]
  ])('lets the score of %s fade at the new pace from then on', (_, maxConnsPerIp, address) => {
    const { gater, gate, clock, bans } = bench({ maxConnsPerIp, risk: { threshold: 3, halfLife: 1_000 } })
    const one = socket(address())
    enter(gater, one, ALICE)
    const offend = () => gate.offend(connectionOver(one, ALICE), 'stream-rate')
    offend()
    offend()
    clock.advance(1_000) // two are one
    gater.setConfig({ risk: { threshold: 3, halfLife: Infinity } })
    clock.advance(1_000_000)

    expect(offend()).toBe(false)
    expect(offend()).toBe(true)
    expect(bans).toHaveLength(1)
  })

  it('scores from then on where it was off', () => {
    const made = bench({ maxConnsPerIp: 0, risk: false })
    offend(made)
    made.gater.setConfig({ risk: { threshold: 1 } })
    offend(made)

    expect(made.bans).toHaveLength(1)
  })
})
