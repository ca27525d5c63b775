import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect as http2Connect } from 'node:http2'
import { connect } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { clientAddress } from '../../src/server/client-address.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { until } from '../support/until.ts'
import { dial } from './support/clients.ts'
import { v2Header } from './support/proxy-header.ts'
import { createHttp, createRaw, listen } from './support/servers.ts'
import type { Server as HttpServer } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { ConnectionLimiter } from '../../src/limiter/connection-limiter.ts'
import type { LimitConnectionsOptions } from '../../src/server/options.ts'

const HOST = '127.0.0.1'
const PROXY = { from: ['127.0.0.1'] }
const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\r\n'
const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

async function guarded (server: Server, options: LimitConnectionsOptions, maxConnsPerIp = 2) {
  const clock = fakeClock()
  const limiter = connectionLimiter({ maxConnsPerIp, clock })
  const unlimit = limitConnections(server, limiter, { clock, ...options })
  const port = await listen(server)
  const empty = async (): Promise<void> => {
    await until('nobody is in', () => limiter.inspect().open === 0)
    await until('nobody waits', () => unlimit.counts().waiting === 0)
  }

  return { clock, limiter, unlimit, port, empty, open: (localAddress = HOST) => dial({ port, host: HOST, localAddress }) }
}

/** Of all servers in this process, while the test runs. */
function acceptedSockets (): Socket[] {
  const sockets: Socket[] = []
  const add = (message: unknown): void => { sockets.push((message as { readonly socket: Socket }).socket) }

  subscribe('net.server.socket', add)
  onTestFinished(() => { unsubscribe('net.server.socket', add) })
  return sockets
}

/** Says whose the connection is, and then what it says. */
const echo = () => createRaw(false, socket => {
  socket.write(`for ${clientAddress(socket)}:`)
  socket.pipe(socket)
})
const web = () => createHttp('http', (req, res) => { res.end(`for ${clientAddress(req.socket)}`) })

