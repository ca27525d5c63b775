import express from 'express'
import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { connectionGater } from '../../src/index.ts'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { until } from '../support/until.ts'
import { ask, dial } from './support/clients.ts'
import { createHttp, createRaw, HTTP_PROTOCOLS, listen } from './support/servers.ts'
import { EMPTY } from '../support/empty.ts'
import type { ServerResponse } from 'node:http'
import type { ConnectionLimiter } from '../../src/limiter/connection-limiter.ts'
import type { LimitConnectionsOptions } from '../../src/server/options.ts'
import type { Dialled } from './support/clients.ts'
import type { ServerProtocol } from './support/servers.ts'

const HOST = '127.0.0.1'

async function isZero (limiter: ConnectionLimiter): Promise<void> {
  await until('every count is zero', () => limiter.inspect().open === 0)
  expect(limiter.inspect()).toMatchObject({ open: 0, prefixes: EMPTY, leases: [] })
}

describe.each([['net', false], ['tls', true]])('go-connlimit\'s test of a %s server', (_, secure) => {
  it('denies above the limit, admits after a close, follows a raised limit', async () => {
    const limiter = connectionLimiter({ maxConnsPerIp: 2 })
    const server = createRaw(secure, socket => { socket.write('Hello') })
    const unlimit = limitConnections(server, limiter)
    const port = await listen(server)
    const open = () => dial({ port, host: HOST }, secure)

    const [first, second] = [open(), open()]
    await Promise.all([first.heard('Hello'), second.heard('Hello')])
    expect(await open().ended).toMatchObject({ text: '' })

    first.socket.destroy()
    await until('the place is free', () => limiter.numOpen(HOST) === 1)
    await open().heard('Hello')

    unlimit.setConfig({ maxConnsPerIp: 3 })
    await open().heard('Hello')
    expect(limiter.numOpen(HOST)).toBe(3)
    expect(await open().ended).toMatchObject({ text: '' })
    expect(unlimit.counts()).toEqual({ open: 3, waiting: 0, telling: 0, refused: 2 })
  })
})

describe('go-connlimit\'s fuzz test', () => {
  it('denies exactly 500 of 1,000 connections from 100 addresses at a limit of 5', async () => {
    const limiter = connectionLimiter({ maxConnsPerIp: 5 })
    const server = createRaw(false, socket => { socket.resume() })
    const { counts } = limitConnections(server, limiter)
    const port = await listen(server)
    const clients = Array.from({ length: 1_000 }, (_, at) => dial({ port, host: HOST, localAddress: `127.8.0.${at % 100 + 1}` }))

    await until('all are decided on', () => counts().open + counts().refused === 1_000)
    expect(counts()).toMatchObject({ open: 500, refused: 500 })
    expect(new Set(Object.values(limiter.inspect().prefixes))).toEqual(new Set([5]))
    for (const { socket } of clients) socket.destroy()
    await isZero(limiter)
  })
})

interface Held {
  readonly port: number
  readonly limiter: ConnectionLimiter
  readonly waiting: ServerResponse[]
  readonly unlimit: ReturnType<typeof limitConnections>
}

/** A server whose answers wait until the test gives them. */
async function heldServer (protocol: ServerProtocol, options: LimitConnectionsOptions, maxConnsPerIp = 5): Promise<Held> {
  const limiter = connectionLimiter({ maxConnsPerIp })
  const waiting: ServerResponse[] = []
  const server = createHttp(protocol, (_, res) => { waiting.push(res) })
  const unlimit = limitConnections(server, limiter, options)

  return { port: await listen(server), limiter, waiting, unlimit }
}

describe.each(HTTP_PROTOCOLS)('go-connlimit\'s test of an %s server', protocol => {
  const plain = protocol === 'http'

  it.each<[LimitConnectionsOptions, number | 'refused']>([
    [{ onDeny: 'close' }, 'refused'],
    [{ onDeny: 'reset' }, 'refused'],
    [{ onDeny: 'too-many-requests' }, plain ? 429 : 'refused'],
    [{ onDeny: 'too-many-requests', writeDeadline: 100 }, plain ? 429 : 'refused'],
    [{}, plain ? 429 : 'refused']
  ])('refuses exactly 5 of 10 slow requests with %j', async (options, refusal) => {
    const { port, limiter, waiting, unlimit } = await heldServer(protocol, options)
    const replies = Array.from({ length: 10 }, async () => ask(protocol, { port }))

    await until('5 are in and 5 are not', () => waiting.length === 5 && unlimit.counts().refused === 5)
    for (const res of waiting) res.end('done')
    const statuses = (await Promise.all(replies)).map(({ status }) => status)
    expect(statuses.filter(status => status === 200)).toHaveLength(5)
    expect(statuses.filter(status => status === refusal)).toHaveLength(5)
    expect(waiting).toHaveLength(5)
    await isZero(limiter)
  })
})

