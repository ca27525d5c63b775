import { multiaddr } from '@multiformats/multiaddr'
import type { MultiaddrConnection } from '@libp2p/interface'

/** An inbound connection before its handshake, as light as may be: what is measured is not an EventTarget. */
export type MockSocket = MultiaddrConnection & { readonly close: () => void }

export function mockSocket (ip: string): MockSocket {
  let onClose: ((event: object) => void) | undefined

  const socket = {
    status: 'open',
    direction: 'inbound',
    remoteAddr: multiaddr(`/ip4/${ip}/tcp/4001`),
    timeline: { open: 0 },
    addEventListener: (_: string, listener: (event: object) => void) => { onClose = listener },
    abort: () => {},
    close: () => { onClose?.({}) }
  }
  return socket as unknown as MockSocket
}

/** So many different addresses, scattered over all networks, the same in every run; as a socket gives them, in one piece. */
export function scatteredAddress (at: number): string {
  const bits = Math.imul(at, 0x9e3779b1) >>> 0

  return Buffer.from(`${bits >>> 24}.${bits >>> 16 & 255}.${bits >>> 8 & 255}.${bits & 255}`).toString('latin1')
}
