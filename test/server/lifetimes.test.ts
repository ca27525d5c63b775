import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect as http2Connect } from 'node:http2'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { clientAddress } from '../../src/server/client-address.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { queuedBytes } from '../../src/server/sockets.ts'
import { until } from '../support/until.ts'
import { ask, dial } from './support/clients.ts'
import { createHttp, createRaw, HTTP_PROTOCOLS, listen } from './support/servers.ts'
import { EMPTY } from '../support/empty.ts'
import type { ServerResponse } from 'node:http'
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionLimiter } from '../../src/limiter/connection-limiter.ts'
import type { SecurityGate } from '../../src/limiter/gate-contract.ts'
import type { Allowed } from '../../src/limiter/verdict.ts'

const HOST = '127.0.0.1'
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

function session (protocol: 'http2' | 'http2 over TLS', port: number): ClientHttp2Session {
  const session = http2Connect(protocol === 'http2' ? `http://${HOST}:${port}` : `https://${HOST}:${port}`, { rejectUnauthorized: false })

  return session.on('error', () => {})
}

async function read (stream: ClientHttp2Stream): Promise<string> {
  let body = ''
  for await (const piece of stream.setEncoding('latin1')) body += piece

  return body
}

async function untilEmpty (limiter: ConnectionLimiter | SecurityGate): Promise<void> {
  await until('nobody is in', () => limiter.inspect().open === 0)
  expect(limiter.inspect()).toMatchObject({ open: 0, prefixes: EMPTY, leases: [] })
}

describe('a WebSocket', () => {
  async function sockets (releaseOnUpgrade: boolean) {
    const limiter = connectionLimiter({ maxConnsPerIp: 2 })
    const server = createHttp('http', () => {})
    const wss = new WebSocketServer({ server: server as never })
    wss.on('connection', ws => {
      ws.on('message', data => { ws.send(String(data)) })
    })
    limitConnections(server, limiter, { releaseOnUpgrade, onDeny: 'close' })
    const port = await listen(server)

    return { limiter, open: () => new WebSocket(`ws://${HOST}:${port}`) }
  }

  it('gives it back at once where it had closed before it was wrapped', async () => {
    const limiter = connectionLimiter()
    const { open } = await sockets(false)
    const client = open()
    await once(client, 'open')
    const verdict = limiter.accept(HOST)
    client.close()
    await once(client, 'close')
    limiter.wrap(client, (verdict as Allowed).lease!)

    await untilEmpty(limiter)
  })

  it('has its place as long as it lives, not only until the upgrade', async () => {
    const { limiter, open } = await sockets(false)
    const [first, second] = [open(), open()]
    await Promise.all([once(first, 'open'), once(second, 'open')])
    first.send('still')
    expect(String((await once(first, 'message'))[0])).toBe('still')
    expect(limiter.numOpen(HOST)).toBe(2)

    const third = open()
    await once(third, 'error')
    first.close()
    await until('the place is free', () => limiter.numOpen(HOST) === 1)
    await once(open(), 'open')
    second.terminate()
    await until('the other place is free', () => limiter.numOpen(HOST) === 1)
  })

  it('gives it back at the upgrade where that is asked for, once', async () => {
    const { limiter, open } = await sockets(true)
    const all = [open(), open(), open(), open()]
    await Promise.all(all.map(async ws => once(ws, 'open')))
    await untilEmpty(limiter)
    for (const ws of all) ws.terminate()
    await Promise.all(all.map(async ws => once(ws, 'close')))
    await untilEmpty(limiter)
  })
})

