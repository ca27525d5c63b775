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
