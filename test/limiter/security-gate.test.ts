import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { EMPTY } from '../support/empty.ts'
import type { SecurityGateInit } from '../../src/limiter/gate-options.ts'
import type { Rate } from '../../src/limiter/rate.ts'
import type { GateEvents } from '../../src/limiter/gate-contract.ts'
import type { Verdict } from '../../src/limiter/verdict.ts'

const IP = '192.0.2.1'
const rate = (limit: number, seconds = 1, strategy: Rate['strategy'] = 'fixed-window'): Rate => ({ strategy, limit, window: seconds * 1_000 })

/** A admitted, D dropped, C closed. */
function letter (verdict: Verdict): string {
  return verdict.allow ? 'A' : verdict.action === 'drop' ? 'D' : 'C'
}

function gateWith (init: SecurityGateInit = {}) {
  const clock = fakeClock()
  const gate = securityGate({ clock, ...init })
  const events: Array<{ [Type in keyof GateEvents]: { readonly type: Type, readonly detail: GateEvents[Type] } }[keyof GateEvents]> = []
  for (const type of ['deny', 'ban', 'unban'] as const) gate.addEventListener(type, event => { events.push(event as typeof events[number]) })
  let ids = 0

  return {
    gate,
    clock,
    events,
    connect: (ip = IP): Verdict => gate.allowConnect(ip, ++ids),
    connects: (times: number, ip = IP): string => Array.from({ length: times }, () => letter(gate.allowConnect(ip, ++ids))).join(''),
    requests: (times: number, id: unknown = 'id', path = '/'): string => Array.from({ length: times }, () => letter(gate.allowRequest(id, path))).join('')
  }
}

describe('the connect stage', () => {
  it('asks for a ban, then for a place, then for the rate, and only then registers', () => {
    const { gate, connect, connects, clock } = gateWith({ maxConnsPerIp: 3, connectRate: rate(5, 10) })
    expect(connects(3)).toBe('AAA')
    expect(connect()).toMatchObject({ allow: false, action: 'close', reason: 'connection-limit', limit: 3 })
    for (const id of [1, 2, 3]) gate.release(id)
    expect(connects(2)).toBe('AA')
    expect(connect()).toMatchObject({ reason: 'connect-rate', limit: 5, retryAfter: 10_000 })
    gate.banAddress(IP, 1_000)
    expect(connect()).toMatchObject({ reason: 'banned', retryAfter: 1_000, key: IP })
    expect(gate.numOpen(IP)).toBe(2)
    clock.advance(10_000)
    expect(connects(1)).toBe('A')
  })

  it('turns away as it refuses to connect, without an id, and registers nobody', () => {
    const { gate, events, connect } = gateWith({ maxConnsPerIp: 1, risk: { threshold: 2 } })

    expect([gate.turnAway(IP), gate.turnAway(IP), gate.inspect().open]).toEqual([undefined, undefined, 0])
    expect(connect().allow).toBe(true)
    expect([1, 2, 3].map(() => gate.turnAway(IP)?.reason)).toEqual(['connection-limit', 'connection-limit', 'banned'])
    expect(events.filter(({ type }) => type === 'deny').map(({ detail }) => detail)).toMatchObject([{ stage: 'connect', id: undefined }, {}, { id: undefined }])
    expect(gate.inspect()).toMatchObject({ open: 1, denied: { 'connection-limit': 2, 'banned': 1 }, bans: [{ key: IP }] })
    expect(gate.release(undefined)).toBe(false)
  })

  it('spends no connect rate on who finds no place', () => {
    const { gate, connects } = gateWith({ maxConnsPerIp: 1, connectRate: rate(2, 10), risk: false })
    expect(connects(50)).toBe('A' + 'C'.repeat(49))
    gate.release(1)
    expect(connects(1)).toBe('A')
  })

  it('changes nothing for an id that is registered', () => {
    const { gate } = gateWith()
    expect(gate.allowConnect(IP, 'id').allow).toBe(true)
    expect(gate.allowConnect('198.51.100.1', 'id')).toEqual({ allow: false, action: 'close', reason: 'duplicate-id' })
    expect([gate.numOpen(IP), gate.numOpen('198.51.100.1')]).toEqual([1, 0])
    expect([gate.release('id'), gate.release('id'), gate.numOpen(IP)]).toEqual([true, false, 0])
  })

  it('names who has to go after a cap was lowered, and lets nobody go', () => {
    const { gate, connects } = gateWith()
    connects(3)
    expect(gate.excess()).toEqual([])
    gate.setConfig({ maxConnsPerIp: 1 })
    expect([gate.excess(), gate.numOpen(IP)]).toEqual([[2, 3], 3])
  })

  it('refuses everyone at a cap of 0', () => {
    expect(gateWith({ maxConnsPerIp: 0 }).connect()).toMatchObject({ reason: 'connection-limit', limit: 0 })
  })

  it('gives unknown addresses one shared key', () => {
    const { gate, connects } = gateWith({ maxConnsPerIp: 1, maxUnknown: 2 })
    expect(connects(3, '/tmp/socket')).toBe('AAC')
    expect(gate.allowRequest(1, '/')).toEqual({ allow: true })
    expect(gateWith({ onUnknownAddress: 'deny' }).connect('nobody')).toMatchObject({ reason: 'unknown-address' })
  })

  it('counts a rate given with the call by itself', () => {
    const { gate, connects } = gateWith({ connectRate: rate(1, 10) })
    expect(connects(1)).toBe('A')

    expect(gate.allowConnect(IP, 'a', { rate: rate(2, 10) })).toEqual({ allow: true })
    expect(gate.allowConnect(IP, 'b', { rate: rate(2, 10) })).toEqual({ allow: true })
    expect(gate.allowConnect(IP, 'c', { rate: rate(2, 10) })).toMatchObject({ reason: 'connect-rate', limit: 2 })
  })
})

