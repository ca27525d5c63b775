import { Duplex, PassThrough } from 'node:stream'
import { setImmediate as nextTick } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { handOn, headerEnd, hold } from '../../src/server/hold.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { ask } from './support/clients.ts'
import { createHttp, createRaw, listen } from './support/servers.ts'
import type { Connection } from '../../src/server/sockets.ts'
import type { Heard } from '../../src/server/hold.ts'
import type { LimitConnectionsOptions } from '../../src/server/options.ts'

describe('what was read of a socket that was held', () => {
  it.each([0, 1, 2, 63, 64, 65, 127, 1_000])('is all of it and in its order, after %d pieces and another one', async count => {
    const socket = new PassThrough()
    const bytes = Buffer.from(Array.from({ length: count + 1 }, (_, at) => at % 251))
    let seen = 0
    const { promise, resolve } = Promise.withResolvers<Heard>()
    hold(socket as unknown as Connection, piece => (seen += piece.length) > count, resolve)
    for (const byte of bytes) {
      socket.write(Buffer.of(byte))
      await nextTick()
    }

    expect(await promise).toEqual({ bytes, ended: false })
  })
})

describe('the end of a header', () => {
  it.each([
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', true],
    ['GET / HTTP/1.1\nHost: a\n\n', true],
    ['\r\n\r\nGET / HTTP/1.1\r\n', false],
    ['\r\nGET / HTTP/1.1\r\n\r\n', true],
    ['GET / HTTP/1.1\r\nHost: a\r\n', false],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', true]
  ])('of %j was seen: %s, however it is cut', (text, expected) => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: text.length, maxLength: text.length }), lengths => {
      const isWhole = headerEnd(1_000)
      const bytes = Buffer.from(text)
      let at = 0
      const seen = lengths.map(length => isWhole(bytes.subarray(at, at += length)))
      expect(seen.includes(true)).toBe(expected)
    }), { numRuns: 20 })
  })

  it('is left to the parser once it is too long', () => {
    const isWhole = headerEnd(10)
    expect([isWhole(Buffer.from('GET / HTT')), isWhole(Buffer.from('P'))]).toEqual([false, true])
  })
})

describe('a socket that was held', () => {
  it('stays paused where its owner pauses it', async () => {
    const socket = new PassThrough()
    const heard: string[] = []
    const owned = new Promise<void>(resolve => {
      hold(socket, () => true, ({ bytes }) => {
        handOn(socket, bytes, () => {
          socket.on('data', piece => { heard.push(String(piece)) })
          socket.pause()
          setImmediate(resolve)
        })
      })
    })

    socket.write('hello')
    await owned
    expect(heard).toEqual([])
    socket.resume()
    await new Promise(setImmediate)
    expect(heard).toEqual(['hello'])
  })

  it('is handed on to nobody when it has closed', async () => {
    const socket = new PassThrough()
    handOn(socket, Buffer.from('hello'), () => { throw new Error('It is gone') })
    socket.destroy(new Error('It was broken off, and nobody listens'))
    await new Promise(setImmediate)
    expect(socket.readableLength).toBe(0)
  })

  it.each<['http' | 'https', LimitConnectionsOptions]>([
    ['http', { firstByteDeadline: 60_000 }], ['http', { headerDeadline: 60_000 }], ['http', { proxyProtocol: { from: ['192.0.2.1'] } }],
    ['https', { firstByteDeadline: 60_000 }], ['https', { headerDeadline: 60_000 }], ['https', { proxyProtocol: { from: ['192.0.2.1'] } }]
  ])('loses nothing on %s where whoever looked at its first byte resumes it behind the server, with %j', async (protocol, options) => {
    const server = createHttp(protocol, (_, res) => { res.end('served') })
    limitConnections(server, connectionLimiter(), options)
    const front = createRaw(false, socket => {
      socket.once('data', piece => {
        socket.pause()
        socket.unshift(piece)
        server.emit('connection', socket)
        process.nextTick(() => { socket.resume() })
      })
    })

    expect(await ask(protocol, { port: await listen(front) })).toMatchObject({ status: 200, body: 'served' })
  })

  it.each<LimitConnectionsOptions>([
    { firstByteDeadline: 60_000 }, { headerDeadline: 60_000 }, { proxyProtocol: { from: ['192.0.2.1'] } },
    { firstByteDeadline: 60_000, proxyProtocol: { from: ['192.0.2.1'] } }
  ])('loses nothing where all that will ever come is there before anybody looks, with %j', async options => {
    const server = createHttp('http', (_, res) => { res.end('served') })
    limitConnections(server, connectionLimiter(), options)
    const { promise: answer, resolve } = Promise.withResolvers<string>()
    const socket = new Duplex({ read: () => {}, write: piece => { resolve(String(piece)) } })
    server.emit('connection', socket)
    socket.push('GET / HTTP/1.0\r\n\r\n')
    socket.push(null)

    expect(await answer).toMatch(/^HTTP\/1\.1 200/)
  })

  it.each<[string, LimitConnectionsOptions]>([
    ['', { firstByteDeadline: 60_000 }], ['', { headerDeadline: 60_000 }], ['', { proxyProtocol: { from: ['192.0.2.1'] } }],
    ['PROXY UNKNOWN\r\n', { firstByteDeadline: 60_000, proxyProtocol: { from: ['127.0.0.1'] } }],
    ['PROXY UNKNOWN\r\n', { headerDeadline: 60_000, proxyProtocol: { from: ['127.0.0.1'] } }]
  ])('is closed where nobody but us was told that it has ended, after %j with %j', async (text, options) => {
    const server = createHttp('http', (_, res) => { res.end() })
    const unlimit = limitConnections(server, connectionLimiter(), options)
    const socket = Object.assign(new Duplex({ read: () => {} }), { remoteAddress: '127.0.0.1' })
    server.emit('connection', socket)
    socket.push(text)
    socket.push(null)
    await nextTick()
    await nextTick()

    expect(socket.destroyed).toBe(true)
    expect(unlimit.counts()).toMatchObject({ open: 0, waiting: 0 })
  })

  it.each<LimitConnectionsOptions>([
    { firstByteDeadline: 60_000 }, { headerDeadline: 60_000 }, { proxyProtocol: { from: ['192.0.2.1'] } }
  ])('is handed on where somebody else listens to it, with %j', async options => {
    const server = createHttp('http', (_, res) => { res.end('served') })
    limitConnections(server, connectionLimiter(), options)
    const front = createRaw(false, socket => {
      socket.on('data', () => {})
      server.emit('connection', socket)
    })

    expect(await ask('http', { port: await listen(front) })).toMatchObject({ status: 200, body: 'served' })
  })
})