describe('a connection that is handed over', () => {
  it.each(['http', 'https'] as const)('by CONNECT on %s stays counted, and is released by its close', async protocol => {
    const limiter = connectionLimiter({ maxConnsPerIp: 1 })
    const server = createHttp(protocol, () => {})
    server.on('connect', (_: unknown, socket: Duplex) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(socket)
    })
    limitConnections(server, limiter)
    const client = dial({ port: await listen(server), host: HOST }, protocol === 'https')
    client.socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')

    await client.heard('200 OK')
    expect(limiter.numOpen(HOST)).toBe(1)
    client.socket.destroy()
    await untilEmpty(limiter)
  })

  it.each(['http', 'https'] as const)('by CONNECT on %s gives its place back where that is asked for, once', async protocol => {
    const limiter = connectionLimiter({ maxConnsPerIp: 1 })
    const server = createHttp(protocol, () => {})
    server.on('connect', (_: unknown, socket: Duplex) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(socket)
    })
    limitConnections(server, limiter, { releaseOnUpgrade: true })
    const port = await listen(server)
    const tunnels = [dial({ port, host: HOST }, protocol === 'https')]

    for (const at of [1, 2]) {
      tunnels.at(-1)!.socket.write('CONNECT b:1 HTTP/1.1\r\nHost: b\r\n\r\n')
      await tunnels.at(-1)!.heard('200')
      await untilEmpty(limiter)
      if (at === 1) tunnels.push(dial({ port, host: HOST }, protocol === 'https'))
    }

    for (const { socket } of tunnels) socket.destroy()
    await Promise.all(tunnels.map(async ({ ended }) => ended))
    await untilEmpty(limiter)
  })

  it('by detaching it from its answer stays counted', async () => {
    const limiter = connectionLimiter()
    const server = createHttp('http', (_, res) => {
      const { socket } = res
      res.detachSocket(socket!)
      socket!.write('mine')
    })
    limitConnections(server, limiter)
    const client = dial({ port: await listen(server), host: HOST })
    client.socket.write(GET)

    await client.heard('mine')
    expect(limiter.numOpen(HOST)).toBe(1)
    client.socket.destroy()
    await untilEmpty(limiter)
  })

  it('is noticed to be gone although a library took all listeners off it', async () => {
    const clock = fakeClock()
    const limiter = connectionLimiter()
    const server = createRaw(false, socket => {
      socket.removeAllListeners('close')
      socket.end('bye')
    })
    limitConnections(server, limiter, { clock })
    await dial({ port: await listen(server), host: HOST }).ended
    await until('the sweep sees it', () => {
      clock.advance(10_000)
      return limiter.inspect().open === 0
    })
  })
})

describe('addresses', () => {
  it('a Unix socket has none, and shares the places of all that have none', async () => {
    const path = join(tmpdir(), `connmgr-${process.pid}.sock`)
    onTestFinished(() => { rmSync(path, { force: true }) })
    const gate = securityGate({ maxUnknown: 1 })
    const server = createHttp('http', (req, res) => { res.end(String(clientAddress(req.socket))) })
    limitConnections(server, gate, { onDeny: 'reset' })
    await listen(server, { path })

    const first = dial({ path })
    first.socket.write(GET)
    await first.heard('undefined')
    expect(await dial({ path }).ended).toMatchObject({ text: '' })
    first.socket.destroy()
    await untilEmpty(gate)
  })

  it('a Unix socket that is handed to a server on TCP has none, either', async () => {
    const path = join(tmpdir(), `connmgr-front-${process.pid}.sock`)
    onTestFinished(() => { rmSync(path, { force: true }) })
    const limiter = connectionLimiter()
    const server = createHttp('http', (req, res) => { res.end(String(clientAddress(req.socket))) })
    limitConnections(server, limiter)
    await listen(server)
    await listen(createRaw(false, socket => { server.emit('connection', socket) }), { path })
    const client = dial({ path })
    client.socket.write(GET)

    await client.heard('undefined')
    client.socket.destroy()
    await untilEmpty(limiter)
  })

  it('are not unknown where they were reset before anybody looked', async () => {
    const limiter = connectionLimiter({ onUnknownAddress: 'allow' })
    const seen: unknown[] = []
    const server = createRaw(false, socket => { seen.push(socket) })
    limitConnections(server, limiter)
    await listen(server)
    const accepted: Socket[] = []
    const front = createServer({ pauseOnConnect: true }, socket => { accepted.push(socket) })
    const { socket } = dial({ port: await listen(front), host: HOST })
    await until('it is accepted', () => accepted.length === 1)
    socket.resetAndDestroy()
    const { _handle: handle } = accepted[0] as never as { readonly _handle: { getpeername (out: object): number } }
    await until('it is reset', () => handle.getpeername({}) !== 0)

    server.emit('connection', accepted[0])
    expect([accepted[0]!.destroyed, seen, limiter.inspect().open]).toEqual([true, [], 0])
  })

  it('an IPv4 client of a dual-stack server is its IPv4 address', async () => {
    const limiter = connectionLimiter({ maxConnsPerIp: 1 })
    const server = createRaw(false, socket => { socket.write(`for ${clientAddress(socket)}`) })
    limitConnections(server, limiter)
    const port = await listen(server, { port: 0, host: '::' })
    const first = dial({ port, host: HOST })
    await first.heard(`for ::ffff:${HOST}`)

    expect([limiter.numOpen(HOST), limiter.numOpen(`::ffff:${HOST}`), limiter.inspect().prefixes]).toEqual([1, 1, { [HOST]: 1 }])
    expect(await dial({ port, host: HOST }).ended).toMatchObject({ text: '' })
    await dial({ port, host: HOST, localAddress: '127.0.0.2' }).heard('for ::ffff:127.0.0.2')
  })
})