describe('the original gate\'s traces', () => {
  it('refuses the seventh connection in a second, and later ones until a second after the sixth', () => {
    const { connects, clock } = gateWith({ risk: false })
    expect(connects(8)).toBe('AAAAAACC')
    clock.advance(999)
    expect(connects(1)).toBe('C')
    clock.advance(1)
    expect(connects(1)).toBe('A')
  })

  it('bans for ten minutes at the tenth refusal of the rate', () => {
    const { gate, connects, clock } = gateWith({ connectRate: rate(1, 1_000) })
    expect(connects(10)).toBe('ACCCCCCCCC')
    expect(gate.isBanned(IP)).toBe(false)
    connects(1)
    expect(gate.isBanned(IP)).toBe(true)
    clock.advance(599_999)
    expect(gate.isBanned(IP)).toBe(true)
    clock.advance(1)
    expect(gate.isBanned(IP)).toBe(false)
  })

  it('bans for too many connections, too, where the original only scores them', () => {
    const { gate, connects } = gateWith({ maxConnsPerIp: 1 })
    connects(11)

    expect(gate.isBanned(IP)).toBe(true)
  })

  it('does not ban again at the first offence after a ban, where the original does for ever', () => {
    const { gate, connects, clock } = gateWith({ connectRate: rate(1, 10_000) })
    connects(11)
    clock.advance(600_000)
    expect(connects(4)).toBe('CCCC')
    expect(gate.isBanned(IP)).toBe(false)
    connects(1)
    expect(gate.isBanned(IP)).toBe(true)
  })

  it('drops two requests and closes from the third, and bans at the tenth close (the original: fifteenth)', () => {
    const { gate, requests, events } = gateWith({ requestRate: rate(1, 1_000) })
    gate.allowConnect(IP, 'id')

    expect(requests(12)).toBe('ADDCCCCCCCCC')
    expect(gate.isBanned(IP)).toBe(false)
    expect(requests(1)).toBe('C')
    expect(gate.isBanned(IP)).toBe(true)
    expect(events.filter(({ type }) => type === 'ban')).toMatchObject([{ detail: { key: IP, reason: 'request-rate', automatic: true } }])
    expect(gate.allowRequest('id', '/')).toMatchObject({ reason: 'banned', action: 'close' })
  })

  it('closes at once for a path, and bans for it, where the original never does', () => {
    const { gate, requests } = gateWith({ pathRates: { '/login': rate(1, 1_000) } })
    gate.allowConnect(IP, 'id')

    expect(requests(10, 'id', '/login')).toBe('ACCCCCCCCC')
    expect(gate.isBanned(IP)).toBe(false)
    requests(1, 'id', '/login')
    expect(gate.isBanned(IP)).toBe(true)
  })

  it('spends no request quota where the path refuses, as the original does', () => {
    const { gate, requests } = gateWith({ requestRate: rate(3, 1_000), pathRates: { '/login': rate(1, 1_000) } })
    gate.allowConnect(IP, 'id')

    expect(requests(4, 'id', '/login')).toBe('ACCC')
    expect(requests(3)).toBe('AAD')
  })

  it('closes for an unknown id and an unknown client, and makes no entry', () => {
    const { gate } = gateWith()

    expect(gate.allowRequest('nobody', '/')).toEqual({ allow: false, action: 'close', reason: 'unknown-id' })
    expect(gate.detectIdle('nobody')).toBe(false)
    expect(gate.release('nobody')).toBe(false)
    expect(gate.inspect()).toMatchObject({ open: 0, scored: 0, denied: { 'unknown-id': 1 } })
  })

  it('keeps the later end of two bans, and lifts one without forgetting the score', () => {
    const { gate, clock } = gateWith()
    expect(gate.banAddress(IP, 60_000)).toBe(true)
    expect(gate.banAddress(IP, 1_000)).toBe(false)
    clock.advance(59_999)
    expect(gate.isBanned(IP)).toBe(true)
    expect(gate.banAddress(IP, Infinity, 'for good')).toBe(true)
    clock.advance(1e12)
    expect(gate.isBanned(IP)).toBe(true)
    expect(gate.inspect().bans).toMatchObject([{ key: IP, until: Infinity, reason: 'for good', automatic: false }])
    expect([gate.unbanAddress(IP), gate.unbanAddress(IP)]).toEqual([true, false])
  })

  it('bans for a day what the original silently clamps to 18 hours', () => {
    const { gate, clock } = gateWith()
    gate.banAddress(IP, 86_400_000)
    clock.advance(86_399_999)

    expect(gate.isBanned(IP)).toBe(true)
  })
})

