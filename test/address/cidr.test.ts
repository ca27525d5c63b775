import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cidrContains, formatCidr, parseCidr } from '../../src/address/cidr.ts'
import { InvalidAddressError } from '../../src/address/errors.ts'
import { formatIp, parseIp } from '../../src/address/ip.ts'
import { ip, ipAndLength, ipLikeText, ipv4, ipv4Pair, ipv6, ipv6Pair } from './arbitraries.ts'

describe('parseCidr', () => {
  it.each([
    ['an IPv4 range', '10.0.0.0/8', '10.0.0.0/8'],
    ['an IPv6 range', '2001:db8::/32', '2001:db8::/32'],
    ['all of IPv4', '0.0.0.0/0', '0.0.0.0/0'],
    ['all of IPv6', '::/0', '::/0'],
    ['a bare IPv4 address', '192.0.2.1', '192.0.2.1'],
    ['a bare IPv6 address', '2001:db8::1', '2001:db8::1'],
    ['one IPv4 address as a range', '192.0.2.1/32', '192.0.2.1'],
    ['one IPv6 address as a range', '2001:db8::1/128', '2001:db8::1'],
    ['IPv4 host bits, cleared', '10.1.2.3/8', '10.0.0.0/8'],
    ['IPv6 host bits, cleared', '2001:db8:ffff::1/33', '2001:db8:8000::/33'],
    ['a zone, dropped', 'fe80::%eth0/10', 'fe80::/10'],
    ['a bare mapped address', '::ffff:192.0.2.1', '192.0.2.1'],
    ['one mapped address as a range', '::ffff:192.0.2.1/128', '192.0.2.1'],
    ['a mapped range', '::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['a mapped range in hexadecimal, with host bits', '0:0:0:0:0:FFFF:0a01:0203/104', '10.0.0.0/8'],
    ['all mapped addresses', '::ffff:0:0/96', '0.0.0.0/0'],
    ['a range wider than the mapped ones', '::ffff:10.1.2.3/95', '::fffe:0:0/95'],
    ['a range just as wide as the mapped group', '::ffff:10.1.2.3/80', '::/80']
  ])('reads %s', (_, text, expected) => {
    expect(formatCidr(parseCidr(text))).toBe(expected)
  })

  it.each([
    ['nothing', ''],
    ['only a length', '/8'],
    ['no length after the slash', '10.0.0.0/'],
    ['a length beyond IPv4', '10.0.0.0/33'],
    ['an IPv6 length on IPv4', '10.0.0.0/128'],
    ['a length beyond IPv6', '::/129'],
    ['a length beyond mapped', '::ffff:10.0.0.0/129'],
    ['a leading zero', '10.0.0.0/08'],
    ['a sign', '10.0.0.0/+8'],
    ['a negative length', '10.0.0.0/-8'],
    ['a fraction', '10.0.0.0/8.0'],
    ['hexadecimal', '10.0.0.0/0x8'],
    ['a blank', '10.0.0.0/ 8'],
    ['a line break', '10.0.0.0/8\n'],
    ['two lengths', '10.0.0.0/8/8'],
    ['a mask', '10.0.0.0/255.0.0.0'],
    ['a short address', '10/8'],
    ['a wildcard', '10.*'],
    ['a span', '10.0.0.0-10.0.0.9'],
    ['a zone after the length', 'fe80::/10%eth0'],
    ['a host name', 'example.com']
  ])('refuses %s', (_, text) => {
    expect(() => parseCidr(text)).toThrow(InvalidAddressError)
  })

  it.each([undefined, null, 8, 167772160, {}, ['10.0.0.0/8']])('refuses %j, which a configuration file may hold', value => {
    expect(() => parseCidr(value as unknown as string)).toThrow(InvalidAddressError)
  })

  it('gives one rule to every text of it', () => {
    fc.assert(fc.property(ipAndLength, ([address, length]) => {
      const cidr = parseCidr(`${formatIp(address)}/${length}`)

      expect(cidr.length).toBe(length)
      expect(parseCidr(formatCidr(cidr))).toEqual(cidr)
      expect(parseCidr(`${formatIp(cidr.ip)}/${length}`)).toEqual(cidr)
    }), { numRuns: 2_000 })
  })

  it('returns a range or throws its own error, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(ipLikeText, fc.string()), text => {
      expect(outcome(text)).toMatch(/^(a range|InvalidAddressError)$/)
    }), { numRuns: 5_000 })
  })
})

describe('cidrContains', () => {
  it.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '10.0.0.0', false],
    ['::/0', '::ffff:10.0.0.0', false],
    ['::ffff:0:0/95', '10.0.0.0', false],
    ['::ffff:0:0/96', '10.0.0.0', true],
    ['::ffff:0:0/96', '::10.0.0.0', false],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['fe80::/10', 'febf::1', true],
    ['fe80::/10', 'fec0::1', false]
  ])('asks whether %s holds %s: %s', (range, text, expected) => {
    expect(cidrContains(parseCidr(range), parseIp(text)!)).toBe(expected)
  })

  it('agrees with net.BlockList on IPv4', () => {
    fc.assert(fc.property(ipv4Pair, fc.integer({ min: 0, max: 32 }), ([one, other], length) => {
      const list = new BlockList()
      list.addSubnet(formatIp(one), length, 'ipv4')

      expect(cidrContains(parseCidr(`${formatIp(one)}/${length}`), other)).toBe(list.check(formatIp(other), 'ipv4'))
    }), { numRuns: 5_000 })
  })

  it('agrees with net.BlockList on IPv6', () => {
    fc.assert(fc.property(ipv6Pair, fc.integer({ min: 0, max: 128 }), ([one, other], length) => {
      const list = new BlockList()
      list.addSubnet(formatIp(one), length, 'ipv6')

      expect(cidrContains(parseCidr(`${formatIp(one)}/${length}`), other)).toBe(list.check(formatIp(other), 'ipv6'))
    }), { numRuns: 5_000 })
  })

  it('agrees with net.BlockList on mapped ranges and mapped addresses', () => {
    fc.assert(fc.property(ipv4Pair, fc.integer({ min: 96, max: 128 }), ([one, other], length) => {
      const list = new BlockList()
      list.addSubnet(`::ffff:${formatIp(one)}`, length, 'ipv6')

      const cidr = parseCidr(`::ffff:${formatIp(one)}/${length}`)
      const mapped = `::ffff:${formatIp(other)}`

      expect(cidrContains(cidr, parseIp(mapped)!)).toBe(list.check(mapped, 'ipv6'))
      expect(cidrContains(cidr, other)).toBe(list.check(formatIp(other), 'ipv4'))
    }), { numRuns: 2_000 })
  })

  it('never holds an address of the other family', () => {
    fc.assert(fc.property(ipv4, ipv6, fc.integer({ min: 0, max: 32 }), (four, six, length) => {
      expect(cidrContains(parseCidr(`${formatIp(four)}/${length}`), six)).toBe(false)
      expect(cidrContains(parseCidr(`${formatIp(six)}/${length}`), four)).toBe(false)
    }))
  })

  it('holds the address that it was made from', () => {
    fc.assert(fc.property(ip, address => {
      expect(cidrContains(parseCidr(formatIp(address)), address)).toBe(true)
    }))
  })
})

function outcome (text: string): string {
  try {
    parseCidr(text)
    return 'a range'
  } catch (error) {
    return (error as Error).name
  }
}
