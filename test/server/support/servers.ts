import { once } from 'node:events'
import { createServer as httpServer } from 'node:http'
import { createSecureServer, createServer as http2Server } from 'node:http2'
import { createServer as httpsServer } from 'node:https'
import { createServer as netServer } from 'node:net'
import { createServer as tlsServer } from 'node:tls'
import { onTestFinished } from 'vitest'
import { certificate } from './certificate.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net'

export const HTTP_PROTOCOLS = ['http', 'https', 'http2', 'http2 over TLS'] as const
export type ServerProtocol = typeof HTTP_PROTOCOLS[number]

/** `http2`'s requests and answers are close enough to these. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => void

export function createHttp (protocol: ServerProtocol, handler: Handler): Server {
  switch (protocol) {
    case 'http': return httpServer(handler)
    case 'https': return httpsServer({ ...certificate }, handler)
    case 'http2': return http2Server(handler as never) as Server
    case 'http2 over TLS': return createSecureServer({ ...certificate, allowHTTP1: true }, handler as never) as Server
  }
}

export function createRaw (secure: boolean, onSocket: (socket: Socket) => void): Server {
  const safely = (socket: Socket): void => {
    socket.on('error', () => {})
    onSocket(socket)
  }

  return secure ? tlsServer({ ...certificate }, safely) : netServer(safely)
}

/** Listens until the test is over, and then breaks off whoever is still there. */
export async function listen (server: Server, options: ListenOptions = { port: 0, host: '127.0.0.1' }): Promise<number> {
  const sockets = new Set<Socket>()

  server.prependListener('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => { sockets.delete(socket) })
  })
  server.listen(options)
  await once(server, 'listening')
  onTestFinished(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  })

  const address = server.address()
  return typeof address === 'object' ? (address as AddressInfo).port : 0
}