describe('a PROXY header from a listed proxy', () => {
  it.each<[string, Uint8Array, string]>([
    ['version 1', Buffer.from(LINE), '192.0.2.1'],
    ['version 1, IPv6', Buffer.from('PROXY TCP6 2001:db8::1 ::1 1 2\r\n'), '2001:db8::1'],
    ['version 2', v2Header({ source: '192.0.2.1', port: 1 }), '192.0.2.1'],
    ['version 2 with TLVs', v2Header({ source: '192.0.2.1', port: 1, tlvs: 300 }), '192.0.2.1'],
    ['UNKNOWN, where the peer stays the client', Buffer.from('PROXY UNKNOWN\r\n'), HOST],
    ['LOCAL, where the peer stays the client', v2Header({ command: 0, family: 0 }), HOST]
  ])('%s tells the client, and every byte behind it arrives', async (_, header, client) => {
    const { open, limiter, empty } = await guarded(echo(), { proxyProtocol: PROXY })
    const whole = open()
    const bytes = Buffer.concat([header, Buffer.from('\0\xff the rest', 'latin1')])
    whole.socket.write(bytes)
    await whole.heard(`for ${client}:\0\xff the rest`)
    expect(limiter.numOpen(client)).toBe(1)

    const bitByBit = open()
    for (const byte of bytes) bitByBit.socket.write(Buffer.of(byte))
    await bitByBit.heard(`for ${client}:\0\xff the rest`)
    for (const { socket } of [whole, bitByBit]) socket.end()
    await empty()
  })

  it('is before HTTP, too, and limits the client, never the proxy', async () => {
    const { open, limiter, empty } = await guarded(web(), { proxyProtocol: PROXY }, 1)
    const clients = Array.from({ length: 5 }, (_, at) => {
      const client = open()
      client.socket.write(`PROXY TCP4 192.0.2.${at} 198.51.100.1 4711 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`)
      return client
    })
    await Promise.all(clients.map(async ({ heard }, at) => heard(`for 192.0.2.${at}`)))
    const second = open()
    second.socket.write(`PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\r\n${GET}`)

    expect((await second.ended).text).toMatch(/^HTTP\/1\.1 429 /)
    expect([limiter.numOpen(HOST), limiter.numOpen('192.0.2.1')]).toEqual([0, 1])
    for (const { socket } of clients) socket.destroy()
    await empty()
  })

  it.each<[string, (socket: { write (text: string): void, end (): void }) => void]>([
    ['has none', socket => { socket.write(GET) }],
    ['has a malformed one', socket => { socket.write('PROXY TCP4 nobody nowhere 1 2\r\n') }],
    ['never ends it', socket => { socket.write(`PROXY UNKNOWN ${'x'.repeat(200)}`) }],
    ['hangs up within it', socket => {
      socket.write('PROXY TC')
      socket.end()
    }],
    ['hangs up before it', socket => { socket.end() }]
  ])('ends a connection that %s', async (_, say) => {
    const { open, unlimit, empty } = await guarded(web(), { proxyProtocol: PROXY })
    const { socket, ended } = open()
    say(socket)

    expect((await ended).text).toBe('')
    expect(unlimit.counts().refused).toBe(1)
    await empty()
  })

  it.each([['limiter', connectionLimiter()], ['gate', securityGate()]])('is told of and counted by a %s where it is none, and where a stranger writes one', async (_, limiter) => {
    const heard: string[] = []
    ;(limiter as ConnectionLimiter).addEventListener('deny', ({ detail }) => { heard.push(detail.verdict.reason) })
    const server = web()
    limitConnections(server, limiter, { proxyProtocol: PROXY })
    const port = await listen(server)
    const [proxy, stranger] = [dial({ port, host: HOST }), dial({ port, host: HOST, localAddress: '127.0.0.2' })]
    proxy.socket.write(GET)
    await proxy.ended
    stranger.socket.write(LINE)
    await stranger.ended

    expect([limiter.inspect().denied, heard]).toEqual([{ 'unknown-address': 2 }, ['unknown-address', 'unknown-address']])
    await until('nobody is in', () => limiter.inspect().open === 0)
  })

  it('has to be there in time, from accept on, however slowly it comes', async () => {
    const { open, unlimit, clock, empty } = await guarded(web(), { proxyProtocol: { ...PROXY, headerDeadline: 5_000 } })
    const { socket, ended } = open()
    await until('it waits', () => unlimit.counts().waiting === 1)
    clock.advance(4_999)
    socket.write('PROXY ')
    expect(unlimit.counts()).toMatchObject({ waiting: 1, refused: 0 })
    clock.advance(1)
    expect((await ended).text).toBe('')
    await empty()
  })
})

describe('a connection from anybody else, where proxies are listed', () => {
  const others = { proxyProtocol: { from: ['192.0.2.0/24'] } }

  it.each([['version 1', LINE], ['version 2', v2Header({ source: '192.0.2.1', port: 1 }).toString('latin1')], ['half a header and the end', 'PROX']])('is refused with a header of %s', async (_, text) => {
    const { open, unlimit, empty } = await guarded(echo(), others)
    const { socket, ended } = open()
    socket.end(text, 'latin1')
    expect((await ended).text).toBe('')
    expect(unlimit.counts().refused).toBe(1)
    await empty()
  })

  it('is handed on untouched without one', async () => {
    const { open, empty } = await guarded(echo(), others)
    const client = open()
    for (const byte of 'PROudly') client.socket.write(byte)
    await client.heard(`for ${HOST}:PROudly`)
    client.socket.end()
    await empty()
  })

  it('is handed on when it says nothing, for it may wait for the server to speak', async () => {
    const { open, clock, unlimit, empty } = await guarded(echo(), others)
    const client = open()
    await until('it waits', () => unlimit.counts().waiting === 1)
    clock.advance(5_000)
    await client.heard(`for ${HOST}:`)
    client.socket.write('hello')
    await client.heard(':hello')
    client.socket.end()
    await empty()
  })

  it('is handed on when it only listens', async () => {
    const { open, empty } = await guarded(echo(), others)
    const client = open()
    client.socket.end()
    expect((await client.ended).text).toBe(`for ${HOST}:`)
    await empty()
  })

  it.each<[string, LimitConnectionsOptions]>([
    ['the first byte', { firstByteDeadline: 9_000 }], ['the header', { headerDeadline: 9_000 }], ['neither', {}]
  ])('is over at once when it ends without a byte, with a deadline for %s', async (_, options) => {
    const { open, empty } = await guarded(web(), { ...options, proxyProtocol: { from: ['192.0.2.0/24'] } })
    const { socket, ended } = open()
    socket.end()

    await ended
    await empty()
  })

  it('is limited by its own address before it has said anything', async () => {
    const { open, unlimit } = await guarded(web(), others, 0)
    expect((await open().ended).text).toMatch(/^HTTP\/1\.1 429 /)
    expect(unlimit.counts().waiting).toBe(0)
  })
})

