import { isIP, SocketAddress } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIp, parseIp } from '../../src/address/ip.ts'
import { brokenIpText, ip, ipLikeText, ipText, ipv4, ipv6, toBigInt } from './arbitraries.ts'
import type { Ipv6 } from '../../src/address/ip.ts'

describe('parseIp', () => {
  it.each([
    ['the lowest IPv4 address', '0.0.0.0', { family: 4, bits: 0 }],
    ['the highest IPv4 address, unsigned', '255.255.255.255', { family: 4, bits: 0xffffffff }],
    ['IPv4 parts of one, two and three digits', '1.20.200.0', { family: 4, bits: 0x0114c800 }],
    ['the lowest IPv6 address', '::', { family: 6, a: 0, b: 0, c: 0, d: 0 }],
    ['the highest IPv6 address', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', { family: 6, a: 0xffffffff, b: 0xffffffff, c: 0xffffffff, d: 0xffffffff }],
    ['a gap at the start', '::1:2', { family: 6, a: 0, b: 0, c: 0, d: 0x00010002 }],
    ['a gap in the middle', '2001:db8::1', { family: 6, a: 0x20010db8, b: 0, c: 0, d: 1 }],
    ['a gap at the end', '2001:db8::', { family: 6, a: 0x20010db8, b: 0, c: 0, d: 0 }],
    ['a gap of one group', '1:2:3:4:5:6:7::', { family: 6, a: 0x00010002, b: 0x00030004, c: 0x00050006, d: 0x00070000 }],
    ['both cases', 'FE80::aBcD', { family: 6, a: 0xfe800000, b: 0, c: 0, d: 0xabcd }],
    ['a dotted tail', '64:ff9b::192.0.2.33', { family: 6, a: 0x0064ff9b, b: 0, c: 0, d: 0xc0000221 }],
    ['a dotted tail after six groups', '1:2:3:4:5:6:7.8.9.10', { family: 6, a: 0x00010002, b: 0x00030004, c: 0x00050006, d: 0x0708090a }],
    ['an IPv4-compatible address, which is not a mapped one', '::192.0.2.1', { family: 6, a: 0, b: 0, c: 0, d: 0xc0000201 }],
    ['a zone, dropped', 'fe80::1%eth0', { family: 6, a: 0xfe800000, b: 0, c: 0, d: 1 }],
    ['a zone after a gap', '::%en-0.1', { family: 6, a: 0, b: 0, c: 0, d: 0 }],
    ['a zone after a dotted tail', '::ffff:192.0.2.1%lo', { family: 4, bits: 0xc0000201 }]
  ])('reads %s', (_, text, expected) => {
    expect(parseIp(text)).toEqual(expected)
  })

  it.each([
    ['nothing', ''],
    ['a host name', 'localhost'],
    ['three parts', '192.0.2'],
    ['five parts', '192.0.2.1.1'],
    ['an empty part', '192..2.1'],
    ['a dot at the end', '192.0.2.1.'],
    ['a dot at the start', '.192.0.2.1'],
    ['a part above 255', '192.0.2.256'],
    ['a part of four digits', '192.0.2.1000'],
    ['a leading zero', '192.0.02.1'],
    ['two zeros', '192.0.2.00'],
    ['hexadecimal', '0xc0.0.2.1'],
    ['a plain integer', '3221225985'],
    ['a short form', '192.1'],
    ['a sign', '192.0.2.-1'],
    ['a blank before', ' 192.0.2.1'],
    ['a blank after', '192.0.2.1 '],
    ['a line break after', '192.0.2.1\n'],
    ['a NUL after', '192.0.2.1\0'],
    ['digits of another script', '１９２.0.2.1'],
    ['a port', '192.0.2.1:80'],
    ['a prefix length', '192.0.2.0/24'],
    ['a zone on IPv4', '192.0.2.1%eth0'],
    ['one colon', ':'],
    ['three colons', ':::'],
    ['two gaps', '1::2::3'],
    ['a colon at the end', '1:2:3:4:5:6:7:8:'],
    ['a colon at the start', ':1:2:3:4:5:6:7:8'],
    ['seven groups', '1:2:3:4:5:6:7'],
    ['nine groups', '1:2:3:4:5:6:7:8:9'],
    ['eight groups and a gap', '1:2:3:4::5:6:7:8'],
    ['a group of five digits', '::00001'],
    ['a digit that is none', '::g'],
    ['a letter that lower-cases to one of ours', '::\u212a'],
    ['brackets', '[::1]'],
    ['brackets and a port', '[::1]:80'],
    ['an octal part in a dotted tail', '::ffff:192.0.02.1'],
    ['a short dotted tail', '::ffff:192.1'],
    ['a dotted quad that is not the tail', '::192.0.2.1:1'],
    ['a dotted tail after seven groups', '1:2:3:4:5:6:7:192.0.2.1'],
    ['a dotted tail, a gap and no room for it', '1:2:3:4:5:6::192.0.2.1'],
    ['an empty zone', 'fe80::1%'],
    ['a zone with a blank', 'fe80::1%eth 0'],
    ['two zones', 'fe80::1%eth0%eth1'],
    ['only a zone', '%eth0'],
    ['a zone after a single colon', '1:2:3:4:5:6:7:%eth0']
  ])('refuses %s', (_, text) => {
    expect(parseIp(text)).toBeUndefined()
  })

  it('accepts exactly what net.isIP accepts', () => {
    fc.assert(fc.property(fc.oneof(ipText, brokenIpText, ipLikeText, fc.string()), text => {
      expect(parseIp(text) != null).toBe(isIP(text) !== 0)
    }), { numRuns: 20_000 })
  })

  it('finds the address that the platform finds', () => {
    fc.assert(fc.property(fc.ipV6(), text => {
      const platform = new SocketAddress({ address: text, family: 'ipv6' })

      expect(parseIp(text)).toEqual(parseIp(platform.address))
      expect(parseIp(text)).toEqual(parseIp(new URL(`http://[${text}]`).hostname.slice(1, -1)))
    }), { numRuns: 2_000 })
  })

  it('reads a mapped address as its IPv4 address in every notation', () => {
    fc.assert(fc.property(ipv4, address => {
      const dotted = formatIp(address)
      const high = (address.bits >>> 16).toString(16)
      const low = (address.bits & 0xffff).toString(16)
      const texts = [
        `::ffff:${dotted}`,
        `::FFFF:${dotted}`,
        `0:0:0:0:0:ffff:${dotted}`,
        `0000:0000:0000:0000:0000:ffff:${dotted}`,
        `0:0::ffff:${dotted}`,
        `::0:ffff:${dotted}%eth0`,
        `::ffff:${high}:${low}`,
        `::FfFf:${high.toUpperCase()}:${low}`,
        `0::ffff:${high}:${low}%1`,
        `0:0:0:0:0:ffff:${high}:${low}`,
        `0000:0000:0000:0000:0000:ffff:${high.padStart(4, '0')}:${low.padStart(4, '0')}`
      ]

      expect(texts.map(parseIp)).toEqual(texts.map(() => address))
    }))
  })

  it.each([
    ['IPv4-compatible', '::192.0.2.1'],
    ['IPv4-translated (RFC 2765)', '::ffff:0:192.0.2.1'],
    ['NAT64', '64:ff9b::192.0.2.1'],
    ['6to4', '2002:c000:201::'],
    ['one bit beside mapped', '::fffe:192.0.2.1'],
    ['mapped, one group too early', '::ffff:0:c000:201'],
    ['a mapped tail under other leading groups', '1::ffff:192.0.2.1']
  ])('leaves %s alone', (_, text) => {
    expect(parseIp(text)).toHaveProperty('family', 6)
  })
})

describe('formatIp', () => {
  // RFC 5952 §4 and §5, by section
  it.each([
    ['§4.1 drops leading zeros', '2001:0db8:0000:0001:0001:0001:0001:0001', '2001:db8:0:1:1:1:1:1'],
    ['§4.2.1 shortens as much as possible', '2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['§4.2.2 does not shorten one group', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['§4.2.3 shortens the longest run', '2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['§4.2.3 shortens the first of two', '2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['§4.3 writes lower case', '2001:DB8::ABCD', '2001:db8::abcd'],
    ['shortens at the end', '1:0:0:0:0:0:0:0', '1::'],
    ['shortens at the start', '0:0:0:0:0:0:0:1', '::1'],
    ['shortens all', '0:0:0:0:0:0:0:0', '::'],
    ['keeps zeros within a group', '100:10:1:f00f:f:ff:fff:ffff', '100:10:1:f00f:f:ff:fff:ffff'],
    ['§5 has no mixed form but for mapped addresses, which are IPv4', '::ffff:192.0.2.1', '192.0.2.1']
  ])('%s', (_, text, expected) => {
    expect(formatIp(parseIp(text)!)).toBe(expected)
  })

  it('is read back as the same address', () => {
    fc.assert(fc.property(ip, address => {
      expect(parseIp(formatIp(address))).toEqual(address)
    }), { numRuns: 2_000 })
  })

  it('writes IPv6 as URLs do', () => {
    fc.assert(fc.property(ipv6, address => {
      expect(formatIp(address)).toBe(new URL(`http://[${expanded(address)}]`).hostname.slice(1, -1))
    }), { numRuns: 2_000 })
  })
})

function expanded (address: Ipv6): string {
  return toBigInt(address).toString(16).padStart(32, '0').replace(/.{4}(?=.)/g, '$&:')
}
