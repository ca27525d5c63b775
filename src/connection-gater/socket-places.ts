import { CODE_TCP } from '@multiformats/multiaddr'
import { parseIp } from '../address/ip.ts'
import { formatIp } from '../address/ip.ts'
import type { Held } from './held.ts'
import type { Client } from '../address/client-key.ts'
import type { SocketAddress } from '../limiter/ports.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * Sockets of `/ws` listeners, which hold a place before they are WebSockets: found again by the address and port that both come from. As many
 * as there are such sockets.
 */
export class SocketPlaces {
  readonly #bySocket = new Map<string, Held>()

  get size (): number {
    return this.#bySocket.size
  }

  add (remote: SocketAddress, held: Held): void {
    this.#bySocket.set(keyOf(remote.address, remote.port), held)
  }

  delete (remote: SocketAddress, held: Held): void {
    const key = keyOf(remote.address, remote.port)
    if (this.#bySocket.get(key) === held) this.#bySocket.delete(key)
  }

  /** The socket's place that this WebSocket came to, while it is nobody's yet. */
  find ({ remoteAddr }: MultiaddrConnection, client: Client): Held | undefined {
    if (this.#bySocket.size === 0 || client.kind !== 'ip' || client.transport !== 'ws') return undefined
    const port = remoteAddr.getComponents().find(({ code }) => code === CODE_TCP)?.value
    const held = this.#bySocket.get(keyOf(formatIp(client.ip), Number(port)))

    return held?.state === 'pending' ? held : undefined
  }
}

/** A socket's address as a client's, and whatever cannot be read as one of no address. */
export function clientOfSocket ({ address }: SocketAddress): Client {
  const ip = parseIp(address)

  return ip == null ? { kind: 'transport', transport: 'ws' } : { kind: 'ip', ip, transport: 'ws' }
}

function keyOf (address: string, port: number): string {
  const ip = parseIp(address)
  return `${ip == null ? address : formatIp(ip)} ${port}`
}
