import { InvalidAddressError } from './errors.ts'
import { BITS, parseIp } from './ip.ts'
import { formatPrefix, maskIp, wordMask } from './prefix.ts'
import type { Ip } from './ip.ts'

/** A range of addresses: all that share the first `length` bits of `ip`, whose other bits are clear. */
export interface Cidr {
  readonly ip: Ip
  readonly length: number
}

/** Where the IPv4-mapped addresses begin within IPv6: `::ffff:0:0/96`. */
const MAPPED_LENGTH = 96

const ALLOWED = 'an IPv4 or IPv6 address, alone or with a prefix length of 0 to 32 or 0 to 128, such as 192.0.2.0/24 or 2001:db8::/48'

/**
 * Reads a range, or a bare address as the range that holds only it.
 *
 * Host bits are cleared, so that `10.1.2.3/8` and `10.0.0.0/8` are one rule and either text takes the other away. A range of IPv4-mapped
 * addresses is the IPv4 range it means: `::ffff:10.0.0.0/104` is `10.0.0.0/8`. A wider one stays IPv6 and holds no IPv4 address: who
 * blocks `::/0` has not blocked IPv4.
 *
 * @throws {@link InvalidAddressError} for anything else
 */
export function parseCidr (text: string): Cidr {
  // Rules come from configuration files, where the compiler has not looked.
  const cidr = typeof text === 'string' ? readCidr(text) : undefined

  if (cidr == null) throw new InvalidAddressError(String(text), ALLOWED)
  return cidr
}

/** The one text of a range, which `parseCidr` reads back; a range of one address is that address. */
export function formatCidr (cidr: Cidr): string {
  return formatPrefix(cidr.ip, cidr.length)
}

export function cidrContains ({ ip: range, length }: Cidr, ip: Ip): boolean {
  if (range.family === 4) {
    return ip.family === 4 && ((ip.bits ^ range.bits) & wordMask(length)) === 0
  }

  return ip.family === 6 &&
    ((ip.a ^ range.a) & wordMask(length)) === 0 &&
    ((ip.b ^ range.b) & wordMask(length - 32)) === 0 &&
    ((ip.c ^ range.c) & wordMask(length - 64)) === 0 &&
    ((ip.d ^ range.d) & wordMask(length - 96)) === 0
}

function readCidr (text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const ip = parseIp(address)

  if (ip == null) return undefined
  if (slash === -1) return { ip, length: BITS[ip.family] }

  const notation = address.includes(':') ? 6 : 4
  const length = readLength(text, slash + 1, text.length, BITS[notation])

  if (length === -1) return undefined
  if (notation === ip.family) return { ip: maskIp(ip, length), length }
  return mappedRange(ip, length)
}

/** A range written in IPv6 whose address is IPv4-mapped. */
function mappedRange (ip: Ip, length: number): Cidr {
  if (length >= MAPPED_LENGTH) {
    return { ip: maskIp(ip, length - MAPPED_LENGTH), length: length - MAPPED_LENGTH }
  }

  // The last word, which is the IPv4 address, is all host bits.
  return { ip: maskIp({ family: 6, a: 0, b: 0, c: 0xffff, d: 0 }, length), length }
}

/** @returns -1 when it is no number from 0 to `max` in plain decimal */
export function readLength (text: string, start: number, end: number, max: number): number {
  let length = -1

  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (!(digit >= 0 && digit <= 9) || length === 0) return -1
    length = length === -1 ? digit : length * 10 + digit
    if (length > max) return -1
  }

  return length
}