describe('the request stage', () => {
  it('forgets violations after one window without any', () => {
    const { gate, requests, clock } = gateWith({ requestRate: rate(1, 10, 'token-bucket') })
    gate.allowConnect(IP, 'id')
    expect(requests(3)).toBe('ADD')
    clock.advance(9_999)
    expect(requests(1)).toBe('C')
    clock.advance(10_000)
    expect(requests(4)).toBe('ADDC')
  })

  it('drops as often as told', () => {
    const { gate, requests } = gateWith({ requestRate: rate(1, 10), dropsBeforeClose: 0 })
    gate.allowConnect(IP, 'id')

    expect(requests(2)).toBe('AC')
  })

  it('limits a client by all of its connections, so that reconnecting resets nothing', () => {
    const { gate, requests } = gateWith({ maxConnsPerIp: 2, requestRate: rate(3, 10), connectRate: false, risk: false })
    const verdicts = Array.from({ length: 10 }, (_, at) => {
      gate.allowConnect(IP, at)
      const answer = requests(3, at)
      gate.release(at)
      return answer
    })

    expect(verdicts).toEqual(['AAA', 'AAA', ...Array.from({ length: 8 }, () => 'DDC')])
    gate.allowConnect('198.51.100.1', 'other')
    expect(requests(3, 'other')).toBe('AAA')
  })

  it.each([
    ['192.0.2.1', 'AAAAAADDDD'],
    ['2001:db8::1', 'AAADDDDDDD']
  ])('limits %s by what a client of its family may have open', (ip, expected) => {
    const { gate, requests } = gateWith({ prefixLimits: { ipv4: { 32: 2 }, ipv6: { 56: 1 } }, requestRate: rate(3, 10), connectRate: false, dropsBeforeClose: 9 })
    const answers = Array.from({ length: 10 }, (_, id) => {
      gate.allowConnect(ip, id)
      const answer = requests(1, id)
      gate.release(id)
      return answer
    })

    expect(answers.join('')).toBe(expected)
  })

  it('forgets violations of a family\'s client rate after one window of that', () => {
    const { gate, requests, clock } = gateWith({ clientRequestRate: { ipv4: rate(1, 1), ipv6: rate(1, 10) } })
    gate.allowConnect('2001:db8::1', 'id')
    expect(requests(3)).toBe('ADD')
    clock.advance(9_999)
    expect(requests(1)).toBe('C')
  })

  it.each([['an address', IP], ['no address', undefined]])('names no key where it is the connection\'s own rate, of %s', (_, ip) => {
    const { gate } = gateWith({ requestRate: rate(1, 10) })
    gate.allowConnect(ip, 'id')
    gate.allowRequest('id', '/')

    expect(gate.allowRequest('id', '/')).toStrictEqual({ allow: false, action: 'drop', reason: 'request-rate', limit: 1, retryAfter: 10_000 })
  })

  it('takes clientRequestRate where it is given', () => {
    const { gate, requests } = gateWith({ clientRequestRate: rate(2, 10) })
    gate.allowConnect(IP, 'id')

    expect(requests(2)).toBe('AA')
    expect(gate.allowRequest('id', '/')).toMatchObject({ action: 'drop', reason: 'client-request-rate', limit: 2, retryAfter: 10_000, key: IP })
  })

  it('is not derived anew where it was given', () => {
    const { gate } = gateWith({ clientRequestRate: rate(2, 10) })
    gate.setRequestRate({ limit: 5 })
    gate.setConfig({ maxConnsPerIp: 3 })

    expect(gate.config().clientRequestRate).toEqual(rate(2, 10))
  })

  it('holds a path\'s quota per client, over all of its connections', () => {
    const { gate, requests } = gateWith({ pathRates: { '/login': rate(2, 10) } })
    gate.allowConnect(IP, 'a')
    gate.allowConnect(IP, 'b')
    gate.allowConnect('198.51.100.1', 'c')

    expect(requests(2, 'a', '/login')).toBe('AA')
    expect(gate.allowRequest('b', '/login')).toMatchObject({ action: 'close', reason: 'path-rate', limit: 2, key: IP })
    expect(requests(1, 'c', '/login')).toBe('A')
    expect(requests(1, 'b', '/logout')).toBe('A')
  })

  it.each<[string, SecurityGateInit, string, number]>([
    ['of its connection and its client', { requestRate: rate(1), clientRequestRate: rate(1, 10) }, 'request-rate', 10_000],
    ['of its connection and the path', { requestRate: rate(1), pathRates: { '/': rate(1, 60) } }, 'request-rate', 60_000],
    ['of its client and the path', { requestRate: false, clientRequestRate: rate(1, 10), pathRates: { '/': rate(1, 60) } }, 'client-request-rate', 60_000],
    ['of a path that is a shorter one', { requestRate: rate(1, 10), pathRates: { '/': rate(1) } }, 'request-rate', 10_000]
  ])('says when all quotas have something left again, %s', (_, init, reason, retryAfter) => {
    const { gate, clock, requests } = gateWith({ dropsBeforeClose: 9, ...init })
    gate.allowConnect(IP, 'id')
    expect(requests(1)).toBe('A')
    expect(gate.allowRequest('id', '/')).toMatchObject({ reason, retryAfter })

    clock.advance(retryAfter - 1)
    expect(gate.allowRequest('id', '/')).toMatchObject({ allow: false, retryAfter: 1 })
    clock.advance(1)
    expect(requests(1)).toBe('A')
  })

  it('has no time to wait for where one of several quotas never has anything', () => {
    const { gate, requests } = gateWith({ requestRate: rate(1), clientRequestRate: false, pathRates: { '/closed': rate(0) } })
    gate.allowConnect(IP, 'id')
    expect(requests(1)).toBe('A')

    expect(gate.allowRequest('id', '/closed')).toEqual({ allow: false, action: 'drop', reason: 'request-rate', limit: 1 })
  })

  it.each([
    ['/login', '/login?x=1'], ['/login', '/login#top'], ['/login', '/login/'], ['/login', '//login'], ['/login', '/./login'], ['/login', '/a/../login'], ['/login', '/%6Cogin'],
    ['/api/', '/api'], ['/api/', '/api/users/1'], ['/users/*', '/users/42'], ['/users/*/posts', '/users/42/posts/'], ['/', '/anything']
  ])('finds the rule %s for %s', (rule, path) => {
    const { gate, requests } = gateWith({ pathRates: { [rule]: rate(1, 10) } })
    gate.allowConnect(IP, 'id')

    expect(requests(2, 'id', path)).toBe('AC')
  })

  it.each([
    ['/login', '/login2'], ['/login', '/Login'], ['/api/', '/apis'], ['/users/*', '/users/'], ['/users/*', '/users/42/posts'], ['/login', '/%2Flogin']
  ])('does not find the rule %s for %s', (rule, path) => {
    const { gate, requests } = gateWith({ pathRates: { [rule]: rate(1, 10) } })
    gate.allowConnect(IP, 'id')

    expect(requests(2, 'id', path)).toBe('AA')
  })

  it('takes the most specific rule alone', () => {
    const { gate, requests } = gateWith({ pathRates: { '/api/': rate(1, 10), '/api/v1/': rate(2, 10), '/api/v1/*': rate(3, 10), '/api/v1/me': rate(4, 10) } })
    gate.allowConnect(IP, 'id')

    expect(['/api/x', '/api/v1/x/y', '/api/v1/x', '/api/v1/me'].map(path => requests(5, 'id', path).indexOf('C'))).toEqual([1, 2, 3, 4])
  })

  it('counts a rate given with the call by itself, and refuses more than sixteen of them', () => {
    const { gate } = gateWith()
    gate.allowConnect(IP, 'id')
    const ask = (limit: number): Verdict => gate.allowRequest('id', '/', { rate: rate(limit) })

    expect([ask(1), ask(1)]).toMatchObject([{ allow: true }, { allow: false, reason: 'request-rate', limit: 1 }])
    for (let limit = 2; limit <= 16; limit++) expect(ask(limit).allow).toBe(true)
    expect(() => ask(17)).toThrow('Could not use the option rate')
    expect(gate.release('id')).toBe(true)
  })

  it('names what is left', () => {
    const { gate, requests } = gateWith({ maxConnsPerIp: 2, requestRate: rate(10, 10), pathRates: { '/login': rate(3, 60) } })
    gate.allowConnect(IP, 'id')
    requests(2, 'id', '/login')

    expect(gate.quota('id', '/login')).toEqual({
      connection: { limit: 10, remaining: 8, resetAfter: 10_000, window: 10_000 },
      client: { limit: 20, remaining: 18, resetAfter: 10_000, window: 10_000 },
      path: { limit: 3, remaining: 1, resetAfter: 60_000, window: 60_000 }
    })
    gate.allowRequest('id', '/', { rate: rate(5, 10) })
    expect(gate.quota('id', '/', { rate: rate(5, 10) })).toMatchObject({ connection: { limit: 5, remaining: 4 }, client: { remaining: 17 } })
    expect(gate.quota('id')).toMatchObject({ connection: { remaining: 8 } })
    expect(gate.quota('id')).not.toHaveProperty('path')
    expect(gate.quota('nobody')).toBeUndefined()
  })

  it('names what is left of the quota that all unknown addresses share', () => {
    const { gate, requests } = gateWith({ maxConnsPerIp: 2, requestRate: rate(10, 10), onUnknownAddress: 'allow' })
    for (const id of ['a', 'b']) gate.allowConnect('nobody', id)
    requests(3, 'a')

    expect(gate.quota('b')).toMatchObject({ connection: { limit: 10, remaining: 10 }, client: { limit: 160, remaining: 157 } })
    gate.setRequestRate({ limit: 1 })
    expect(gate.quota('b')).toMatchObject({ client: { limit: 16, remaining: 13 } })
    for (let id = 0; id < 13; id++) {
      gate.allowConnect('nobody', id)
      requests(1, id)
    }
    expect(gate.allowRequest('b', '/')).toMatchObject({ reason: 'overflow-limit', limit: 16 })
  })

  it.each([
    ['the connection, then the client, then the path', 2, 2, 2, 'request-rate'],
    ['the client before the path', 3, 2, 2, 'client-request-rate'],
    ['the path alone', 3, 3, 2, 'path-rate']
  ])('where several are short, names %s', (_, own, client, path, reason) => {
    const { gate, requests } = gateWith({ requestRate: rate(own, 10), clientRequestRate: rate(client, 10), pathRates: { '/login': rate(path, 60) } })
    gate.allowConnect(IP, 'id')

    expect(requests(2, 'id', '/login')).toBe('AA')
    expect(gate.allowRequest('id', '/login')).toMatchObject({ reason })
    expect(gate.quota('id', '/login')).toMatchObject({ connection: { remaining: own - 2 }, client: { remaining: client - 2 }, path: { remaining: 0 } })
  })
})

