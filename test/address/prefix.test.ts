import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIp } from '../../src/address/ip.ts'
import { formatPrefix, maskIp, prefixKey, wordMask } from '../../src/address/prefix.ts'
import { fromBigInt, highBits, ipAndLength, ipv4AndLength, ipv4Pair, ipv6AndLength, ipv6Pair, toBigInt } from './arbitraries.ts'

describe('prefixKey', () => {
  it.each([
    ['IPv4 is an int32', '192.0.2.1', 32, 0xc0000201 | 0],
    ['IPv4 host bits are cleared', '192.0.2.255', 24, 0xc0000200 | 0],
    ['all of IPv4 is one key', '255.255.255.255', 0, 0],
    ['IPv6 is the chars of its words', '2001:db8:1:2ff:3::', 56, '\u2001\u0db8\u0001\u0200'],
    ['IPv6 beyond the prefix is left out', '2001:db8:ffff::', 32, '\u2001\u0db8'],
    ['a prefix may end within a char', '2001:dbf::', 29, '\u2001\u0db8'],
    ['all of IPv6 is one key', 'ffff::', 0, '']
  ])('%s', (_, text, length, key) => {
    expect(prefixKey(parseIp(text)!, length)).toBe(key)
  })

  it('is the same for two IPv4 addresses exactly when they share the prefix', () => {
    fc.assert(fc.property(ipv4Pair, fc.integer({ min: 0, max: 32 }), ([one, other], length) => {
      const shared = ((BigInt(one.bits) ^ BigInt(other.bits)) & highBits(length, 32)) === 0n

      expect(prefixKey(one, length) === prefixKey(other, length)).toBe(shared)
    }), { numRuns: 5_000 })
  })

  it('is the same for two IPv6 addresses exactly when they share the prefix', () => {
    fc.assert(fc.property(ipv6Pair, fc.integer({ min: 0, max: 128 }), ([one, other], length) => {
      const shared = ((toBigInt(one) ^ toBigInt(other)) & highBits(length, 128)) === 0n

      expect(prefixKey(one, length) === prefixKey(other, length)).toBe(shared)
    }), { numRuns: 5_000 })
  })

  it('has one length for each prefix length, so that no key is the beginning of another', () => {
    fc.assert(fc.property(ipv6AndLength, ([ip, length]) => {
      expect(prefixKey(ip, length)).toHaveLength(Math.ceil(length / 32) * 2)
    }))
  })

  it('is an int32 for every IPv4 prefix', () => {
    fc.assert(fc.property(ipv4AndLength, ([ip, length]) => {
      const key: unknown = prefixKey(ip, length)

      expect(key).toBe(Number(key) | 0)
    }))
  })
})

describe('maskIp', () => {
  it('clears the host bits of IPv4', () => {
    fc.assert(fc.property(ipv4AndLength, ([ip, length]) => {
      expect(maskIp(ip, length)).toEqual({ family: 4, bits: Number(BigInt(ip.bits) & highBits(length, 32)) })
    }))
  })

  it('clears the host bits of IPv6', () => {
    fc.assert(fc.property(ipv6AndLength, ([ip, length]) => {
      expect(maskIp(ip, length)).toEqual(fromBigInt(toBigInt(ip) & highBits(length, 128)))
    }))
  })

  it('changes no key', () => {
    fc.assert(fc.property(ipAndLength, ([ip, length]) => {
      expect(prefixKey(maskIp(ip, length), length)).toBe(prefixKey(ip, length))
    }))
  })
})

describe('formatPrefix', () => {
  it.each([
    ['10.1.2.3', 24, '10.1.2.0/24'],
    ['10.1.2.3', 32, '10.1.2.3'],
    ['10.1.2.3', 0, '0.0.0.0/0'],
    ['2001:db8:1:2ff::1', 48, '2001:db8:1::/48'],
    ['2001:db8:1:2ff::1', 56, '2001:db8:1:200::/56'],
    ['2001:db8:1:2ff::1', 32, '2001:db8::/32'],
    ['2001:db8:1:2ff::1', 128, '2001:db8:1:2ff::1'],
    ['2001:db8:1:2ff::1', 0, '::/0']
  ])('writes %s at %i as %s', (text, length, expected) => {
    expect(formatPrefix(parseIp(text)!, length)).toBe(expected)
  })
})

describe('wordMask', () => {
  it.each([
    [-96, 0],
    [0, 0],
    [1, 0x80000000 | 0],
    [8, 0xff000000 | 0],
    [31, -2],
    [32, -1],
    [128, -1]
  ])('of %i bits is %i', (length, mask) => {
    expect(wordMask(length)).toBe(mask)
  })
})
