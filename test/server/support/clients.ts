import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect as http2Connect } from 'node:http2'
import { Agent as SecureAgent, request as httpsRequest } from 'node:https'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { IncomingHttpHeaders } from 'node:http'
import type { ServerProtocol } from './servers.ts'

/** How a connection ended: all it was sent, and by what it was broken off. */
export interface Ended {
  readonly text: string
  readonly code: string | undefined
}

export interface Dialled {
  readonly socket: Socket
  /** Resolves with what came, once that is at least `text`. */
  heard (text: string): Promise<string>
  readonly ended: Promise<Ended>
}

/** A socket that keeps all it hears, over TCP or, with `path`, a Unix socket. */
export function dial (options: NetConnectOpts, secure = false): Dialled {
  const socket = secure ? tlsConnect({ ...options, rejectUnauthorized: false } as never) as Socket : connect(options)
  let text = ''
  let code: string | undefined
  const waiting = new Set<() => void>()

  socket.setEncoding('latin1')
  socket.on('data', (piece: string) => {
    text += piece
    waiting.forEach(look => { look() })
  })
  socket.on('error', (error: NodeJS.ErrnoException) => { code = error.code })
  const ended = once(socket, 'close').then(() => ({ text, code }), () => ({ text, code }))

  return {
    socket,
    ended,
    heard: async wanted => new Promise((resolve, reject) => {
      const look = (): void => { if (text.includes(wanted)) resolve(text) }
      waiting.add(look)
      look()
      void ended.then(() => { reject(new Error(`Closed (${code}) after ${JSON.stringify(text)}, without ${JSON.stringify(wanted)}`)) })
    })
  }
}

export interface Reply {
  /** `refused` is any end without an answer. */
  readonly status: number | 'refused'
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly code?: string | undefined
}

export interface Asking {
  readonly port: number
  readonly path?: string
  readonly localAddress?: string
  readonly headers?: Record<string, string>
}

/** One request on a connection of its own. */
export async function ask (protocol: ServerProtocol, asking: Asking): Promise<Reply> {
  if (protocol === 'http2' || protocol === 'http2 over TLS') return askHttp2(protocol === 'http2 over TLS', asking)
  const send = protocol === 'https' ? httpsRequest : httpRequest

  return new Promise(resolve => {
    const req = send({ host: '127.0.0.1', agent: false, rejectUnauthorized: false, ...asking }, res => {
      let body = ''
      res.setEncoding('latin1')
      res.on('data', (piece: string) => { body += piece })
      res.on('close', () => { resolve({ status: res.statusCode ?? 0, headers: res.headers, body }) })
    })

    req.on('error', (error: NodeJS.ErrnoException) => { resolve({ status: 'refused', headers: {}, body: '', code: error.code }) })
    req.end()
  })
}

/** Milliseconds that each of some requests took, one after another, on new connections every time: it is the accept that could be held up. */
export async function timeRequests (protocol: 'http' | 'https', port: number, count: number): Promise<number[]> {
  const agent = protocol === 'https' ? new SecureAgent({ keepAlive: false }) : new Agent({ keepAlive: false })
  const send = protocol === 'https' ? httpsRequest : httpRequest
  const times: number[] = []

  for (let at = 0; at < count; at++) {
    const begun = performance.now()
    await new Promise<void>((resolve, reject) => {
      send({ host: '127.0.0.1', port, agent, rejectUnauthorized: false, localAddress: '127.0.0.9' }, res => {
        res.resume()
        res.on('close', () => { resolve() })
      }).on('error', reject).end()
    })
    times.push(performance.now() - begun)
  }

  return times
}

async function askHttp2 (secure: boolean, { port, path = '/', localAddress, headers = {} }: Asking): Promise<Reply> {
  const address = { host: '127.0.0.1', port, ...localAddress != null && { localAddress } }
  const session = http2Connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, {
    createConnection: () => secure ? tlsConnect({ ...address, rejectUnauthorized: false, ALPNProtocols: ['h2'] }) : connect(address)
  })

  return new Promise(resolve => {
    const refused = (error?: NodeJS.ErrnoException): void => { resolve({ status: 'refused', headers: {}, body: '', code: error?.code }) }
    session.on('error', refused)
    session.on('close', () => { refused() })
    const stream = session.request({ ':path': path, ...headers })
    let body = ''
    let head: IncomingHttpHeaders & { ':status'?: number } = {}

    stream.setEncoding('latin1')
    stream.on('response', received => { head = received as typeof head })
    stream.on('data', (piece: string) => { body += piece })
    stream.on('error', refused)
    stream.on('close', () => {
      if (head[':status'] != null) resolve({ status: head[':status'], headers: head, body })
      session.close()
    })
    stream.end()
  })
}
