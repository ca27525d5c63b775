import {
  CODE_IP4, CODE_IP6, CODE_MEMORY, CODE_P2P, CODE_P2P_CIRCUIT, CODE_P2P_WEBRTC_DIRECT, CODE_P2P_WEBRTC_STAR, CODE_P2P_WEBSOCKET_STAR, CODE_QUIC,
  CODE_QUIC_V1, CODE_TCP, CODE_UNIX, CODE_WEBRTC, CODE_WEBRTC_DIRECT, CODE_WEBTRANSPORT, CODE_WS, CODE_WSS, registry
} from '@multiformats/multiaddr'
import { parseIp } from './ip.ts'
import type { Client, RelayClient, Transport, TransportClient } from './client-key.ts'
import type { Ip } from './ip.ts'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/** The topmost layer that is in this table names the transport: `/tcp/443/tls/ws` is `ws`. */
const TRANSPORTS: ReadonlyMap<number, Transport> = new Map([
  [CODE_TCP, 'tcp'],
  [CODE_WS, 'ws'],
  [CODE_WSS, 'ws'],
  [CODE_P2P_WEBSOCKET_STAR, 'ws'],
  [CODE_QUIC, 'quic'],
  [CODE_QUIC_V1, 'quic'],
  [CODE_WEBTRANSPORT, 'quic'],
  [CODE_WEBRTC, 'webrtc'],
  [CODE_WEBRTC_DIRECT, 'webrtc'],
  [CODE_P2P_WEBRTC_DIRECT, 'webrtc'],
  [CODE_P2P_WEBRTC_STAR, 'webrtc'],
  [CODE_MEMORY, 'memory'],
  [CODE_UNIX, 'unix']
])

/**
 * Answers for every multiaddr and never throws. An address that passes through a relay belongs to the relay, also where WebRTC follows
 * (`/p2p-circuit/webrtc`): what it becomes is a new connection with an address of its own.
 */
export function clientOf (multiaddr: Multiaddr): Client {
  const components = multiaddr.getComponents()
  let transport: Transport = 'unknown'
  let ip: Ip | undefined
  let circuit = -1

  for (let at = 0; at < components.length; at++) {
    const { code, value = '' } = components[at]!

    if (code === CODE_P2P_CIRCUIT) {
      circuit = at
    } else if (code === CODE_IP4 || code === CODE_IP6) {
      // What follows the first one is behind it.
      ip ??= parseIp(value)
    } else {
      transport = TRANSPORTS.get(code) ?? transport
    }
  }

  if (circuit !== -1) return relayClient(components[circuit - 1])
  return ip == null ? { kind: 'transport', transport } : { kind: 'ip', ip, transport }
}

/** @param hop - what stands before the last `/p2p-circuit`; "some relay" is all we know when that is not a peer */
function relayClient (hop: Component | undefined): RelayClient | TransportClient {
  if (hop?.code !== CODE_P2P || hop.value == null) return { kind: 'transport', transport: 'relay' }
  return { kind: 'relay', relay: peerText(hop.value), transport: 'relay' }
}

/** One peer, one key: a peer id may also be written as a CID, which becomes the base58 of its multihash, as in a multiaddr's bytes. */
export function peerText (text: string): string {
  if (text.startsWith('1') || text.startsWith('Q')) return text

  try {
    const p2p = registry.getProtocol(CODE_P2P)
    const bytes = p2p.valueToBytes?.(text)

    return bytes == null ? text : p2p.bytesToValue?.(bytes) ?? text
  } catch {
    // A multiaddr made from text was never asked whether its peer id is one.
    return text
  }
}