describe('trust and unlimited networks', () => {
  it.each([
    ['trusted clients', { trust: ['192.0.2.0/24'] }],
    ['clients of an unlimited network', { networks: { '192.0.2.0/24': Infinity } }]
  ])('leaves %s alone, unless somebody bans them by hand', (_, init) => {
    const { gate, connects, requests, clock } = gateWith({ maxConnsPerIp: 1, connectRate: rate(1), requestRate: rate(1), pathRates: { '/': rate(1) }, ...init })

    expect(connects(20)).toBe('A'.repeat(20))
    expect(requests(20, 1)).toBe('A'.repeat(20))
    expect(gate.inspect()).toMatchObject({ open: 20, scored: 0 })
    gate.banAddress(IP, 1_000)
    expect(connects(1)).toBe('C')
    expect(requests(1, 1)).toBe('C')
    clock.advance(1_000)
    expect(connects(1)).toBe('A')
  })
})

describe('a ban by hand', () => {
  it('that is shorter than an automatic one holds for a trusted client, too, up to the later end', () => {
    const { gate, connects, clock, events } = gateWith({ maxConnsPerIp: 1, risk: { threshold: 1, banTime: 60_000 } })
    connects(2)
    gate.trust(IP)
    expect(connects(1)).toBe('A')

    expect([gate.banAddress(IP, 1_000, 'by hand'), gate.banAddress(IP, 1_000, 'again')]).toEqual([true, false])
    expect(gate.inspect().bans).toMatchObject([{ automatic: false, reason: 'by hand', until: clock.now() + 60_000 }])
    expect(events.filter(({ type }) => type === 'ban')).toHaveLength(2)
    clock.advance(59_999)
    expect(connects(1)).toBe('C')
    clock.advance(1)
    expect(connects(1)).toBe('A')
  })
})

