import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { nextTurn } from '../../src/clock/next-turn.ts'
import { connectionLimiter } from '../../src/limiter.ts'
import { ALICE, bench, enter, RELAY, socket } from './kit.ts'
import type { ConnectionGaterInit } from '../../src/index.ts'

describe('the default limits', () => {
  it.each([
    ['an IPv4 address', () => '/ip4/192.0.2.1/tcp/1', 8, '192.0.2.1'],
    ['an IPv6 /56', (n: number) => `/ip6/2001:db8:0:${n.toString(16)}::1/tcp/1`, 8, '2001:db8::/56'],
    ['an IPv6 /48', (n: number) => `/ip6/2001:db8:0:${(n * 256).toString(16)}::1/tcp/1`, 64, '2001:db8::/48'],
    ['an IPv4-mapped address', () => '/ip6/::ffff:192.0.2.1/tcp/1', 8, '192.0.2.1'],
    ['a private address', () => '/ip4/10.0.0.1/tcp/1', 8, '10.0.0.1']
  ])('of %s are go-libp2p\'s', (_, address, limit, key) => {
    const { gater, denials } = bench({ networks: undefined as never, maxPendingPerIp: Infinity, maxPending: Infinity })
    const admitted = Array.from({ length: 100 }, (_, n) => gater.denyInboundConnection(socket(address(n)))).filter(denied => denied === false)

    expect(admitted).toHaveLength(limit)
    expect(denials.at(0)).toMatchObject({ reason: 'connection-limit', key, limit })
  })

  it('hold a client to 16 connections at once and one every five seconds', () => {
    const { gater, clock } = bench({ maxPendingPerIp: Infinity, risk: false })
    const come = () => Array.from({ length: 20 }, () => {
      const one = socket()
      const denied = gater.denyInboundConnection(one)
      one.die()
      return denied
    }).filter(denied => denied === false).length

    expect(come()).toBe(16)
    clock.advance(5_000)
    expect(come()).toBe(1)
  })

  it('exempt loopback from caps, rates and pending caps', () => {
    const { gater } = bench({ networks: undefined as never })
    expect(Array.from({ length: 100 }, () => gater.denyInboundConnection(socket('/ip4/127.1.2.3/tcp/1'))).includes(true)).toBe(false)
    expect(gater.inspect().scored).toBe(0)
  })
})

describe('a change at run time', () => {
  it('closes nothing, and newcomers wait until it is below', () => {
    const { gater } = bench()
    const all = Array.from({ length: 3 }, () => socket())
    for (const one of all) enter(gater, one, ALICE)

    gater.setConfig({ maxConnsPerIp: 2 })
    expect(all.map(({ status }) => status)).toEqual(['open', 'open', 'open'])
    expect(gater.config().prefixLimits).toEqual({ ipv4: { 32: 2 }, ipv6: { 56: 2, 48: 16 } })
    expect(gater.numOpen('192.0.2.1')).toBe(3)
    expect(gater.denyInboundConnection(socket())).toBe(true)

    for (const one of all.slice(0, 2)) one.die()
    expect(gater.denyInboundConnection(socket())).toBe(false)
  })

  it.each<[string, ConnectionGaterInit]>([
    ['maxConnsPerPeer', { maxConnsPerPeer: 3 }],
    ['maxPending', { maxPending: 3 }],
    ['maxPendingPerIp', { maxPendingPerIp: 3 }],
    ['maxInbound', { maxInbound: 3 }],
    ['maxOutbound', { maxOutbound: 3 }],
    ['maxPendingOutbound', { maxPendingOutbound: 3 }],
    ['maxConns', { maxConns: 3 }],
    ['maxConnsPerRelay', { maxConnsPerRelay: 3 }],
    ['transportLimits', { transportLimits: { ws: 3 } }],
    ['networks', { networks: { '10.0.0.0/8': 3 } }],
    ['connectRate', { connectRate: false }],
    ['dialPrivate', { dialPrivate: false }],
    ['dialInsecure', { dialInsecure: false }],
    ['checkTimeout', { checkTimeout: 50 }],
    ['onCheckFailed', { onCheckFailed: 'allow' }],
    ['risk', { risk: false }],
    ['risk', { risk: { threshold: 3, halfLife: 1_000, banTime: 2_000, maxBanTime: 3_000, weights: { 'connect-rate': 0 } } }]
  ])('of %s shows in the configuration, and nothing else changes', (name, change) => {
    const { gater } = bench()
    const before = gater.config()
    gater.setConfig(change)

    expect(gater.config()).toEqual({ ...before, [name]: change[name as keyof ConnectionGaterInit] })
    expect(gater.inspect().config).toEqual(gater.config())
  })
})

