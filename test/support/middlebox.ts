import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** How long somebody waits who dials alone. */
const PATIENCE = 150

export interface Middlebox {
  /** Where A is dialled, and where B is. */
  readonly ports: readonly [number, number]

  /** Dials that met, two of which make one. */
  readonly joined: number

  /** Dials that met nobody. */
  readonly refused: number
  stop (): void
}

/**
 * Two address translators in one, as far as a hole punch sees them: who dials alone is refused, and where both dial each other, both dials come
 * through and are one connection, which nobody has accepted. The system's own simultaneous open cannot be had here: on loopback the first SYN is
 * answered with a reset before the second can leave.
 */
export async function middlebox (): Promise<Middlebox> {
  const waiting: [Socket[], Socket[]] = [[], []]
  const sockets = new Set<Socket>()
  let [joined, refused] = [0, 0]

  function arrive (side: 0 | 1, socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => { sockets.delete(socket) })
    const partner = waiting[1 - side]!.shift()

    if (partner == null) wait(side, socket)
    else join(socket, partner)
  }

  function wait (side: 0 | 1, socket: Socket): void {
    waiting[side].push(socket)

    setTimeout(() => {
      const at = waiting[side].indexOf(socket)
      if (at === -1) return

      waiting[side].splice(at, 1)
      refused++
      socket.resetAndDestroy()
    }, PATIENCE)
  }

  function join (one: Socket, other: Socket): void {
    joined += 2
    one.pipe(other)
    other.pipe(one)
    one.on('close', () => { other.destroy() })
    other.on('close', () => { one.destroy() })
  }

  const servers = await Promise.all(([0, 1] as const).map(async side => listen(socket => { arrive(side, socket) })))

  return {
    ports: servers.map(server => (server.address() as AddressInfo).port) as [number, number],
    get joined () { return joined },
    get refused () { return refused },

    stop: () => {
      for (const server of servers) server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

async function listen (onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, onSocket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
