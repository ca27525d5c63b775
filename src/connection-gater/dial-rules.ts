import { CODE_P2P, CODE_TLS, CODE_WS, CODE_WSS } from '@multiformats/multiaddr'
import { cidrContains, parseCidr } from '../address/cidr.ts'
import { peerText } from '../address/client.ts'
import type { Ip } from '../address/ip.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Ranges that mean nothing on the internet, or another host there than here (the IANA's special-purpose registries). Whoever dials them from a
 * data centre because a peer announced them scans his host's network, and hears of it.
 */
const PRIVATE = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16', '198.18.0.0/15', '240.0.0.0/4',
  '::/128', '::1/128', 'fc00::/7', 'fe80::/10'
].map(parseCidr)

export function isPrivate (ip: Ip): boolean {
  return PRIVATE.some(range => cidrContains(range, ip))
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