describe('a connectRate by family', () => {
  const rate = { strategy: 'token-bucket', limit: 200, window: 80_000 } as const

  it('leaves the family that it does not name as it is', () => {
    const { gater } = bench({ connectRate: { ipv4: { 32: rate } } })
    const { ipv6 } = bench().gater.config().connectRate as { ipv6: object }
    expect(gater.config().connectRate).toEqual({ ipv4: { 32: rate }, ipv6 })

    gater.setConfig({ connectRate: { ipv6: {} } })
    expect(gater.config().connectRate).toEqual({ ipv4: { 32: rate }, ipv6: {} })
  })

  it('has no rate for that one where there was none', () => {
    const { gater } = bench({ connectRate: false })
    gater.setConfig({ connectRate: { ipv6: { 56: rate } } })

    expect(gater.config().connectRate).toEqual({ ipv4: {}, ipv6: { 56: rate } })
  })
})

describe('a configuration', () => {
  it('can be set as it is read, and nothing changes', () => {
    const { gater } = bench({ risk: { weights: { 'connect-rate': 2 } }, transportLimits: { ws: 3 }, maxConnsPerIp: 3 })
    const before = gater.config()
    gater.setConfig(before)

    expect(gater.config()).toEqual(before)
  })
})

describe('bad options', () => {
  const bad: Array<[string, unknown, string]> = [
    ['a negative cap', { maxConnsPerIp: -1 }, 'maxConnsPerIp'],
    ['a fraction', { maxPending: 1.5 }, 'maxPending'],
    ['NaN', { maxInbound: NaN }, 'maxInbound'],
    ['text for a number', { maxConnsPerPeer: '8' }, 'maxConnsPerPeer'],
    ['a transport that is none', { transportLimits: { pigeon: 1 } }, 'transportLimits'],
    ['a cap of a transport', { transportLimits: { tcp: -1 } }, 'transportLimits.tcp'],
    ['a prefix length', { prefixLimits: { ipv4: { 33: 1 } } }, 'prefixLimits.ipv4'],
    ['two ways to say one', { maxConnsPerIp: 1, prefixLimits: {} }, 'prefixLimits'],
    ['a rate', { connectRate: { strategy: 'hope', limit: 1, window: 1 } }, 'connectRate.strategy'],
    ['a policy', { dialPrivate: 'yes' }, 'dialPrivate'],
    ['a time-out', { checkTimeout: 0 }, 'checkTimeout'],
    ['a choice', { onCheckFailed: 'maybe' }, 'onCheckFailed'],
    ['a risk', { risk: { threshold: 0 } }, 'risk.threshold'],
    ['nothing for a risk', { risk: null }, 'risk']
  ]
  const badOnce: Array<[string, unknown, string]> = [
    ['a capacity', { capacity: 0 }, 'capacity'],
    ['a limiter', { limiter: {}, networks: undefined }, 'limiter'],
    ['one range for blocks', { blocks: '10.0.0.0/8' }, 'blocks'],
    ['a record of trust', { trust: {} }, 'trust'],
    ['a name that is misspelt', { maxConnPerIp: 1 }, 'init']
  ]

  it.each([...bad, ...badOnce])('%s: %o', (_, init, option) => {
    expect(() => bench(init as ConnectionGaterInit)).toThrow(expect.objectContaining({ name: 'InvalidOptionError', option }))
  })

  it.each([...bad, ['a name that is misspelt', { maxConnPerIp: 1 }, 'change']])('%s at run time: %o changes nothing', (_, change, option) => {
    const { gater } = bench()
    const before = gater.config()

    expect(() => { gater.setConfig({ maxOutbound: 77, ...change as object }) }).toThrow(expect.objectContaining({ option }))
    expect(gater.config()).toEqual(before)
  })

  it('a network that is none', () => {
    expect(() => bench({ networks: { '10.0.0.0/33': 1 } })).toThrow(expect.objectContaining({ name: 'InvalidAddressError' }))
    expect(() => bench({ blocks: ['nowhere'] })).toThrow(expect.objectContaining({ name: 'InvalidAddressError' }))
  })

  it('what can only be given once', () => {
    expect(() => { bench().gater.setConfig({ trust: [] } as never) }).toThrow(expect.objectContaining({ option: 'trust' }))
  })
})