describe('the first byte\'s deadline', () => {
  it('ends who says nothing, and HTTP has not seen it', async () => {
    const server = web()
    const seen: unknown[] = []
    server.on('connection', socket => { seen.push(socket) })
    const { open, clock, unlimit, empty } = await guarded(server, { firstByteDeadline: 10_000 })
    seen.length = 0
    const { ended } = open()
    await until('it waits', () => unlimit.counts().waiting === 1)
    clock.advance(9_999)
    expect(unlimit.counts().waiting).toBe(1)
    clock.advance(1)
    await ended
    await empty()
    expect(seen).toEqual([])
  })

  it('is kept by who says anything, which is all handed on', async () => {
    const { open, clock, empty } = await guarded(web(), { firstByteDeadline: 10_000 })
    const client = open()
    for (const char of GET) client.socket.write(char)
    await client.heard(`for ${HOST}`)
    clock.advance(20_000)
    await client.ended
    await empty()
  })
})

describe('the header\'s deadline', () => {
  it('keeps slow headers from HTTP, and hands on whole ones however they come', async () => {
    let served = 0
    const { open, clock, unlimit, empty } = await guarded(createHttp('http', (_, res) => {
      served++
      res.end('ok')
    }), { headerDeadline: 5_000 })
    const [slow, quick] = [open(), open()]
    slow.socket.write('GET / HTTP/1.1\r\n')
    for (const char of GET) quick.socket.write(char)
    expect((await quick.ended).text).toMatch(/^HTTP\/1\.1 200 OK[^]*ok$/)

    await until('one waits', () => unlimit.counts().waiting === 1)
    slow.socket.write('X-a: b\r\n')
    clock.advance(5_000)
    expect((await slow.ended).text).toBe('')
    expect(served).toBe(1)
    await empty()
  })

  it('is not the body\'s, nor the next request\'s', async () => {
    const { open, clock, empty } = await guarded(createHttp('http', (req, res) => {
      req.resume()
      req.on('end', () => { res.end('done') })
    }), { headerDeadline: 5_000 })
    const client = open()
    client.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na')
    await until('it has begun', () => client.socket.bytesWritten > 0)
    clock.advance(1)
    client.socket.write('b')
    await client.heard('done')
    clock.advance(10_000)
    client.socket.write(GET)
    await client.ended
    await empty()
  })

  it('includes the TLS handshake, and holds what was decrypted', async () => {
    const server = createHttp('https', (_, res) => { res.end('ok') })
    const { port, open, clock, unlimit, empty } = await guarded(server, { headerDeadline: 5_000 }, 5)
    const [silent, slow, quick] = [open(), dial({ port, host: HOST }, true), dial({ port, host: HOST }, true)]
    for (const char of GET) quick.socket.write(char)
    expect((await quick.ended).text).toMatch(/ok$/)
    slow.socket.write('GET / HTTP/1.1\r\n')
    await until('the slow one waits', () => unlimit.counts().waiting === 1 && unlimit.counts().open === 2)

    clock.advance(5_000)
    expect([(await silent.ended).text, (await slow.ended).text]).toEqual(['', ''])
    await empty()
  })
})

