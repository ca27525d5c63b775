import { once } from 'node:events'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { Server as SocketServer } from 'socket.io'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { until } from '../support/until.ts'
import { ask, dial } from './support/clients.ts'
import { listen } from './support/servers.ts'
import type { RequestListener, Server } from 'node:http'

const HOST = '127.0.0.1'

/** What an application is to its server: a listener. None of them knows of us. */
const APPLICATIONS: Record<string, () => Promise<Server>> = {
  async express () {
    const app = express()
    app.get('/', (_, res) => { res.send('hello') })
    return createServer(app)
  },
  async koa () {
    const app = new Koa()
    app.use(context => { context.body = 'hello' })
    return createServer(app.callback())
  },
  hono: async () => createServer(getRequestListener(new Hono().get('/', context => context.text('hello')).fetch) as RequestListener),
  async fastify () {
    const app = fastify()
    app.get('/', async () => 'hello')
    await app.ready()
    return app.server
  }
}

describe.each(Object.keys(APPLICATIONS))('an application of %s', name => {
  it('answers those who are let in, sees nothing of others, and gives each place back', async () => {
    const server = await APPLICATIONS[name]!()
    const limiter = connectionLimiter({ maxConnsPerIp: 1 })
    limitConnections(server, limiter, { onDeny: 'too-many-requests' })
    const port = await listen(server)
    const kept = dial({ port, host: HOST })
    kept.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')

    expect(await kept.heard('hello')).toContain('200 OK')
    expect(await ask('http', { port })).toMatchObject({ status: 429, headers: { 'retry-after': '1' } })
    expect(await ask('http', { port, localAddress: '127.0.0.2' })).toMatchObject({ status: 200, body: 'hello' })
    kept.socket.destroy()
    await until('nobody is in', () => limiter.inspect().open === 0)
    expect(await ask('http', { port })).toMatchObject({ status: 200 })
    await until('nobody is in again', () => limiter.inspect().open === 0)
  })

  it('limits requests in front of it', async () => {
    const server = await APPLICATIONS[name]!()
    const gate = securityGate({ clientRequestRate: { strategy: 'fixed-window', limit: 2, window: 60_000 } })
    const limit = limitRequests(gate)
    const [application] = server.listeners('request') as RequestListener[]
    server.removeListener('request', application!)
    server.on('request', (req, res) => {
      limit(req, res, () => { application!(req, res) })
    })
    limitConnections(server, gate)
    const port = await listen(server)

    const statuses: unknown[] = []
    for (let i = 0; i < 3; i++) statuses.push((await ask('http', { port })).status)
    expect(statuses).toEqual([200, 200, 429])
  })
})

describe('inject of fastify', () => {
  it('leaves no place taken: its requests come on no connection', async () => {
    const gate = securityGate({ connectRate: false, maxConnsPerIp: 1 })
    const limit = limitRequests(gate)
    const app = fastify()
    app.addHook('onRequest', (req, reply, done) => { limit(req.raw, reply.raw, done) })
    app.get('/', async () => 'hello')
    const statuses: number[] = []
    for (let count = 0; count < 3; count++) statuses.push((await app.inject('/')).statusCode)

    expect(statuses).toEqual([200, 200, 200])
    expect(gate.inspect().open).toBe(0)
  })
})

describe('socket.io', () => {
  it('has a place for as long as a client is connected, over its WebSocket', async () => {
    const server = createServer()
    const limiter = connectionLimiter({ maxConnsPerIp: 1 })
    const sockets = new SocketServer(server)
    sockets.on('connection', socket => {
      socket.on('ask', (what, answer) => { answer(`${what}!`) })
    })
    limitConnections(server, limiter)
    const port = await listen(server)
    const open = () => io(`http://${HOST}:${port}`, { transports: ['websocket'], reconnection: false, forceNew: true })

    const first = open()
    onTestFinished(() => { first.close() })
    await new Promise<void>(resolve => { first.on('connect', resolve) })
    expect([await first.emitWithAck('ask', 'hello'), limiter.numOpen(HOST)]).toEqual(['hello!', 1])

    const second = open()
    await new Promise(resolve => { second.on('connect_error', resolve) })
    expect(limiter.numOpen(HOST)).toBe(1)
    first.close()
    await until('nobody is in', () => limiter.inspect().open === 0)

    const closed = once(server, 'close')
    await sockets.close()
    await closed
  })
})