describe('a refusal on plain HTTP', () => {
  it('is a complete answer that tells no limit, and then the end', async () => {
    const { port, waiting, unlimit } = await heldServer('http', {}, 0)
    const { headers, body, status } = await ask('http', { port })

    expect([status, headers, body]).toEqual([429, {
      'retry-after': '1', 'connection': 'close', 'content-type': 'text/plain; charset=utf-8', 'content-length': '18'
    }, 'Connection refused'])
    await until('it is over', () => unlimit.counts().telling === 0)
    expect(waiting).toEqual([])
  })

  it('arrives although the client had sent a request and a body already', async () => {
    const { port } = await heldServer('http', {}, 0)
    const client = dial({ port, host: HOST })
    client.socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n${'x'.repeat(30_000)}`)

    expect(await client.heard('Connection refused')).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/)
    expect(await client.ended).toMatchObject({ code: undefined })
  })

  it('ends at the write deadline for a client that never hangs up', async () => {
    const { port, unlimit } = await heldServer('http', { writeDeadline: 50 }, 0)
    const client = dial({ port, host: HOST, allowHalfOpen: true })

    await client.heard('Connection refused')
    expect(unlimit.counts().refused).toBe(1)
    await until('the socket is closed', () => unlimit.counts().telling === 0)
  })

  it('is a word to 256 clients at a time, and none to the others', async () => {
    const { port, unlimit } = await heldServer('http', { writeDeadline: 60_000 }, 0)
    const clients = Array.from({ length: 260 }, () => dial({ port, host: HOST, allowHalfOpen: true }))

    await until('all are refused', () => unlimit.counts().refused === 260)
    expect(unlimit.counts().telling).toBe(256)
    for (const { socket } of clients) socket.destroy()
    await until('all are gone', () => unlimit.counts().telling === 0)
  })
})

describe('a function that refuses', () => {
  it('gets the socket and the verdict', async () => {
    const limiter = connectionLimiter({ maxConnsPerIp: 0 })
    const server = createRaw(false, socket => { socket.write('never') })
    const verdicts: unknown[] = []
    limitConnections(server, limiter, {
      onDeny (socket, verdict) {
        verdicts.push(verdict)
        socket.end('go away')
      }
    })
    const port = await listen(server)

    expect(await dial({ port, host: HOST }).ended).toEqual({ text: 'go away', code: undefined })
    expect(verdicts).toEqual([expect.objectContaining({ allow: false, reason: 'connection-limit', key: HOST })])
  })

  it.each<[string, () => void]>([
    ['closes nothing', () => {}],
    ['throws', () => { throw new Error('mine') }],
    ['rejects', async () => { throw new Error('mine') }]
  ])('that %s loses the socket', async (_, onDeny) => {
    const { port } = await heldServer('http', { onDeny, writeDeadline: 50 }, 0)
    expect(await dial({ port, host: HOST }).ended).toMatchObject({ text: '' })
  })
})

describe('the banned', () => {
  it('are reset by default, and told by request', async () => {
    const gate = securityGate()
    gate.banAddress(HOST, 60_000)
    const [resets, tells] = [createHttp('http', () => {}), createHttp('http', () => {})]
    limitConnections(resets, gate)
    limitConnections(tells, gate, { onDeny: 'too-many-requests' })

    expect((await ask('http', { port: await listen(resets) })).code).toBe('ECONNRESET')
    expect((await ask('http', { port: await listen(tells) })).headers['retry-after']).toBe('60')
  })
})

describe('undoing it', () => {
  it('leaves the server as it was, and whoever is in counted until it closes', async () => {
    const limiter = connectionLimiter({ maxConnsPerIp: 1 })
    const server = createRaw(false, socket => { socket.write('Hello') })
    const before = [Object.getOwnPropertyNames(server), server.emit, server.listenerCount('connection')]
    const unlimit = limitConnections(server, limiter)
    const port = await listen(server)
    const first = dial({ port, host: HOST })
    await first.heard('Hello')

    expect([unlimit(), unlimit()]).toEqual([true, false])
    expect(server.emit).toBe(before[1])
    expect(Object.hasOwn(server, 'emit')).toBe(false)
    await dial({ port, host: HOST }).heard('Hello')
    expect(limiter.numOpen(HOST)).toBe(1)
    first.socket.destroy()
    await isZero(limiter)
  })

  it('works in any order, and under somebody else\'s override', async () => {
    const [inner, outer] = [connectionLimiter({ maxConnsPerIp: 1 }), connectionLimiter({ maxConnsPerIp: 2 })]
    const server = createRaw(false, socket => { socket.write('Hello') })
    const [undoInner, undoOuter] = [limitConnections(server, inner), limitConnections(server, outer)]
    const port = await listen(server)

    await dial({ port, host: HOST }).heard('Hello')
    expect(await dial({ port, host: HOST }).ended).toMatchObject({ text: '' })
    await until('the place that only one of them gave is given back', () => outer.numOpen(HOST) === 1)
    undoInner()
    await dial({ port, host: HOST }).heard('Hello')
    expect([inner.numOpen(HOST), outer.numOpen(HOST)]).toEqual([1, 2])
    undoOuter()
    await dial({ port, host: HOST }).heard('Hello')
    expect([inner.numOpen(HOST), outer.numOpen(HOST)]).toEqual([1, 2])
  })
})

describe('lowered limits', () => {
  it.each([[false, 0, [0, 1, 2]], [true, 2, [0]]] as const)('with closeExisting %s close %d, the newest', async (closeExisting, closed, stay) => {
    const limiter = connectionLimiter()
    const server = createRaw(false, socket => { socket.pipe(socket) })
    const unlimit = limitConnections(server, limiter)
    const port = await listen(server)
    const clients: Dialled[] = []

    for (const name of ['a', 'b', 'c']) {
      const client = dial({ port, host: HOST })
      client.socket.write(name)
      await client.heard(name)
      clients.push(client)
    }

    expect(unlimit.setConfig({ maxConnsPerIp: 1 }, { closeExisting })).toBe(closed)
    expect(unlimit.setConfig({ maxConnsPerIp: 1 }, { closeExisting })).toBe(0)
    await until('they are closed', () => limiter.numOpen(HOST) === 3 - closed)
    for (const at of stay) clients[at]!.socket.write('still here')
    await Promise.all(stay.map(async at => clients[at]!.heard('still here')))
    expect(await dial({ port, host: HOST }).ended).toMatchObject({ text: '' })
  })

  it('close a gate\'s connections, too', async () => {
    const gate = securityGate()
    const server = createHttp('http', (_, res) => { res.end('ok') })
    const unlimit = limitConnections(server, gate)
    const client = dial({ port: await listen(server), host: HOST })
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.heard('ok')

    expect(unlimit.setConfig({ maxConnsPerIp: 0 }, { closeExisting: true })).toBe(1)
    await client.ended
    await until('it is released', () => gate.inspect().open === 0)
  })
})

describe('wrong options', () => {
  it('of setConfig throw, and change nothing', () => {
    const limiter = connectionLimiter({ maxConnsPerIp: 3 })
    const unlimit = limitConnections(createRaw(false, () => {}), limiter)
    const before = limiter.config()

    expect(() => unlimit.setConfig({ maxConnsPerIp: 1 }, { closeExisting: 'no' as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: 'closeExisting' }))
    expect(limiter.config()).toEqual(before)
  })

  it.each<[string, LimitConnectionsOptions]>([
    ['onDeny', { onDeny: 'drop' as never }],
    ['writeDeadline', { writeDeadline: Infinity }],
    ['headerDeadline', { headerDeadline: 1_000 }],
    ['trustedProxies', { trustedProxies: true as never }],
    ['proxyProtocol', { proxyProtocol: true as never }],
    ['sweepInterval', { sweepInterval: 0 }],
    ['releaseOnUpgrade', { releaseOnUpgrade: 'no' as never }],
    ['limitStreams', { limitStreams: 'no' as never }],
    ['clock', { clock: {} as never }]
  ])('%s throws and leaves the server alone', (option, options) => {
    const server = createRaw(false, () => {})
    expect(() => limitConnections(server, connectionLimiter(), options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
    expect(Object.hasOwn(server, 'emit')).toBe(false)
  })

  it.each<[string, unknown, unknown]>([
    ['server', {}, connectionLimiter()],
    ['server', express(), connectionLimiter()],
    ['server', new WebSocketServer({ noServer: true }), connectionLimiter()],
    ['limiter', createRaw(false, () => {}), {}],
    ['limiter', createRaw(false, () => {}), connectionGater()]
  ])('so does something that is no %s', (option, server, limiter) => {
    expect(() => limitConnections(server as never, limiter as never)).toThrow(expect.objectContaining({ option }))
  })
})

describe('the same limiter before two servers', () => {
  it('gives one place to a socket that one server hands to the other', async () => {
    const gate = securityGate({ maxConnsPerIp: 1 })
    const inner = createHttp('http', (_, res) => { res.end('inside') })
    const outer = createRaw(false, socket => { inner.emit('connection', socket) })
    limitConnections(inner, gate)
    limitConnections(outer, gate)
    const port = await listen(outer)

    expect(await ask('http', { port })).toMatchObject({ status: 200, body: 'inside' })
    await until('it is over', () => gate.inspect().open === 0)
  })
})