describe('remotes', () => {
  it('are texts, sockets, parsed addresses, or nothing', () => {
    const { gate } = gateWith({ maxUnknown: 3 })
    const remotes = [IP, { remoteAddress: '::ffff:192.0.2.1' }, { family: 4 as const, bits: 0xc0000201 }, undefined, {}, { remoteAddress: undefined }]

    expect(remotes.map((remote, id) => letter(gate.allowConnect(remote, id))).join('')).toBe('AAAAAA')
    expect([gate.numOpen(IP), gate.numOpen(undefined)]).toEqual([3, 3])
    expect(gate.allowConnect(undefined, 'one more')).toMatchObject({ reason: 'connection-limit', limit: 3, key: '(unknown)' })
    expect(gate.isBanned(undefined)).toBe(false)
  })

  it('can be trusted later, and no more', () => {
    const { gate, connects } = gateWith({ maxConnsPerIp: 1, risk: false })
    expect(connects(2)).toBe('AC')
    expect([gate.trust('192.0.2.0/24'), gate.trust('192.0.2.0/24')]).toEqual([true, false])
    expect(connects(2)).toBe('AA')
    expect(gate.untrust('192.0.2.0/24')).toBe(true)
    expect(connects(1)).toBe('C')
    expect(gate.numOpen(IP)).toBe(3)
  })

  it('leave the limits of their neighbourhood to others while they are trusted', () => {
    const { gate, connects } = gateWith({ prefixLimits: { ipv4: { 32: 9, 24: 1 } } })
    expect([connects(1), connects(1, '192.0.2.2')]).toEqual(['A', 'C'])
    gate.trust(IP)
    expect(connects(2, '192.0.2.2')).toBe('AC')
    gate.release(3)
    gate.untrust(IP)

    expect(connects(1, '192.0.2.2')).toBe('C')
  })
})

