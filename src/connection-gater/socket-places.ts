import { CODE_TCP } from '@multiformats/multiaddr'
import { parseIp } from '../address/ip.ts'
import { formatIp } from '../address/ip.ts'
import { localEndOf } from './websocket.ts'
import type { Held } from './held.ts'
import type { Client } from '../address/client-key.ts'
import type { SocketAddress } from '../limiter/ports.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

interface SocketHeld {
  readonly remote: SocketAddress
  readonly held: Held
}

/**
 * Sockets of `/ws` listeners, which hold a place before they are WebSockets: found again by the addresses and ports that both have. As many
 * as there are such sockets.
 */
export class SocketPlaces {
  readonly #byRemote = new Map<string, SocketHeld[]>()

  add (remote: SocketAddress, held: Held): void {
    const key = keyOf(remote.address, remote.port)
    const others = this.#byRemote.get(key)

    if (others == null) this.#byRemote.set(key, [{ remote, held }])
    else others.push({ remote, held })
  }

  delete ({ address, port }: SocketAddress, held: Held): void {
    const key = keyOf(address, port)
    const left = this.#byRemote.get(key)?.filter(one => one.held !== held) ?? []

    if (left.length === 0) this.#byRemote.delete(key)
    else this.#byRemote.set(key, left)
  }

  /** The place of the socket that this WebSocket comes over, while it is nobody's yet. */
  find (maConn: MultiaddrConnection, client: Client): Held | undefined {
    if (this.#byRemote.size === 0 || client.kind !== 'ip' || client.transport !== 'ws') return undefined
    const port = maConn.remoteAddr.getComponents().find(({ code }) => code === CODE_TCP)?.value
    const { localAddress, localPort } = localEndOf(maConn)

    return this.#byRemote.get(keyOf(formatIp(client.ip), Number(port)))?.find(({ remote, held }) => held.state === 'pending' && held.timeline == null &&
      (localPort == null || remote.localPort == null || (localPort === remote.localPort && localAddress === remote.localAddress)))?.held
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