describe.each(['http', 'https'] as const)('on %s', protocol => {
  it('a kept connection has one place for all of its requests', async () => {
    const limiter = connectionLimiter({ maxConnsPerIp: 1 })
    const server = createHttp(protocol, (_, res) => { res.end('ok') })
    const { counts } = limitConnections(server, limiter)
    const client = dial({ port: await listen(server), host: HOST }, protocol === 'https')
    client.socket.write(GET.repeat(20))

    await client.heard('ok')
    client.socket.end(GET)
    expect((await client.ended).text.match(/200 OK/g)).toHaveLength(21)
    expect(counts().refused).toBe(0)
    await untilEmpty(limiter)
  })
})

describe('a half-open connection', () => {
  it('is counted until it closes', async () => {
    const limiter = connectionLimiter()
    const halves: Socket[] = []
    const server = createServer({ allowHalfOpen: true }, socket => {
      socket.resume()
      socket.on('end', () => { halves.push(socket) })
    })
    limitConnections(server, limiter)
    const client = dial({ port: await listen(server), host: HOST, allowHalfOpen: true })
    client.socket.end('enough')
    await until('it is half open', () => halves.length === 1)

    expect(limiter.numOpen(HOST)).toBe(1)
    halves[0]!.end('bye')
    expect((await client.ended).text).toBe('bye')
    await untilEmpty(limiter)
  })
})

describe.each(HTTP_PROTOCOLS)('a storm of resets on %s', protocol => {
  it('leaves nothing behind, whenever they come', async () => {
    const gate = securityGate({ maxConnsPerIp: 20, connectRate: false, risk: false })
    const server = createHttp(protocol, (_, res) => { res.end('ok') })
    server.on('tlsClientError', () => {})
    const { counts } = limitConnections(server, gate)
    const port = await listen(server)

    for (let wave = 0; wave < 8; wave++) {
      await Promise.all(Array.from({ length: 40 }, async (_, at) => {
        const socket = connect({ port, host: HOST })
        socket.on('error', () => {})
        await once(socket, 'connect').catch(() => {})
        socket.write(GET.slice(0, at))
        socket.resetAndDestroy()
      }))
    }

    await untilEmpty(gate)
    await until('nobody is told or waits', () => counts().open + counts().telling + counts().waiting === 0)
    expect((await ask(protocol, { port })).status).toBe(200)
  })
})