describe('both deadlines', () => {
  const DEADLINES = { firstByteDeadline: 4_000, headerDeadline: 8_000 }

  it.each<[string, LimitConnectionsOptions, string, number]>([
    ['a stranger\'s silence where proxies are listed', { proxyProtocol: { from: ['192.0.2.0/24'] } }, '', 4_000],
    ['a stranger\'s half header where proxies are listed', { proxyProtocol: { from: ['192.0.2.0/24'], headerDeadline: 20_000 } }, 'P', 8_000],
    ['a proxy\'s client\'s half header', { proxyProtocol: PROXY }, `${LINE}GET / HT`, 8_000]
  ])('run from accept on: %s', async (_, options, late, deadline) => {
    const { open, clock, unlimit, empty } = await guarded(web(), { ...DEADLINES, ...options })
    const accepted = acceptedSockets()
    const { socket, ended } = open()
    await until('it waits', () => unlimit.counts().waiting === 1)
    clock.advance(3_000)
    socket.write(late)
    await until('it is read', () => accepted[0]!.bytesRead === late.length)

    clock.advance(deadline - 3_001)
    expect([accepted[0]!.destroyed, unlimit.counts()]).toMatchObject([false, { waiting: 1, refused: 0 }])
    clock.advance(1)
    expect((await ended).text).toBe('')
    await empty()
  })
})

describe('the header\'s deadline on HTTP/2', () => {
  const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0)])
  /** GET, and more of it to come. */
  const HALF = Buffer.of(0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82)

  it.each([['http2', 'limiter'], ['http2', 'gate'], ['http2 over TLS', 'limiter'], ['http2 over TLS', 'gate']] as const)('ends who has not asked for anything by then, on %s with a %s', async (protocol, kind) => {
    const clock = fakeClock()
    const limiter = { limiter: connectionLimiter, gate: securityGate }[kind]({ clock })
    const server = createHttp(protocol, (_, res) => { res.end('ok') })
    limitConnections(server, limiter, { clock, headerDeadline: 5_000, sweepInterval: Infinity })
    const port = await listen(server)
    const open = (): Socket => protocol === 'http2' ? connect({ port, host: HOST }) : tlsConnect({ port, host: HOST, ALPNProtocols: ['h2'], rejectUnauthorized: false })
    const slow = open()
    const closed = once(slow.resume().on('error', () => {}), 'close')
    slow.write(Buffer.concat([PREFACE, HALF]))
    const quick = http2Connect(`http://${HOST}`, { createConnection: open })
    onTestFinished(() => { quick.destroy() })
    const answer = async (): Promise<string> => (await quick.request({ ':path': '/' }).toArray()).join('')
    expect(await answer()).toBe('ok')
    await until('the slow one is served', () => slow.bytesRead > 0)

    clock.advance(5_000)
    await closed
    expect(await answer()).toBe('ok')
    await until('one is in', () => limiter.inspect().open === 1)
  })
})

describe('closeAllConnections', () => {
  it.each<['http' | 'https', LimitConnectionsOptions, string]>([
    ['http', { firstByteDeadline: 60_000 }, ''],
    ['http', { headerDeadline: 60_000 }, 'GET'],
    ['https', { headerDeadline: 60_000 }, 'GET'],
    ['http', { proxyProtocol: PROXY }, 'PROXY'],
    ['http', { proxyProtocol: { from: ['192.0.2.0/24'] } }, 'P']
  ])('of %s closes those, too, whom it has not seen because of %j', async (protocol, options, text) => {
    const server = createHttp(protocol, () => {}) as HttpServer
    const { port, unlimit, empty } = await guarded(server, options)
    const { socket, ended } = dial({ port, host: HOST }, protocol === 'https')
    socket.write(text)
    await until('it waits', () => unlimit.counts().waiting === 1)
    server.closeAllConnections()

    expect((await ended).text).toBe('')
    await empty()
    expect(unlimit.counts().refused).toBe(0)
    unlimit()
    expect(Object.hasOwn(server, 'closeAllConnections')).toBe(false)
  })
})

