import fc from 'fast-check'
import type { Ip, Ipv4, Ipv6 } from '../../src/address/ip.ts'

/** Unsigned 32 bit, and more often than by chance a value at which masks, signs and runs of zeros go wrong. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 0xff, 0xffff, 0x10000, 0xffff0000, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff })
)

export const ipv4: fc.Arbitrary<Ipv4> = word.map(bits => ({ family: 4, bits }))

/** Never IPv4-mapped: those are IPv4. */
export const ipv6: fc.Arbitrary<Ipv6> = fc.tuple(word, word, word, word)
  .filter(([a, b, c]) => a !== 0 || b !== 0 || c !== 0xffff)
  .map(([a, b, c, d]) => ({ family: 6, a, b, c, d }))

export const ip: fc.Arbitrary<Ip> = fc.oneof(ipv4, ipv6)

/** An address and a prefix length that fits it. */
export const ipv4AndLength = fc.tuple(ipv4, fc.integer({ min: 0, max: 32 }))
export const ipv6AndLength = fc.tuple(ipv6, fc.integer({ min: 0, max: 128 }))
export const ipAndLength = fc.oneof<[fc.Arbitrary<[Ip, number]>, fc.Arbitrary<[Ip, number]>]>(ipv4AndLength, ipv6AndLength)

/** Two addresses that share their first bits, as far as `shared` says, so that a range is met as often as missed. */
export const ipv4Pair = fc.tuple(ipv4, ipv4, fc.integer({ min: 0, max: 32 }))
  .map(([one, other, shared]): [Ipv4, Ipv4] => [one, joinIpv4(one, other, shared)])

export const ipv6Pair = fc.tuple(ipv6, ipv6, fc.integer({ min: 0, max: 128 }))
  .map(([one, other, shared]): [Ipv6, Ipv6] => [one, joinIpv6(one, other, shared)])
  .filter(([, { a, b, c }]) => a !== 0 || b !== 0 || c !== 0xffff)

/** Valid addresses as text, in the notations that people and programs use, zones included. */
export const ipText = fc.oneof(fc.ipV4(), fc.ipV6(), fc.tuple(fc.ipV6(), fc.constantFrom('%eth0', '%1', '%en-0.1')).map(parts => parts.join('')))

/** Text made of the chars that addresses are made of. */
export const ipLikeText = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEFgG:.%/- '), maxLength: 48, size: 'max' })

/** A valid address with a few chars of it replaced: most of the ways to be nearly right. */
export const brokenIpText = fc.tuple(ipText, fc.nat(), fc.nat({ max: 3 }), fc.string({ unit: fc.constantFrom(...'0159afAFg:.%/ \0é'), maxLength: 3 }))
  .map(([text, position, removed, added]) => {
    const at = position % (text.length + 1)
    return text.slice(0, at) + added + text.slice(at + removed)
  })

function joinIpv4 (head: Ipv4, tail: Ipv4, length: number): Ipv4 {
  const bits = (BigInt(head.bits) & highBits(length, 32)) | (BigInt(tail.bits) & ~highBits(length, 32))

  return { family: 4, bits: Number(bits) }
}

function joinIpv6 (head: Ipv6, tail: Ipv6, length: number): Ipv6 {
  return fromBigInt((toBigInt(head) & highBits(length, 128)) | (toBigInt(tail) & ~highBits(length, 128)))
}

/** The first `length` of `width` bits: the slow and obvious way, to check the quick one against. */
export function highBits (length: number, width: number): bigint {
  return (2n ** BigInt(length) - 1n) << BigInt(width - length)
}

export function toBigInt ({ a, b, c, d }: Ipv6): bigint {
  return BigInt(a) << 96n | BigInt(b) << 64n | BigInt(c) << 32n | BigInt(d)
}

export function fromBigInt (bits: bigint): Ipv6 {
  const wordAt = (shift: bigint): number => Number(bits >> shift & 0xffffffffn)

  return { family: 6, a: wordAt(96n), b: wordAt(64n), c: wordAt(32n), d: wordAt(0n) }
}