describe('what nobody uses', () => {
  it.each(['http', 'https'] as const)('on %s is closed, and what waits for an answer or moves bytes is not', async protocol => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 30_000 })
    const pending: Array<() => void> = []
    const pages: Record<string, (res: ServerResponse) => void> = {
      '/': res => { res.end('ok') },
      '/slow': res => { pending.push(() => { res.end('at last') }) }
    }
    const server = createHttp(protocol, (req, res) => { pages[req.url!]!(res) })
    const limit = limitRequests(gate, { clock })
    server.prependListener('request', (req, res) => { limit(req, res) })
    ;(server as { keepAliveTimeout?: number }).keepAliveTimeout = 0
    limitConnections(server, gate, { clock, sweepInterval: 5_000 })
    const port = await listen(server)
    const open = () => dial({ port, host: HOST }, protocol === 'https')

    const [idle, slow] = [open(), open()]
    idle.socket.write(GET)
    slow.socket.write(GET.replace('/', '/slow'))
    await Promise.all([idle.heard('ok'), until('the slow one waits', () => pending.length === 1)])
    for (let time = 0; time < 60_000; time += 5_000) clock.advance(5_000)

    await idle.ended
    await until('it is released', () => gate.inspect().open === 1)
    pending[0]!()
    await slow.heard('at last')
  })

  it.each([
    ['http', 'request'], ['https', 'request'], ['http2 over TLS', 'request'], ['http', 'checkContinue'], ['http', 'checkExpectation']
  ] as const)('is nobody on HTTP/1 of %s who awaits an answer to a %s that limitRequests is not asked about', async (protocol, event) => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 30_000 })
    const pending: ServerResponse[] = []
    const server = createHttp(protocol, () => {}).removeAllListeners('request')
    server.on(event, (_: unknown, res: ServerResponse) => { pending.push(res) })
    limitConnections(server, gate, { clock, sweepInterval: 5_000 })
    const client = dial({ port: await listen(server), host: HOST }, protocol !== 'http')
    const expectation = { request: '', checkContinue: 'Expect: 100-continue\r\n', checkExpectation: 'Expect: tea\r\n' }[event]

    client.socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${expectation}\r\n`)
    await until('it waits', () => pending.length === 1)
    for (let time = 0; time < 60_000; time += 5_000) clock.advance(5_000)
    pending[0]!.end('at last')
    await client.heard('at last')
    await until('it is idle now', () => {
      clock.advance(5_000)
      return gate.inspect().open === 0
    })
  })

  const http1 = (secure: boolean) => (port: number) => {
    const { socket } = dial({ port, host: HOST }, secure)
    socket.pause().write(GET)
    return () => { socket.read() }
  }
  const http2 = (protocol: 'http2' | 'http2 over TLS') => (port: number) => {
    const stream = session(protocol, port).request({ ':path': '/' }).on('error', () => {})
    return () => { stream.read() }
  }
  const CLIENTS = [['http', http1(false)], ['https', http1(true)], ['http2', http2('http2')], ['http2 over TLS', http2('http2 over TLS')]] as const
  const LARGE = Buffer.alloc(30_000_000)
  const WAYS = [
    ['at once', (res: ServerResponse) => { res.end(LARGE) }],
    ['as it is drained', (res: ServerResponse) => { Readable.from(Array.from({ length: 300 }, () => Buffer.alloc(100_000))).pipe(res) }]
  ] as const

  it.each(CLIENTS.flatMap(([protocol, open]) => WAYS.map(([way, answer]) => [protocol, way, open, answer] as const)))('is on %s who never reads an answer that is given %s', async (protocol, _, open, answer) => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 30_000 })
    let isAsked = false
    const server = createHttp(protocol, (_, res) => {
      isAsked = true
      answer(res)
    })
    limitConnections(server, gate, { clock, sweepInterval: 5_000 })
    open(await listen(server))
    await until('it has asked', () => isAsked)

    await until('it is closed', () => {
      clock.advance(5_000)
      return gate.inspect().open === 0
    })
  })

  it.each(CLIENTS)('is nobody on %s who reads one large answer slowly', async (protocol, open) => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 30_000 })
    const accepted: Socket[] = []
    const server = createHttp(protocol, (_, res) => { res.end(LARGE) })
    server.prependListener('connection', socket => { accepted.push(socket) })
    limitConnections(server, gate, { clock, sweepInterval: 5_000 })
    const readSome = open(await listen(server))
    const gone = (): number => accepted[0] == null ? 0 : accepted[0].bytesWritten - queuedBytes(accepted[0])

    for (let part = 1; part <= 4; part++) {
      await until('it has read a part', () => {
        readSome()
        return gone() > part * 5_000_000
      })
      for (let time = 0; time < 20_000; time += 5_000) clock.advance(5_000)
    }

    expect(gate.inspect().open).toBe(1)
  })

  it('is who has sent half a request of HTTP/1', async () => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 30_000 })
    let isAsked = false
    const server = createHttp('http', () => { isAsked = true })
    limitConnections(server, gate, { clock, sweepInterval: 5_000 })
    const { socket, ended } = dial({ port: await listen(server), host: HOST })
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf')
    await until('it has begun', () => isAsked)

    for (let time = 0; time < 60_000; time += 5_000) clock.advance(5_000)
    await ended
    await untilEmpty(gate)
  })

  it('is nobody whose second request was sent before the first was answered', async () => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 30_000 })
    const pending: ServerResponse[] = []
    const server = createHttp('http', (_, res) => { pending.push(res) })
    limitConnections(server, gate, { clock, sweepInterval: 5_000 })
    const client = dial({ port: await listen(server), host: HOST })
    client.socket.write(GET.repeat(2))
    await until('both are in', () => pending.length === 2)

    pending[0]!.end('first')
    await client.heard('first')
    for (let time = 0; time < 60_000; time += 5_000) clock.advance(5_000)
    pending[1]!.end('at last')
    await client.heard('at last')
  })

  it('is looked for without minding requests that have no socket', () => {
    const server = createHttp('http', (_, res) => { res.end('ok') })
    const said: string[] = []
    limitConnections(server, securityGate())

    server.emit('request', { httpVersionMajor: 1 }, { end: (text: string) => { said.push(text) } })
    expect(said).toEqual(['ok'])
  })

  it.each(['http2', 'http2 over TLS'] as const)('on %s is closed, and what awaits one of its answers is not, nor one that only began to ask', async protocol => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 30_000 })
    const pending: Array<() => void> = []
    const server = createHttp(protocol, (req, res) => {
      if (req.url === '/slow') pending.push(() => { res.end('at last') })
      else if (req.url === '/') res.end('ok')
    })
    limitConnections(server, gate, { clock, sweepInterval: 5_000 })
    const port = await listen(server)
    const [idle, slow, halfAsked] = [1, 2, 3].map(() => session(protocol, port))

    await read(slow!.request({ ':path': '/' }))
    const waiting = slow!.request({ ':path': '/slow' })
    await until('the slow one waits', () => pending.length === 1)
    // a quick answer after it does not make the connection idle
    await Promise.all([slow!, idle!].map(async session => read(session.request({ ':path': '/' }))))
    const half = halfAsked!.request({ ':path': '/upload', ':method': 'POST' }, { endStream: false })
    half.on('error', () => {})
    await until('all three are in', () => gate.inspect().open === 3)
    const gone = Promise.all([idle!, halfAsked!].map(async session => once(session, 'close')))
    // the first look sees bytes, and time counts from there
    for (let time = 0; time < 60_000; time += 5_000) clock.advance(5_000)

    await gone
    await until('they are released', () => gate.inspect().open === 1)
    pending[0]!()
    expect(await read(waiting)).toBe('at last')
  })

  it('is no WebSocket that talks, now and then, and one that is silent for long is', async () => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 10_000 })
    const server = createHttp('http', () => {})
    const wss = new WebSocketServer({ server: server as never })
    wss.on('connection', ws => {
      ws.on('message', data => { ws.send(String(data)) })
    })
    limitConnections(server, gate, { clock, sweepInterval: 4_000 })
    const port = await listen(server)
    const [talker, silent] = [new WebSocket(`ws://${HOST}:${port}`), new WebSocket(`ws://${HOST}:${port}`)]
    await Promise.all([once(talker, 'open'), once(silent, 'open')])
    const gone = once(silent, 'close')

    for (const word of ['one', 'two', 'three', 'four', 'five']) {
      talker.send(word)
      await once(talker, 'message')
      clock.advance(4_000)
    }

    await gone
    await until('one is left', () => gate.inspect().open === 1)
    talker.terminate()
    await untilEmpty(gate)
  })

  it('on a raw server is told by its bytes', async () => {
    const clock = fakeClock()
    const gate = securityGate({ clock, idleTimeout: 10_000 })
    const server = createRaw(false, socket => { socket.pipe(socket) })
    limitConnections(server, gate, { clock, sweepInterval: 4_000 })
    const port = await listen(server)
    const [busy, idle] = [dial({ port, host: HOST }), dial({ port, host: HOST })]

    for (const word of ['one', 'two', 'three', 'four', 'five']) {
      busy.socket.write(word)
      await busy.heard(word)
      clock.advance(4_000)
    }

    await idle.ended
    await until('one is left', () => gate.inspect().open === 1)
    clock.advance(12_000)
    await busy.ended
    await untilEmpty(gate)
  })
})