describe('undoing it while somebody waits', () => {
  it('lets those in that only have to speak, with what they have said, and not those without a proxy\'s header', async () => {
    const held = await guarded(web(), { headerDeadline: 5_000 })
    const client = held.open()
    client.socket.write(GET.slice(0, 10))
    await until('it waits', () => held.unlimit.counts().waiting === 1)
    held.unlimit()
    client.socket.write(GET.slice(10))
    expect((await client.ended).text).toMatch(/^HTTP\/1\.1 200/)
    await held.empty()

    const proxied = await guarded(web(), { proxyProtocol: PROXY })
    const nobody = proxied.open()
    await until('it waits', () => proxied.unlimit.counts().waiting === 1)
    proxied.unlimit()
    expect((await nobody.ended).text).toBe('')
    await proxied.empty()
  })

  it.each<LimitConnectionsOptions>([
    { firstByteDeadline: 60_000 }, { headerDeadline: 60_000 }, { proxyProtocol: { from: ['192.0.2.0/24'] } },
    { firstByteDeadline: 60_000, proxyProtocol: { from: ['192.0.2.0/24'] } }
  ])('leaves nobody for whom a server would wait that is closed, with all of its connections, right after it: %j', async options => {
    const server = web() as HttpServer
    const { port, unlimit } = await guarded(server, options)
    const { ended } = dial({ port, host: HOST })
    await until('it waits', () => unlimit.counts().waiting === 1)
    unlimit()
    server.closeAllConnections()

    expect((await ended).text).toBe('')
  })

  it('lets those in that have said nothing and might have been a proxy\'s', async () => {
    const { open, unlimit, empty } = await guarded(echo(), { firstByteDeadline: 5_000, proxyProtocol: { from: ['192.0.2.0/24'] } })
    const silent = open()
    await until('it waits', () => unlimit.counts().waiting === 1)
    unlimit()
    await silent.heard(`for ${HOST}:`)
    silent.socket.end()
    await empty()
  })
})

describe.each(['https', 'http2', 'http2 over TLS'] as const)('what was read of a socket before %s saw it', protocol => {
  const answering = () => createHttp(protocol, (_, res) => { res.end('served') })

  it.each<[string, LimitConnectionsOptions, string]>([
    ['a proxy\'s header', { proxyProtocol: PROXY }, LINE],
    ['a first byte', { firstByteDeadline: 60_000 }, ''],
    ['a header', { headerDeadline: 60_000 }, ''],
    ['all of them', { proxyProtocol: PROXY, firstByteDeadline: 60_000, headerDeadline: 60_000 }, LINE],
    ['a stranger\'s first byte', { proxyProtocol: { from: ['192.0.2.0/24'] } }, '']
  ])('is put back: %s', async (_, options, before) => {
    const { port, empty } = await guarded(answering(), options, 5)
    const raw = connect({ port, host: HOST })
    raw.write(before)
    const http1 = async (): Promise<string> => {
      const socket = tlsConnect({ socket: raw, rejectUnauthorized: false })
      socket.write(GET)
      const [piece] = await once(socket, 'data') as [Buffer]
      return String(piece)
    }
    const http2 = (socket: () => Socket) => async (): Promise<string> => {
      const session = http2Connect(`http://${HOST}`, { createConnection: socket })
      session.on('error', () => {})
      return (await session.request({ ':path': '/' }).toArray()).join('')
    }
    const secured = (): Socket => tlsConnect({ socket: raw, ALPNProtocols: ['h2'], rejectUnauthorized: false })

    expect(await { 'https': http1, 'http2': http2(() => raw), 'http2 over TLS': http2(secured) }[protocol]()).toMatch(/served/)
    raw.destroy()
    await empty()
  })
})
