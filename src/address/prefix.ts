import { BITS, formatIp } from './ip.ts'
import type { Ip, Ipv6 } from './ip.ts'

declare const prefixKeyBrand: unique symbol

/**
 * A prefix as a key of a `Map`. Only comparable with keys of the same family and length, so keep one `Map` for each level.
 *
 * IPv4 is a small integer, the fastest key there is. IPv6 is a string of char codes and not a number on purpose: one host may own 2^80
 * addresses and choose among them, and engines hash strings with a secret seed but numbers without.
 */
export type PrefixKey = (number | string) & { readonly [prefixKeyBrand]: true }

/**
 * @param length - 0 to 32 or 0 to 128 by the address's family; the caller has checked it
 */
export function prefixKey (ip: Ip, length: number): PrefixKey {
  return (ip.family === 4 ? ip.bits & wordMask(length) : ipv6Key(ip, length)) as PrefixKey
}

/** As operators write it: `10.1.2.0/24`, `2001:db8::/48`, and the bare address at full length. */
export function formatPrefix (ip: Ip, length: number): string {
  return length === BITS[ip.family] ? formatIp(ip) : `${formatIp(maskIp(ip, length))}/${length}`
}

/** Clears the host bits. */
export function maskIp (ip: Ip, length: number): Ip {
  if (ip.family === 4) {
    return { family: 4, bits: (ip.bits & wordMask(length)) >>> 0 }
  }

  return {
    family: 6,
    a: (ip.a & wordMask(length)) >>> 0,
    b: (ip.b & wordMask(length - 32)) >>> 0,
    c: (ip.c & wordMask(length - 64)) >>> 0,
    d: (ip.d & wordMask(length - 96)) >>> 0
  }
}

/**
 * The bits of one word that a prefix of `length` covers, counted from that word's start: none when it ends before the word, all when it
 * reaches beyond. A plain shift would take both for a shift by nothing.
 *
 * @returns signed 32 bit, to be used with `&`
 */
export function wordMask (length: number): number {
  if (length <= 0) return 0
  if (length >= 32) return -1
  return -1 << (32 - length)
}

/** Two chars for each word that the prefix reaches into; `fromCharCode` takes the low 16 bits of what it is given. */
function ipv6Key ({ a, b, c, d }: Ipv6, length: number): string {
  if (length <= 0) return ''

  if (length <= 32) {
    a &= wordMask(length)
    return String.fromCharCode(a >>> 16, a)
  }

  if (length <= 64) {
    b &= wordMask(length - 32)
    return String.fromCharCode(a >>> 16, a, b >>> 16, b)
  }

  if (length <= 96) {
    c &= wordMask(length - 64)
    return String.fromCharCode(a >>> 16, a, b >>> 16, b, c >>> 16, c)
  }

  d &= wordMask(length - 96)
  return String.fromCharCode(a >>> 16, a, b >>> 16, b, c >>> 16, c, d >>> 16, d)
}
