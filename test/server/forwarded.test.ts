import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIp } from '../../src/address/ip.ts'
import { trustList } from '../../src/limiter/trust-list.ts'
import { forwardedClient } from '../../src/server/forwarded.ts'

const proxies = trustList(['10.0.0.0/8', '2001:db8:a::/48'])
const PEER = '10.0.0.1'
const xff = (value: string | undefined, peer = PEER): string => forwardedClient('x-forwarded-for', value, peer, ip => proxies.has(ip))
const forwarded = (value: string | undefined, peer = PEER): string => forwardedClient('forwarded', value, peer, ip => proxies.has(ip))

describe('X-Forwarded-For', () => {
  it.each<[string, string | undefined, string]>([
    ['is the peer where there is none', undefined, PEER],
    ['is the peer where it is empty', '', PEER],
    ['is what the proxy appended', '192.0.2.1', '192.0.2.1'],
    ['ignores what was there before', '127.0.0.1, 203.0.113.9, 192.0.2.1', '192.0.2.1'],
    ['ignores a proxy\'s address that a client invented', '10.9.9.9, 192.0.2.1', '192.0.2.1'],
    ['passes over proxies of ours', '192.0.2.1, 10.0.0.3,10.0.0.2', '192.0.2.1'],
    ['is the furthest of ours where all are', '10.0.0.4, 10.0.0.3', '10.0.0.4'],
    ['passes over an IPv6 proxy', '192.0.2.1, 2001:db8:a::1', '192.0.2.1'],
    ['reads an IPv4 port', '192.0.2.1:4711', '192.0.2.1'],
    ['reads IPv6 in brackets', '[2001:db8::1]', '2001:db8::1'],
    ['reads IPv6 in brackets with a port', '[2001:db8::1]:4711', '2001:db8::1'],
    ['reads bare IPv6', '2001:DB8:0::1', '2001:db8::1'],
    ['is one client however it is written', '::ffff:192.0.2.1', '192.0.2.1'],
    ['stops at what cannot be read', '192.0.2.1, unknown', PEER],
    ['stops at what cannot be read behind one of ours', '192.0.2.1, garbage, 10.0.0.7', '10.0.0.7'],
    ['takes no octal', '192.0.2.01', PEER],
    ['passes over empty items', ', ,192.0.2.1,, ,10.0.0.2, ,', '192.0.2.1'],
    ['is the peer where all items are empty', ', ,', PEER]
  ])('%s', (_, value, client) => {
    expect(xff(value)).toBe(client)
  })

  it('is not read from whoever is no proxy', () => {
    expect(xff('198.51.100.1', '192.0.2.1')).toBe('192.0.2.1')
    expect(xff('198.51.100.1', '::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(xff('198.51.100.1', '')).toBe('')
  })

  it('follows at most 32 hops', () => {
    expect(xff(`192.0.2.1, ${'10.0.0.9, '.repeat(40)}10.0.0.2`)).toBe('10.0.0.9')
  })
})

describe('Forwarded', () => {
  it.each<[string, string | undefined, string]>([
    ['is the peer where there is none', undefined, PEER],
    ['is what the proxy appended', 'for=192.0.2.1', '192.0.2.1'],
    ['reads names without regard to case, and other parameters', 'proto=https;For="192.0.2.1:80";by=_x', '192.0.2.1'],
    ['reads quoted IPv6', 'for="[2001:db8::1]:4711"', '2001:db8::1'],
    ['reads an address whose port is hidden', 'for="192.0.2.1:_port"', '192.0.2.1'],
    ['reads IPv6 whose port is hidden', 'for="[2001:db8::1]:_p.0-X"', '2001:db8::1'],
    ['passes over empty elements', 'for=192.0.2.1,, for=10.0.0.2, ,', '192.0.2.1'],
    ['takes no other word for a port', 'for="192.0.2.1:port"', PEER],
    ['passes over proxies of ours', 'for=192.0.2.1, for=10.0.0.3;by=10.0.0.2', '192.0.2.1'],
    ['ignores what was there before', 'for=203.0.113.9, for=192.0.2.1', '192.0.2.1'],
    ['reads a comma between quotes', 'for=192.0.2.1, for=10.0.0.3;host="a,b"', '192.0.2.1'],
    ['reads an escaped quote', 'for=203.0.113.9, for=192.0.2.1;host="a\\", for=198.51.100.1"', '192.0.2.1'],
    ['is not misled by a quote that a client left open', 'for=";x, for=192.0.2.1', '192.0.2.1'],
    ['stops at an unknown one', 'for=192.0.2.1, for=unknown', PEER],
    ['stops at a hidden one', 'for=192.0.2.1, for=_gazonk', PEER],
    ['stops at an element without one', 'for=192.0.2.1, proto=https', PEER],
    ['stops at two in one element', 'for=192.0.2.1;for=198.51.100.1', PEER],
    ['stops at nonsense', 'for=192.0.2.1, ===', PEER]
  ])('%s', (_, value, client) => {
    expect(forwarded(value)).toBe(client)
  })
})

describe('properties', () => {
  const noise = fc.oneof(fc.string({ maxLength: 60, size: 'max' }), fc.constantFrom('"', '\\"', 'for="', 'for=10.0.0.1', ',,,', '10.0.0.1, 10.0.0.2', 'for="\\\\"'))

  it.each(['x-forwarded-for', 'forwarded'] as const)('%s: no client can invent whose request it is', field => {
    fc.assert(fc.property(fc.array(noise, { maxLength: 4 }), fc.ipV4().filter(ip => !ip.startsWith('10.')), (invented, ip) => {
      const appended = field === 'forwarded' ? `for=${ip}` : ip
      expect(forwardedClient(field, [...invented, appended].join(', '), PEER, each => proxies.has(each))).toBe(ip)
    }), { numRuns: 1_000 })
  })

  it.each(['x-forwarded-for', 'forwarded'] as const)('%s: any text at all gives an address, and in time', field => {
    fc.assert(fc.property(fc.oneof(noise, fc.string({ maxLength: 300, size: 'max' })), value => {
      expect(parseIp(forwardedClient(field, value, PEER, each => proxies.has(each)))).toBeDefined()
    }), { numRuns: 1_000 })
    expect(forwardedClient(field, `"${'\\"'.repeat(8_000)}`, PEER, () => true)).toBe(PEER)
    expect(forwardedClient(field, `for="${'\\'.repeat(16_000)}`, PEER, () => true)).toBe(PEER)
    expect(forwardedClient(field, ','.repeat(16_000), PEER, () => true)).toBe(PEER)
  })
})
