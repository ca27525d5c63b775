import { CODE_DNS, CODE_DNS4, CODE_DNS6, CODE_DNSADDR, CODE_P2P, CODE_TLS, CODE_WS, CODE_WSS } from '@multiformats/multiaddr'
import { cidrContains, parseCidr } from '../address/cidr.ts'
import { clientOf, peerText } from '../address/client.ts'
import { parseIp } from '../address/ip.ts'
import type { Client } from '../address/client-key.ts'
import type { Ip } from '../address/ip.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Ranges that mean nothing on the internet, or another host there than here: the IANA's special-purpose registries, all that js-libp2p's own default
 * refuses, and multicast. Whoever dials them from a data centre because a peer announced them scans his host's network, and hears of it.
 */
const PRIVATE = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
  '::/96', '64:ff9b:1::/48', '100::/64', '2001::/32', '2001:20::/28', '2001:db8::/32', '2002::/16', '3fff::/20', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'
].map(parseCidr)

/** IPv4 through a translator of the network's: what matters is the address within. */
const TRANSLATED = parseCidr('64:ff9b::/96')

const NAMES: ReadonlySet<number> = new Set([CODE_DNS, CODE_DNS4, CODE_DNS6, CODE_DNSADDR])

export function isPrivate (ip: Ip): boolean {
  if (ip.family === 6 && cidrContains(TRANSLATED, ip)) return isPrivate({ family: 4, bits: ip.d })
  return PRIVATE.some(range => cidrContains(range, ip))
}

/** Whom a dial reaches: an IP address that is written where a name belongs is dialled as that address. */
export function dialled (address: Multiaddr): Client {
  const client = clientOf(address)
  if (client.kind !== 'transport') return client

  const ip = namesIn(address).map(parseIp).find(ip => ip != null)
  return ip == null ? client : { kind: 'ip', ip, transport: client.transport }
}

/**
 * Ourselves by name (RFC 6761), or a number: what ends in one is no name but an IPv4 address, written as resolvers understand it and we do not
 * (`127.1`, `0x7f000001`). Other names are resolved by the transport, behind us.
 */
export function isLocalName (address: Multiaddr): boolean {
  return namesIn(address).some(name => /(?:^|\.)(?:localhost|\d+|0x[\da-f]*)\.?$/i.test(name))
}

function namesIn (address: Multiaddr): string[] {
  return address.getComponents().flatMap(({ code, value }) => NAMES.has(code) && value != null ? [value] : [])
}

/** A WebSocket without TLS, which a browser's page may not dial. */
export function isInsecure (address: Multiaddr): boolean {
  const codes = address.getComponents().map(({ code }) => code)

  return codes.includes(CODE_WS) && !codes.includes(CODE_WSS) && !codes.includes(CODE_TLS)
}

/** The peer that an address ends at, as blocks and trust know it, however it is written there. */
export function targetOf (address: Multiaddr): string | undefined {
  const text = address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value

  return text == null ? undefined : peerText(text)
}