describe('a limiter that is shared with a plain server', () => {
  it('counts both, and its limits rule', () => {
    const limiter = connectionLimiter({ maxConnsPerIp: 2, maxConns: 3 })
    const { gater, denials } = bench({ networks: undefined as never, limiter })
    expect(limiter.accept('192.0.2.1')).toMatchObject({ allow: true })
    expect(gater.denyInboundConnection(socket())).toBe(false)

    expect(gater.denyInboundConnection(socket())).toBe(true)
    expect(limiter.accept('192.0.2.1')).toMatchObject({ allow: false })
    expect(gater.denyInboundConnection(socket('/ip4/198.51.100.1/tcp/1'))).toBe(false)
    expect(gater.denyInboundConnection(socket('/memory/1'))).toBe(true)
    expect(denials.map(({ reason }) => reason)).toEqual(['connection-limit', 'total-limit'])
  })

  it('has one total with the server and other gaters, of connections without an address, too', () => {
    const limiter = connectionLimiter({ maxConns: 2 })
    const [one, other] = [bench({ networks: undefined as never, limiter }), bench({ networks: undefined as never, limiter })]
    const relayed = socket(`/ip4/192.0.2.9/tcp/1/p2p/${RELAY.toString()}/p2p-circuit`)
    const local = socket('/memory/1')
    expect([one, one].map(({ gater }, at) => gater.denyInboundConnection([relayed, local][at]!))).toEqual([false, false])

    expect(limiter.accept('192.0.2.1')).toMatchObject({ allow: false, reason: 'total-limit' })
    expect(other.gater.denyInboundConnection(socket())).toBe(true)
    expect(other.gater.denyInboundConnection(socket('/memory/2'))).toBe(true)
    expect(limiter.inspect().open).toBe(2)

    relayed.die()
    expect(limiter.excess()).toEqual([])
    expect(limiter.accept('192.0.2.1').allow).toBe(true)
    expect(other.gater.denyInboundConnection(socket())).toBe(true)
    local.die()
    expect(limiter.inspect().open).toBe(1)
  })

  it.each([{ maxConnsPerIp: 1 }, { prefixLimits: {} }, { networks: {} }, { maxConns: 1 }, { connectRate: false } as const])('refuses %o beside it', init => {
    expect(() => bench({ networks: undefined as never, limiter: connectionLimiter(), ...init })).toThrow(/limiter is shared/)
    expect(() => { bench({ networks: undefined as never, limiter: connectionLimiter() }).gater.setConfig(init) }).toThrow(/limiter is shared/)
  })

  it('keeps no gater that nobody else keeps', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const limiter = connectionLimiter({ capacity: 1, connectRate: { strategy: 'token-bucket', limit: 1, window: 80_000 } })
    // All parts of a gater have its clock.
    const clocks = Array.from({ length: 10 }, () => new WeakRef(bench({ networks: undefined as never, limiter }).clock))
    // A weak reference holds until the turn in which it was made is over, and marks are swept in the next one.
    for (let n = 0; n < 3; n++) {
      await nextTurn()
      collectGarbage()
    }

    expect(clocks.filter(clock => clock.deref() != null)).toEqual([])
    expect(limiter.accept('192.0.2.1').allow).toBe(true)
    expect(limiter.accept('192.0.2.2').allow).toBe(true)
  })
})
