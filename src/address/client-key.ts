import { formatPrefix } from './prefix.ts'
import type { Ip } from './ip.ts'

// A file of its own, because loading multiaddr, which `client.ts` needs, takes 50 ms that a plain server need not wait for.

/**
 * Whom a connection counts against: an address, the relay that carries it, or, where there is neither, its transport.
 */
export type Client = IpClient | RelayClient | TransportClient

export interface IpClient {
  readonly kind: 'ip'
  readonly ip: Ip
  readonly transport: Transport
}

/** A relayed connection comes from the relay's IP, so that IP says nothing about the client and must not pay for it. */
export interface RelayClient {
  readonly kind: 'relay'

  /** The relay's peer id, as `PeerId.toString()` writes it. */
  readonly relay: string

  readonly transport: 'relay'
}

export interface TransportClient {
  readonly kind: 'transport'
  readonly transport: Transport
}

/** How a connection came. `relay` is through another peer, `unknown` an address that names no transport we know. */
export type Transport = 'tcp' | 'ws' | 'quic' | 'webrtc' | 'relay' | 'memory' | 'unix' | 'unknown'

declare const clientKeyBrand: unique symbol

/** A client as text, for maps, events and people: `192.0.2.1`, `2001:db8:1:200::/56`, `relay:12D3…`, `transport:memory`. */
export type ClientKey = string & { readonly [clientKeyBrand]: true }

/**
 * How much of an address is one client. A home gets an IPv6 /56 or more from its provider (RFC 6177, RIPE-690) and every host in it
 * changes its address at will, so anything longer would count one client many times over.
 */
export const CLIENT_PREFIX_LENGTH = { 4: 32, 6: 56 } as const

export function clientKey (client: Client): ClientKey {
  return keyText(client) as ClientKey
}

function keyText (client: Client): string {
  switch (client.kind) {
    case 'ip': return formatPrefix(client.ip, CLIENT_PREFIX_LENGTH[client.ip.family])
    case 'relay': return `relay:${client.relay}`
    case 'transport': return `transport:${client.transport}`
    default: return client satisfies never
  }
}
