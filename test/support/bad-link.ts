import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

export interface BadLink {
  readonly port: number

  /** From here on what either side says is lost, its FIN too. All sockets stay open. */
  lose (): void

  /** From here on nothing that the server sends is read. All sockets stay open. */
  stall (): void
  stop (): Promise<void>
}

/** A TCP relay in front of a server on loopback. */
export async function badLink (to: number): Promise<BadLink> {
  const clients: Socket[] = []
  const upstreams: Socket[] = []

  const server = createServer({ allowHalfOpen: true }, client => {
    const upstream = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
    client.pipe(upstream)
    upstream.pipe(client)
    clients.push(client)
    upstreams.push(upstream)

    for (const socket of [client, upstream]) socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    port: (server.address() as AddressInfo).port,

    lose: () => {
      for (const socket of [...clients, ...upstreams]) socket.unpipe().resume()
    },

    stall: () => {
      for (const socket of upstreams) socket.unpipe().pause()
    },

    stop: async () => {
      for (const socket of [...clients, ...upstreams]) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}