describe('the original gate\'s TCP server', () => {
  it('asks for each message under the accepted socket, drops, closes and forgets', async () => {
    const gate = securityGate({ requestRate: { strategy: 'fixed-window', limit: 2, window: 60_000 } })
    const server = createRaw(false, socket => {
      socket.on('data', line => {
        const verdict = gate.allowRequest(socket, `/${String(line).trim()}`)
        socket.write(verdict.allow ? 'A' : verdict.action === 'drop' ? 'D' : 'C')
        if (!verdict.allow && verdict.action === 'close') socket.end()
      })
    })
    limitConnections(server, gate)
    const client = dial({ port: await listen(server), host: HOST })

    for (const heard of ['A', 'AA', 'AAD', 'AADD', 'AADDC']) {
      client.socket.write('x')
      await client.heard(heard)
    }
    expect(await client.ended).toMatchObject({ text: 'AADDC' })
    await untilEmpty(gate)
  })
})

describe('refused before TLS', () => {
  it('a client sees the end before any handshake, and the server no TLS error', async () => {
    const errors: unknown[] = []
    const server = createHttp('https', () => {})
    server.on('tlsClientError', error => { errors.push(error) })
    limitConnections(server, connectionLimiter({ maxConnsPerIp: 0 }))
    const socket = tlsConnect({ port: await listen(server), host: HOST, rejectUnauthorized: false })
    const [error] = await once(socket, 'error') as [NodeJS.ErrnoException]

    expect(error.code).toBe('ECONNRESET')
    expect(errors).toEqual([])
  })
})
