import { parseIp } from '../address/ip.ts'

/** Why bytes are no header. Closed; it is counted, never sent. */
export type ProxyHeaderError = 'no-header' | 'malformed' | 'too-long'

export interface ProxySource {
  /** As `parseIp` reads it. */
  readonly address: string
  readonly port: number
}

/**
 * What the bytes at the beginning of a connection are: a whole header of `length` bytes, the beginning of one, or none. Without a `source`
 * the connection is the proxy's own (`LOCAL`) or its client cannot be told (`UNKNOWN`, Unix): the socket's peer stays the client.
 */
export type ProxyHeader =
  | { readonly kind: 'header', readonly length: number, readonly source?: ProxySource }
  | { readonly kind: 'more' }
  | { readonly kind: 'error', readonly error: ProxyHeaderError }

/** "A 108-byte buffer is always enough to store all the line and a trailing zero": §2.1. */
export const MAX_V1_LENGTH = 107

/** The fixed part and the addresses take 52; the rest is for TLVs, of which load balancers send one or two. §2.2 allows 64 KiB. */
export const MAX_V2_LENGTH = 2_048

const V1 = Uint8Array.from('PROXY ', char => char.charCodeAt(0))
const V2 = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const V2_FIXED = 16
const CR = 0x0d
const LF = 0x0a

const MORE: ProxyHeader = { kind: 'more' }

/**
 * Reads a header of the PROXY protocol, version 1 or 2, as HAProxy's specification writes it, and never looks beyond it. Strict: one blank
 * between fields, ports without leading zeros, addresses of the family that is named. For any bytes at all it answers, and in time that is
 * bounded by the longest header.
 */
export function readProxyHeader (bytes: Uint8Array): ProxyHeader {
  if (isPrefix(bytes, V1)) return readV1(bytes)
  if (isPrefix(bytes, V2)) return readV2(bytes)
  return failed('no-header')
}

/** Whether these bytes are a header's beginning: true, not yet known (undefined), or false. */
export function looksLikeProxyHeader (bytes: Uint8Array): boolean | undefined {
  const signature = bytes[0] === V1[0] ? V1 : V2

  if (!isPrefix(bytes, signature)) return false
  return bytes.length >= signature.length ? true : undefined
}

/** Whether one begins with the other, whichever is longer. */
function isPrefix (bytes: Uint8Array, signature: Uint8Array): boolean {
  const length = Math.min(bytes.length, signature.length)

  for (let at = 0; at < length; at++) {
    if (bytes[at] !== signature[at]) return false
  }

  return true
}

function readV1 (bytes: Uint8Array): ProxyHeader {
  const end = Math.min(bytes.length, MAX_V1_LENGTH)
  let text = ''

  for (let at = 0; at < end; at++) {
    const code = bytes[at]!
    if (code === LF) return text.endsWith('\r') ? readLine(text.slice(0, -1), at + 1) : failed('malformed')
    if (code > 0x7e || (code < 0x20 && code !== CR)) return failed('malformed')
    text += String.fromCharCode(code)
  }

  return bytes.length >= MAX_V1_LENGTH ? failed('too-long') : MORE
}

function readLine (line: string, length: number): ProxyHeader {
  if (line.includes('\r')) return failed('malformed')
  // "The receiver must ignore anything presented before the CRLF": §2.1.
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) return { kind: 'header', length }

  const [, protocol, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = line.split(' ')
  const isFamily = protocol === 'TCP4' ? isIpv4Text : protocol === 'TCP6' ? isIpv6Text : undefined
  const port = readPort(sourcePort)

  if (isFamily == null || rest.length > 0 || !isFamily(source) || !isFamily(destination)) return failed('malformed')
  if (port === -1 || readPort(destinationPort) === -1) return failed('malformed')
  return { kind: 'header', length, source: { address: source, port } }
}

function isIpv4Text (text: string): boolean {
  return !text.includes(':') && parseIp(text) != null
}

/** A zone is of the machine that wrote it. */
function isIpv6Text (text: string): boolean {
  return text.includes(':') && !text.includes('%') && parseIp(text) != null
}

function readPort (text: string): number {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : -1
}

function readV2 (bytes: Uint8Array): ProxyHeader {
  if (bytes.length < V2_FIXED) return MORE
  const [version, command] = [bytes[12]! >>> 4, bytes[12]! & 0xf]
  const length = V2_FIXED + readWord(bytes, 14)

  if (version !== 2 || command > 1) return failed('malformed')
  if (length > MAX_V2_LENGTH) return failed('too-long')
  if (bytes.length < length) return MORE
  // LOCAL: "the receiver must accept this connection as valid and must use the real connection endpoints": §2.2.
  return command === 0 ? { kind: 'header', length } : readAddresses(bytes, length)
}

/** TCP only: what is sent over anything else is no address of this connection's client, which stays the socket's peer. */
function readAddresses (bytes: Uint8Array, length: number): ProxyHeader {
  const [family, transport] = [bytes[13]! >>> 4, bytes[13]! & 0xf]
  if (family > 3 || transport > 2) return failed('malformed')
  if (length - V2_FIXED < ADDRESS_LENGTHS[family]!) return failed('malformed')
  if (transport !== 1 || (family !== 1 && family !== 2)) return { kind: 'header', length }

  const [size, ports] = family === 1 ? [4, V2_FIXED + 8] : [16, V2_FIXED + 32]
  const address = bytes.subarray(V2_FIXED, V2_FIXED + size)
  return { kind: 'header', length, source: { address: family === 1 ? address.join('.') : ipv6Text(address), port: readWord(bytes, ports) } }
}

/** Unspecified, IPv4, IPv6, Unix. */
const ADDRESS_LENGTHS = [0, 12, 36, 216]

function ipv6Text (bytes: Uint8Array): string {
  return Array.from({ length: 8 }, (_, group) => readWord(bytes, group * 2).toString(16)).join(':')
}

function readWord (bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!
}

function failed (error: ProxyHeaderError): ProxyHeader {
  return { kind: 'error', error }
}
