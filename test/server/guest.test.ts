import { connect as http2Connect } from 'node:http2'
import { connect } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { clientAddress } from '../../src/server/client-address.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { until } from '../support/until.ts'
import { ask, dial } from './support/clients.ts'
import { createHttp, createRaw, HTTP_PROTOCOLS, listen } from './support/servers.ts'
import type { Rate } from '../../src/limiter/rate.ts'
import type { LimitConnectionsOptions } from '../../src/server/options.ts'

const HOST = '127.0.0.1'
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const from = (client: string): string => `PROXY TCP4 ${client} 198.51.100.1 4711 80\r\n`
const never = (limit: number): Rate => ({ strategy: 'fixed-window', limit, window: 60_000 })

describe('a proxy\'s header that one limiter has read', () => {
  it.each<[string, LimitConnectionsOptions]>([['tells', {}], ['refuses without a word', { onDeny: 'reset' }]])('is the client of a limiter behind it that %s', async (_, options) => {
    const [inner, outer] = [connectionLimiter({ maxConnsPerIp: 1 }), connectionLimiter()]
    const server = createHttp('http', (req, res) => { res.end(`for ${clientAddress(req.socket)}`) })
    limitConnections(server, inner, options)
    limitConnections(server, outer, { proxyProtocol: { from: [HOST] } })
    const port = await listen(server)
    const ofProxy = dial({ port, host: HOST })
    ofProxy.socket.write(`PROXY UNKNOWN\r\n${GET}`)
    await ofProxy.heard(`for ${HOST}`)

    for (const client of ['192.0.2.1', '192.0.2.2']) {
      const one = dial({ port, host: HOST })
      one.socket.write(`${from(client)}${GET}`)
      await one.heard(`for ${client}`)
    }

    const second = dial({ port, host: HOST })
    second.socket.write(`${from('192.0.2.1')}${GET}`)
    expect((await second.ended).text).not.toContain('for')
    expect(inner.inspect().prefixes).toEqual({ [HOST]: 1, '192.0.2.1': 1, '192.0.2.2': 1 })
  })

  it('is the client where the connection was handed to TLS and HTTP/2', async () => {
    const gate = securityGate()
    const limit = limitRequests(gate)
    const inner = createHttp('http2 over TLS', (req, res) => { res.end(limit(req, res) ? `for ${clientAddress((req as never as { stream: { session: object } }).stream.session)}` : undefined) })
    const front = createRaw(false, socket => { inner.emit('connection', socket) })
    limitConnections(front, connectionLimiter(), { proxyProtocol: { from: [HOST] } })
    const raw = connect({ port: await listen(front), host: HOST })
    raw.write(from('192.0.2.1'))
    const session = http2Connect(`https://${HOST}`, { createConnection: () => tlsConnect({ socket: raw, ALPNProtocols: ['h2'], rejectUnauthorized: false }) })
    onTestFinished(() => { session.destroy() })

    expect((await session.on('error', () => {}).request({ ':path': '/' }).toArray()).join('')).toBe('for 192.0.2.1')
    expect([gate.numOpen('192.0.2.1'), gate.numOpen(HOST)]).toEqual([1, 0])
  })
})

describe.each(HTTP_PROTOCOLS)('a socket that is handed to %s', protocol => {
  it.each([['guards', true], ['does not guard', false]])('has one place where the gate %s the second server, too', async (_, isInnerGuarded) => {
    const gate = securityGate({ maxConnsPerIp: 1 })
    const limit = limitRequests(gate)
    const inner = createHttp(protocol, (req, res) => { res.end(limit(req, res) ? 'inside' : undefined) })
    const front = createRaw(false, socket => { inner.emit('connection', socket) })
    limitConnections(front, gate)
    for (const server of [inner].filter(() => isInnerGuarded)) limitConnections(server, gate)

    expect(await ask(protocol, { port: await listen(front) })).toMatchObject({ status: 200, body: 'inside' })
    expect(gate.inspect().denied).toEqual({})
    await until('it is over', () => gate.inspect().open === 0)
  })
})

describe('streams of a socket that is handed to HTTP/2', () => {
  it('are limited', async () => {
    const gate = securityGate({ clientRequestRate: never(1) })
    const inner = createHttp('http2', (_, res) => { res.end('inside') })
    const front = createRaw(false, socket => { inner.emit('connection', socket) })
    limitConnections(inner, gate)
    limitConnections(front, gate)
    const port = await listen(front)

    expect([(await ask('http2', { port })).status, (await ask('http2', { port })).status]).toEqual([200, 429])
  })
})

describe('a socket that has closed when it is handed over', () => {
  it('takes no place', async () => {
    const limiter = connectionLimiter()
    const inner = createHttp('http', () => {})
    let handedOver = 0
    const front = createRaw(false, socket => {
      socket.resume().on('close', () => {
        inner.emit('connection', socket)
        handedOver++
      })
    })
    limitConnections(inner, limiter, { sweepInterval: Infinity })
    dial({ port: await listen(front), host: HOST }).socket.end()

    await until('it is handed over', () => handedOver === 1)
    expect(limiter.inspect().open).toBe(0)
  })
})