describe('offences', () => {
  it('are those against a client\'s own limits only', () => {
    const { gate, connects } = gateWith({ prefixLimits: { ipv4: { 32: 100, 24: 1 }, ipv6: { 56: 100, 48: 1 } }, maxConns: 3 })
    connects(1, '10.0.0.1')
    connects(50, '10.0.0.2')
    connects(1, '2001:db8::1')
    connects(50, '2001:db8:0:100::1')
    connects(1, '10.0.1.1')
    connects(50, '10.0.2.1')

    expect(gate.inspect()).toMatchObject({ scored: 0, bans: [], denied: { 'connection-limit': 100, 'total-limit': 50 } })
  })

  it('are never those of coarser keys', () => {
    const { gate, connects } = gateWith({ maxConnsPerIp: 1, capacity: 16, connectRate: false })
    for (let net = 0; net < 16; net++) connects(1, `10.${net}.0.1`)
    connects(50, '172.16.0.1')

    expect(gate.inspect()).toMatchObject({ scored: 0, denied: { 'overflow-limit': 42 } })
  })

  it.each([
    ['a path', { pathRates: { '/login': rate(2, 60) } }, { action: 'close', limit: 16 }],
    ['a client\'s requests', { clientRequestRate: rate(2, 60) }, { action: 'drop', limit: 16 }]
  ])('are never those of coarser keys: the requests of %s', (_, init, denied) => {
    const { gate, requests } = gateWith({ capacity: 16, ...init })
    for (let net = 0; net < 16; net++) {
      gate.allowConnect(`10.${net}.0.1`, net)
      requests(1, net, '/login')
    }
    gate.allowConnect('172.16.0.1', 'id')

    expect(requests(16, 'id', '/login')).toBe('A'.repeat(16))
    expect(gate.allowRequest('id', '/login')).toMatchObject({ reason: 'overflow-limit', key: '172.16.0.0/24', ...denied })
    expect([requests(50, 'id', '/login').includes('A'), gate.inspect().scored]).toEqual([false, 0])
  })

  it('are not scored with risk: false, and bans by hand still hold', () => {
    const { gate, connects } = gateWith({ maxConnsPerIp: 1, risk: false })
    connects(50)

    expect(gate.isBanned(IP)).toBe(false)
    expect(gate.banAddress(IP, 1)).toBe(true)
    expect(gate.isBanned(IP)).toBe(true)
  })

  it('are forgotten with their score, and then hold no entry', () => {
    const { gate, clock, connects } = gateWith({ capacity: 32, connectRate: rate(1, 3_600), risk: { halfLife: 1_000 } })
    expect(connects(2)).toBe('AC')
    gate.release(1)
    connects(1, '192.0.2.2')
    expect(gate.inspect().scored).toBe(1)
    // A /16 has two places, and the other one is live.
    connects(1, '192.0.2.3')
    expect(connects(1)).toBe('C')
    clock.advance(20_000)
    expect(gate.inspect().scored).toBe(0)
    connects(1, '192.0.2.4')

    expect(gate.turnAway('192.0.2.4')).toMatchObject({ reason: 'connect-rate' })
  })

  it('weigh what they are told to', () => {
    const { gate, connects } = gateWith({ maxConnsPerIp: 1, risk: { threshold: 6, weights: { 'connection-limit': 3 }, banTime: 5_000 } })
    connects(3)

    expect(gate.inspect().bans).toMatchObject([{ key: IP, reason: 'connection-limit' }])
  })
})

describe('idle connections', () => {
  it('are those without an admitted request for longer than the time-out', () => {
    const { gate, requests, clock } = gateWith({ requestRate: rate(1, 1_000), idleTimeout: 10_000 })
    for (const id of ['a', 'b', 'c']) gate.allowConnect(IP, id)
    clock.advance(5_000)
    requests(1, 'b')
    clock.advance(5_000)
    expect(requests(1, 'b')).toBe('D')
    expect([gate.sweepIdle(), gate.detectIdle('a')]).toEqual([[], false])
    clock.advance(1)

    expect(gate.sweepIdle()).toEqual(['a', 'c'])
    expect(['a', 'b', 'c'].map(id => gate.detectIdle(id))).toEqual([true, false, true])
    gate.release('a')
    expect(gate.sweepIdle()).toEqual(['c'])
    clock.advance(5_000)
    expect(gate.sweepIdle()).toEqual(['c', 'b'])
  })

  it('never are at Infinity, nor after the clock jumped back', () => {
    const { gate, clock } = gateWith({ idleTimeout: Infinity })
    gate.allowConnect(IP, 'id')
    clock.advance(1e12)
    expect(gate.sweepIdle()).toEqual([])

    const other = gateWith({ idleTimeout: 1_000 })
    other.gate.allowConnect(IP, 'id')
    other.clock.jump(1)
    expect(other.gate.detectIdle('id')).toBe(false)
    other.clock.advance(1_001)
    expect(other.gate.detectIdle('id')).toBe(true)
  })
})

