import { BlockList } from 'node:net'
import { describe, expect, it } from 'vitest'
import { cidrContains, parseCidr } from '../../src/address/cidr.ts'
import { formatIp, parseIp } from '../../src/address/ip.ts'

// An address that two programs read differently walks past the list of one of them. What is said of others was run with ipaddr.js 2.5.0,
// ip-address 10.7.6, netmask 2.1.1, @chainsafe/netmask 2.0.0, fast-cidr-tools 0.3.4 and netparser 1.9.0; net.BlockList is run here.

describe('texts that others take for an address', () => {
  it.each([
    ['012.1.2.3', 'ipaddr.js and netmask read octal: 10.1.2.3'],
    ['10.010.0.1', 'ipaddr.js and netmask read octal: 10.8.0.1'],
    ['0x0a.1.2.3', 'ipaddr.js, netmask and fast-cidr-tools read hexadecimal: 10.1.2.3'],
    ['10.1', 'ipaddr.js and netmask fill it up: 10.0.0.1'],
    ['167838211', 'ipaddr.js reads an integer: 10.1.2.3'],
    [' 10.1.2.3', 'fast-cidr-tools and netparser skip the blank'],
    ['10.1.2.3:80', 'netparser drops the port']
  ])('%j is none (%s)', text => {
    expect(parseIp(text)).toBeUndefined()
    expect(() => parseCidr(`${text}/8`)).toThrow('it is not an IPv4 or IPv6 address')
  })

  it('a link-local address with its zone is one (netparser: null)', () => {
    expect(parseIp('fe80::1%eth0')).toEqual(parseIp('fe80::1'))
  })
})

describe('mapped addresses', () => {
  it.each([
    ['10.0.0.0/8', '::ffff:10.1.2.3', 'ip-address and @chainsafe/netmask: no; ipaddr.js and netmask throw'],
    ['10.0.0.0/8', '::ffff:a01:203', 'the same, written as js-libp2p does'],
    ['10.0.0.0/8', '0:0:0:0:0:ffff:10.1.2.3', 'the same, written in full'],
    ['::ffff:10.0.0.0/104', '10.1.2.3', '@chainsafe/netmask: no; netmask throws'],
    ['::ffff:10.1.2.3', '10.1.2.3', 'a rule for one address is no exception']
  ])('%s holds %s (%s)', (range, text) => {
    expect(cidrContains(parseCidr(range), parseIp(text)!)).toBe(true)
  })
})

describe('net.BlockList', () => {
  it.each([
    ['::/0', '192.0.2.1'],
    ['::ffff:0:0/95', '192.0.2.1'],
    ['::/80', '255.255.255.255']
  ])('holds IPv4 addresses in %s, where we hold IPv6 ones only', (range, text) => {
    const [address, length] = range.split('/') as [string, string]
    const list = new BlockList()
    list.addSubnet(address, Number(length), 'ipv6')

    expect(list.check(text)).toBe(true)
    expect(cidrContains(parseCidr(range), parseIp(text)!)).toBe(false)
  })

  it('misses without a word when the family is not told; we look at the text', () => {
    const list = new BlockList()
    list.addSubnet('2001:db8::', 32, 'ipv6')

    expect(list.check('2001:db8::1')).toBe(false)
    expect(cidrContains(parseCidr('2001:db8::/32'), parseIp('2001:db8::1')!)).toBe(true)
  })

  it('misses what it cannot read; we say that it is no address', () => {
    const list = new BlockList()
    list.addSubnet('10.0.0.0', 8, 'ipv4')

    expect(list.check('010.0.0.1')).toBe(false)
    expect(parseIp('010.0.0.1')).toBeUndefined()
  })

  it('has no form for an address of its own; ours is one text for each', () => {
    expect(['::ffff:10.1.2.3', '::ffff:a01:203', '10.1.2.3'].map(text => formatIp(parseIp(text)!))).toEqual(['10.1.2.3', '10.1.2.3', '10.1.2.3'])
  })
})
