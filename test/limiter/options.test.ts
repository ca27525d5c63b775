import { describe, expect, it } from 'vitest'
import { blockList } from '../../src/limiter/block-list.ts'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { rateLimiter } from '../../src/limiter/rate-limiter.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'

// As from a configuration file or JavaScript, where the compiler has not looked.
const limiterOf = connectionLimiter as (init?: unknown) => ReturnType<typeof connectionLimiter>
const gateOf = securityGate as (init?: unknown) => ReturnType<typeof securityGate>
const rate = { strategy: 'cooldown', limit: 1, window: 1_000 }
const of = (names: string, received: string) => `it must be an object whose keys are among ${names}, received "${received}"`
const RATE = 'strategy, limit, window'

describe('a name that is no option is refused', () => {
  it.each<[string, () => unknown, string, string]>([
    ['prefixLimits', () => limiterOf({ prefixLimits: { v4: { 32: 5 } } }), 'prefixLimits', of('ipv4, ipv6', 'v4')],
    ['a change of them', () => { limiterOf().setConfig({ prefixLimits: { v4: {} } } as object) }, 'prefixLimits', of('ipv4, ipv6', 'v4')],
    ['a connectRate by family', () => limiterOf({ connectRate: { ipv4: {}, v6: {} } }), 'connectRate', of('ipv4, ipv6', 'v6')],
    ['a connectRate of no family', () => limiterOf({ connectRate: { v4: {} } }), 'connectRate', of(RATE, 'v4')],
    ['a connectRate', () => limiterOf({ connectRate: { ...rate, limmit: 1 } }), 'connectRate', of(RATE, 'limmit')],
    ['a gate\'s connectRate', () => gateOf({ connectRate: { limmit: 1 } }), 'connectRate', of(RATE, 'limmit')],
    ['its requestRate', () => gateOf({ requestRate: { limmit: 1 } }), 'requestRate', of(RATE, 'limmit')],
    ['a change of it', () => { gateOf().setRequestRate({ limmit: 1 } as object) }, 'requestRate', of(RATE, 'limmit')],
    ['a rate limiter\'s rate', () => rateLimiter({ ...rate, limmit: 1 } as never), 'rate', of(RATE, 'limmit')],
    ['the init of a limiter', () => limiterOf({ maxConn: 1 }), 'init', 'received "maxConn"'],
    ['a change of a limiter', () => { limiterOf().setConfig({ maxConn: 1 } as object) }, 'change', 'received "maxConn"'],
    ['a change of a gate', () => { gateOf().setConfig({ maxConn: 1 } as object) }, 'change', of('maxConnsPerIp, prefixLimits, networks, maxConns, onUnknownAddress, maxUnknown', 'maxConn')],
    ['a change of a gate\'s rate among its caps', () => { gateOf().setConfig({ connectRate: rate } as object) }, 'change', 'received "connectRate"'],
    ['a block', () => blockList().blockAddress('192.0.2.1', { tll: 5 } as object), 'options', of('ttl, reason', 'tll')],
    ['a block of a subnet', () => blockList().blockSubnet('192.0.2.0/24', { tll: 5 } as object), 'options', of('ttl, reason', 'tll')]
  ])('in %s', (_, act, option, message) => {
    expect(act).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option, message: expect.stringContaining(message) }))
  })
})

describe('what is refused is told with its rule', () => {
  const listener = () => {}

  it.each<[string, () => unknown, string, string]>([
    ['a time without an end', () => gateOf({ idleTimeout: -1 }), 'idleTimeout', 'a number of milliseconds above 0, or Infinity'],
    ['risk', () => gateOf({ risk: true }), 'risk', 'an object, or false'],
    ['a gate\'s connectRate', () => gateOf({ connectRate: true }), 'connectRate', 'an object, or false'],
    ['a limiter\'s connectRate', () => limiterOf({ connectRate: true }), 'connectRate', 'an object, or false'],
    ['a limiter\'s trust', () => limiterOf({ trust: '10.0.0.0/8' }), 'trust', 'an array of addresses and CIDRs'],
    ['a gate\'s trust', () => gateOf({ trust: '10.0.0.0/8' }), 'trust', 'an array of addresses and CIDRs'],
    ['a path\'s rate', () => { gateOf().setPathRate('/a', { limit: 5 }) }, 'pathRates[\'/a\'].strategy', 'one of'],
    ['a path\'s rate that is none', () => { gateOf({ pathRates: { '/a': rate } }).setPathRate('/a', true as never) }, 'pathRates[\'/a\']', 'an object, or false'],
    ['two texts of one network', () => limiterOf({ networks: { '10.0.0.0/8': 5, '10.1.2.3/8': 7 } }), 'networks[\'10.1.2.3/8\']', 'another range than 10.0.0.0/8, which has a cap already'],
    ['a gate\'s event', () => { gateOf().addEventListener('denied' as never, listener) }, 'type', 'one of \'deny\', \'ban\', \'unban\''],
    ['a gate\'s event to forget', () => { gateOf().removeEventListener('denied' as never, listener) }, 'type', 'one of'],
    ['a limiter\'s event', () => { limiterOf().addEventListener('denied' as never, listener) }, 'type', 'one of \'deny\''],
    ['a limiter\'s event to forget', () => { limiterOf().removeEventListener('denied' as never, listener) }, 'type', 'one of \'deny\''],
    ['a gate\'s listener', () => { gateOf().addEventListener('deny', undefined as never) }, 'listener', 'a function'],
    ['a ban\'s reason', () => gateOf().banAddress('192.0.2.1', 1, 429 as never), 'reason', 'a text'],
    ['a block\'s reason', () => blockList().blockAddress('192.0.2.1', { reason: {} as never }), 'reason', 'a text'],
    ['the lease of a denial', () => limiterOf().wrap(new EventTarget(), undefined as never), 'lease.release', 'a function'],
    ['a limiter\'s listener', () => { limiterOf().addEventListener('deny', {} as never) }, 'listener', 'a function']
  ])('%s', (_, act, option, rule) => {
    expect(act).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option, message: expect.stringContaining(`it must be ${rule}`) }))
  })

  it('a list that is no text, and the old one stays', async () => {
    const list = blockList()
    await list.load('192.0.2.0/24')

    await expect(list.load(Buffer.from('198.51.100.0/24') as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'text' })
    expect(list.size).toBe(1)
  })
})

describe('what is undefined is not given', () => {
  it.each([
    [{ risk: { banTime: undefined, threshold: undefined, weights: undefined } }],
    [{ connectRate: { limit: undefined, strategy: undefined } }],
    [{ requestRate: { window: undefined } }],
    [{ trust: undefined, idleTimeout: undefined, pathRates: undefined, clientRequestRate: undefined }]
  ])('in %j', init => {
    expect(gateOf(init).config()).toEqual(gateOf().config())
  })

  it('in a change', () => {
    const gate = gateOf({ pathRates: { '/a': rate } })
    const before = gate.config()
    gate.setRequestRate({ limit: undefined } as object)
    gate.setConnectRate({ strategy: undefined } as object)
    gate.setPathRate('/a', { window: undefined } as object)

    expect(gate.config()).toEqual(before)
  })
})