describe('changes at run time', () => {
  it.each(['cooldown', 'fixed-window', 'sliding-window', 'token-bucket'] as const)('convert what is used to %s, and free nobody', strategy => {
    const { gate, connects, requests } = gateWith({ connectRate: rate(2, 10), requestRate: rate(2, 10), pathRates: { '/login': rate(1, 10) }, risk: false })
    gate.allowConnect(IP, 'id')
    connects(1)
    requests(1, 'id', '/login')
    requests(1)
    gate.setConnectRate({ strategy })
    gate.setRequestRate({ strategy })
    gate.setPathRate('/login', { strategy })

    expect(connects(1)).toBe('C')
    expect(requests(1)).toBe('D')
    gate.setRequestRate({ limit: 3 })
    expect(gate.allowRequest('id', '/login')).toMatchObject({ reason: 'path-rate' })
    expect(requests(2)).toBe('AD')
    expect(gate.config()).toMatchObject({ connectRate: { strategy, limit: 2 }, requestRate: { strategy, limit: 3 }, clientRequestRate: { strategy, limit: 60 } })
  })

  it.each(['cooldown', 'fixed-window', 'sliding-window', 'token-bucket'] as const)('to what is in force already make nobody wait longer: %s', strategy => {
    const { gate, requests, clock } = gateWith({ requestRate: rate(2, 10, strategy), risk: false })
    gate.allowConnect(IP, 'id')
    requests(2)
    clock.advance(3_000)
    const wait = (): unknown => gate.quota('id', '/')?.connection
    const before = wait()
    gate.setRequestRate({ strategy })

    expect(before).toBeDefined()
    expect(wait()).toEqual(before)
  })

  it('add and take away path rules', () => {
    const { gate, requests } = gateWith()
    gate.allowConnect(IP, 'id')
    gate.setPathRate('/login', rate(1, 10))
    expect(requests(2, 'id', '/login')).toBe('AC')
    gate.setPathRate('/login', false)

    expect(requests(2, 'id', '/login')).toBe('AA')
    expect(gate.config().pathRates).toEqual({})
  })

  it('let those ask on who are open when a cap is lowered to 0', () => {
    const { gate, requests } = gateWith({ requestRate: rate(3, 10) })
    gate.allowConnect(IP, 'id')
    gate.setConfig({ maxConnsPerIp: 0 })

    expect(requests(3)).toBe('AAA')
  })

  it('close nothing when a cap is lowered', () => {
    const { gate, connects } = gateWith()
    connects(5)
    gate.setConfig({ maxConnsPerIp: 2 })

    expect(gate.numOpen(IP)).toBe(5)
    expect(connects(1)).toBe('C')
    expect(gate.config()).toMatchObject({ prefixLimits: { ipv4: { 32: 2 } }, clientRequestRate: { limit: 80 } })
  })
})

describe('events', () => {
  it('tell who was denied, banned and freed, and survive a listener that throws', () => {
    const { gate, connects, events, clock } = gateWith({ maxConnsPerIp: 1, risk: { threshold: 2, banTime: 1_000 } })
    gate.addEventListener('deny', () => { throw new Error('mine') })
    connects(3)
    clock.advance(1_000)
    expect(gate.isBanned(IP)).toBe(false)

    expect(events.map(({ type }) => type)).toEqual(['deny', 'ban', 'deny', 'unban'])
    expect(events[0]).toMatchObject({ detail: { stage: 'connect', id: 2, verdict: { reason: 'connection-limit', key: IP } } })
    expect(events[3]).toMatchObject({ detail: { cause: 'ended', key: IP } })
  })

  it('name times as the clock reads them, also after it was set back', () => {
    const { gate, clock, events, connects } = gateWith()
    connects(1)
    gate.banAddress(IP, 60_000)
    clock.jump(clock.now() - 3_600_000)
    const { leases, bans } = gate.inspect()
    gate.banAddress('192.0.2.2', 60_000)
    gate.unbanAddress('192.0.2.2')

    expect(leases.map(({ since }) => since)).toEqual([clock.now()])
    expect([...bans, ...events.slice(1).map(({ detail }) => detail)]).toMatchObject(Array.from({ length: 3 }, () => ({ until: clock.now() + 60_000 })))
  })

  it('may be answered with the release of whoever asks, who is unknown then, and everybody else is swept as ever', () => {
    const { gate, clock } = gateWith({ idleTimeout: 1_000 })
    gate.allowConnect('198.51.100.1', 'other')
    gate.allowConnect(IP, 'id')
    gate.banAddress(IP, 5_000)
    gate.addEventListener('unban', () => { gate.release('id') })
    clock.advance(5_000)

    expect(gate.allowRequest('id', '/')).toMatchObject({ action: 'close', reason: 'unknown-id' })
    clock.advance(1_001)
    expect(gate.sweepIdle()).toEqual(['other'])
  })

  it('may be answered with a connection of the same id, which has it', () => {
    const { gate, clock } = gateWith()
    gate.banAddress(IP, 5_000)
    gate.addEventListener('unban', () => { gate.allowConnect(IP, 'id') })
    clock.advance(5_000)

    expect(gate.allowConnect(IP, 'id')).toMatchObject({ reason: 'duplicate-id' })
    gate.release('id')
    expect(gate.inspect()).toMatchObject({ open: 0, leases: [] })
  })

  it('may be answered with another ban, which holds for the call that noticed the end of the first', () => {
    const { gate, connects, clock } = gateWith()
    gate.addEventListener('unban', ({ detail }) => { gate.banAddress(detail.key, 10_000, 'again') })
    gate.banAddress(IP, 100)
    clock.advance(100)
    expect(connects(1)).toBe('C')
    expect(gate.banAddress(IP, 60_000)).toBe(true)
    clock.advance(10_000)

    expect([gate.isBanned(IP), gate.inspect().bans.length]).toEqual([true, 1])
  })
})

