import { formatIpv4, readIpv4 } from './ipv4-text.ts'
import { formatIpv6, GROUPS, readIpv6, zoneStart } from './ipv6-text.ts'

/**
 * An IP address as numbers. An IPv4-mapped IPv6 address (`::ffff:0:0/96`) is its IPv4 address, so one client has one `Ip` however its
 * socket was opened.
 */
export type Ip = Ipv4 | Ipv6

/** An IPv4 address as one unsigned number. */
export interface Ipv4 {
  readonly family: 4

  /** Unsigned 32 bit. */
  readonly bits: number
}

/** Four unsigned 32-bit words, most significant first. */
export interface Ipv6 {
  readonly family: 6
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
}

/** How many bits an address has, which is the longest prefix. */
export const BITS = { 4: 32, 6: 128 } as const

/** Made once, because this runs for every connection; `parseIp` is synchronous and never calls itself. */
const groups = new Uint16Array(GROUPS)

/**
 * Reads an address as sockets report it and operators write it, and nothing else: `undefined` for octal, hexadecimal and short IPv4
 * (`010.0.0.1`, `0x0a000001`, `10.1`), blanks, ports, brackets, prefix lengths and host names. Accepts exactly what `net.isIP` does.
 *
 * The zone of an IPv6 address is dropped: it names an interface of ours, not the client.
 *
 * @example
 *
 * ```ts
 * parseIp('192.0.2.1') // { family: 4, bits: 0xc0000201 }
 * parseIp('::ffff:c000:201') // the same
 * parseIp('192.0.2.01') // undefined
 * ```
 */
export function parseIp (text: string): Ip | undefined {
  // Nearly nobody sends a zone, so it is looked for last.
  return readIp(text, 0, text.length) ?? ipv6Of(text, 0, zoneStart(text))
}

/** The same for what stands between `start` and `end`, which must not have a zone. */
export function readIp (text: string, start: number, end: number): Ip | undefined {
  const bits = readIpv4(text, start, end)

  return bits === -1 ? ipv6Of(text, start, end) : { family: 4, bits }
}

/** The one text of an address: dotted decimal, or RFC 5952 in lower case. */
export function formatIp (ip: Ip): string {
  return ip.family === 4 ? formatIpv4(ip.bits) : formatIpv6(ip.a, ip.b, ip.c, ip.d)
}

function ipv6Of (text: string, start: number, end: number): Ip | undefined {
  if (!readIpv6(text, start, end, groups)) return undefined

  const a = word(0)
  const b = word(2)
  const c = word(4)
  const d = word(6)

  return a === 0 && b === 0 && c === 0xffff ? { family: 4, bits: d } : { family: 6, a, b, c, d }
}

function word (at: number): number {
  return (groups[at]! << 16 | groups[at + 1]!) >>> 0
}