describe('properties', () => {
  it('any sequence of connects, requests, releases and bans ends at zero', () => {
    const ip = fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:db8:0:100::1', 'unix')
    const move = fc.record({ do: fc.constantFrom('connect', 'request', 'release', 'ban', 'unban', 'wait'), id: fc.nat(12), ip })

    fc.assert(fc.property(fc.array(move, { maxLength: 150, size: 'max' }), moves => {
      const { gate, clock } = gateWith({ maxConnsPerIp: 3, capacity: 20, requestRate: rate(5), pathRates: { '/a': rate(2) } })
      const open = new Set<number>()
      const acts: Record<string, (id: number, who: string) => unknown> = {
        connect: (id, who) => gate.allowConnect(who, id).allow && open.add(id),
        request: id => { expect(gate.allowRequest(id, '/a').allow && !open.has(id)).toBe(false) },
        release: id => { expect(gate.release(id)).toBe(open.delete(id)) },
        // Of one client in each network: a sixteenth of the capacity is one place.
        ban: (_, who) => ['10.0.0.1', '2001:db8::1'].includes(who) && gate.banAddress(who, 500),
        unban: (_, who) => who !== 'unix' && gate.unbanAddress(who),
        wait: id => { clock.advance(id * 100) }
      }

      for (const { do: act, id, ip: who } of moves) {
        acts[act]!(id, who)
        expect(gate.inspect().open).toBe(open.size)
      }

      for (const id of open) gate.release(id)
      clock.advance(1e9)
      expect(gate.inspect()).toMatchObject({ open: 0, prefixes: EMPTY, leases: [], bans: [] })
      expect(gate.sweepIdle()).toEqual([])
    }), { numRuns: 200 })
  })

  it('two hundred thousand rotating addresses reset no offender and lock out nobody who is known', () => {
    const { gate, connects, clock } = gateWith({ capacity: 1_000, maxConnsPerIp: 2, connectRate: rate(20, 3_600), maxConns: 100_000 })
    expect(connects(2, '203.0.113.1')).toBe('AA')
    connects(8, '203.0.113.1')
    gate.allowConnect('198.51.100.1', 'known')

    for (let at = 0; at < 200_000; at++) {
      gate.allowConnect(`${1 + at % 180}.${at >> 8 & 255}.${at & 255}.${at % 251}`, `rotating ${at}`)
      gate.release(`rotating ${at}`)
    }

    expect(gate.isBanned('203.0.113.1')).toBe(false)
    clock.advance(1)
    expect(connects(3, '203.0.113.1')).toBe('CCC')
    expect(gate.isBanned('203.0.113.1')).toBe(true)
    expect(gate.allowRequest('known', '/').allow).toBe(true)
    expect(connects(1, '198.51.100.1')).toBe('A')
  })
})

describe('bad input changes nothing', () => {
  it.each([
    [{ maxConnsPerIp: -1 }, 'maxConnsPerIp'],
    [{ connectRate: { limit: 1.5 } }, 'connectRate.limit'],
    [{ connectRate: true }, 'connectRate'],
    [{ requestRate: { window: 0 } }, 'requestRate.window'],
    [{ clientRequestRate: { strategy: 'none' } }, 'clientRequestRate.strategy'],
    [{ pathRates: { login: rate(1) } }, 'pathRates[\'login\']'],
    [{ pathRates: { '/a?b': rate(1) } }, 'pathRates[\'/a?b\']'],
    [{ pathRates: { '/a': { limit: 1 } } }, 'pathRates[\'/a\'].strategy'],
    [{ dropsBeforeClose: -1 }, 'dropsBeforeClose'],
    [{ idleTimeout: 0 }, 'idleTimeout'],
    [{ idleTimeout: NaN }, 'idleTimeout'],
    [{ risk: { threshold: -1 } }, 'risk.threshold'],
    [{ capacity: 1.5 }, 'capacity']
  ])('in the init %j', (init, option) => {
    expect(() => securityGate(init as SecurityGateInit)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
  })

  it('in calls', () => {
    const { gate } = gateWith()
    const before = gate.config()

    for (const ttl of [0, -1, NaN]) expect(() => gate.banAddress(IP, ttl)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: 'ttl' }))
    for (const ip of ['', 'localhost', '10.0.0.0/8', 7 as unknown as string, undefined as unknown as string]) {
      expect(() => gate.banAddress(ip, 1)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ADDRESS' }))
      expect(() => gate.unbanAddress(ip)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ADDRESS' }))
      expect(gate.isBanned(ip)).toBe(false)
    }
    expect(() => { gate.setConnectRate({ limit: -1 }) }).toThrow()
    expect(() => { gate.setRequestRate({ window: 0 }) }).toThrow()
    expect(() => { gate.setPathRate('/new', { limit: 1 }) }).toThrow()
    expect(() => { gate.setPathRate('new', rate(1)) }).toThrow()
    expect(() => { gate.setConfig({ maxConns: 1, networks: { x: 1 } }) }).toThrow()
    expect(() => gate.allowConnect(IP, 'id', { rate: rate(-1) })).toThrow()
    expect(gate.config()).toEqual(before)
    expect(gate.inspect()).toMatchObject({ open: 0, bans: [] })
  })
})
