import { Agent, request } from 'node:http'
import { connect as http2Connect } from 'node:http2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { STRATEGY_NAMES } from '../../src/limiter/rate.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { until } from '../support/until.ts'
import { ask, dial } from './support/clients.ts'
import { createHttp, HTTP_PROTOCOLS, listen } from './support/servers.ts'
import { EMPTY } from '../support/empty.ts'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SecurityGate } from '../../src/limiter/gate-contract.ts'
import type { SecurityGateInit } from '../../src/limiter/gate-options.ts'
import type { Rate } from '../../src/limiter/rate.ts'
import type { LimitConnectionsOptions } from '../../src/server/options.ts'
import type { AnyRequest, LimitRequestsOptions } from '../../src/server/request-options.ts'
import type { ServerProtocol } from './support/servers.ts'

const per10s = (limit: number): Rate => ({ strategy: 'fixed-window', limit, window: 10_000 })

/** The methods of the contract, and none that only this package knows. */
const PUBLIC = [
  'allowConnect', 'turnAway', 'allowRequest', 'release', 'detectIdle', 'sweepIdle', 'banAddress', 'unbanAddress', 'isBanned', 'quota', 'numOpen',
  'setConnectRate', 'setRequestRate', 'setPathRate', 'trust', 'untrust', 'config', 'setConfig', 'excess', 'inspect', 'addEventListener', 'removeEventListener'
] as const satisfies ReadonlyArray<keyof SecurityGate>

function around (gate: SecurityGate): SecurityGate {
  return Object.fromEntries(PUBLIC.map(name => [name, (gate[name] as () => unknown).bind(gate)])) as never as SecurityGate
}

interface Given {
  readonly protocol?: ServerProtocol
  readonly gate?: SecurityGateInit
  readonly requests?: LimitRequestsOptions
  /** False puts nothing in front of the connections. */
  readonly connections?: LimitConnectionsOptions | false
}

async function guarded ({ protocol = 'http', gate: init = {}, requests = {}, connections = {} }: Given) {
  const clock = fakeClock()
  const gate = securityGate({ clock, connectRate: false, ...init })
  const limit = limitRequests(gate, { clock, ...requests })
  let served = 0
  const server = createHttp(protocol, (req, res) => {
    limit(req, res, () => {
      served++
      res.end('ok')
    })
  })

  const guards = [connections].filter(options => options !== false)
  for (const options of guards) limitConnections(server, gate, options)
  return { clock, gate, server, port: await listen(server), served: () => served }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly reused: boolean
}

/** One request after the other on a connection that is kept as long as the server keeps it. */
function keptAlive (port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => { agent.destroy() })

  return async (path = '/', headers: Record<string, string> = {}): Promise<Answer> => new Promise((resolve, reject) => {
    const req = request({ port, host: '127.0.0.1', path, agent, headers }, res => {
      res.resume()
      res.on('end', () => { resolve({ status: res.statusCode!, headers: res.headers, reused: req.reusedSocket }) })
    })
    req.on('error', reject)
    req.end()
  })
}

describe('the original gate\'s request scenarios, on a kept connection', () => {
  it('drops twice, keeps the connection, then closes, and begins anew after a window', async () => {
    const { port, clock, gate } = await guarded({ gate: { requestRate: per10s(2) } })
    const send = keptAlive(port)
    const answers = []
    for (let count = 0; count < 5; count++) answers.push(await send())

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429, 429])
    expect(answers.map(({ headers }) => headers.connection)).toEqual(['keep-alive', 'keep-alive', 'keep-alive', 'keep-alive', 'close'])
    expect(answers.map(({ reused }) => reused)).toEqual([false, true, true, true, true])
    expect(answers[2]!.headers['retry-after']).toBe('10')

    await until('the closed connection is gone', () => gate.inspect().open === 0)
    clock.advance(10_000)
    expect(await send()).toMatchObject({ status: 200, reused: false })
  })

  it('closes at once for a path, however the path is written', async () => {
    const { port } = await guarded({ gate: { pathRates: { '/login': per10s(2) } } })
    const paths = ['/login', '//login?x=1', '/%6Cogin', '/./login/', 'http://elsewhere/login#a', '/other']
    const answers = []
    for (const path of paths) answers.push(await ask('http', { port, path }))

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429, 429, 200])
    expect(answers[2]!.headers.connection).toBe('close')
  })

  it('refuses one rate too many when it is made, and not when the first request comes', async () => {
    const { port, gate } = await guarded({ requests: { rate: per10s(1) } })
    const limits = Array.from({ length: 15 }, (_, at) => per10s(at + 2))
    for (const rate of [...limits, per10s(1)]) limitRequests(gate, { rate })

    expect(() => limitRequests(gate, { rate: per10s(99) })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: 'rate' }))
    expect((await ask('http', { port })).status).toBe(200)
  })

  it.each(STRATEGY_NAMES)('says at a limit of 0 that nothing is left and nothing comes back: %s', async strategy => {
    const { port } = await guarded({ gate: { requestRate: { strategy, limit: 0 } } })
    const { status, headers } = await ask('http', { port })

    expect([status, headers.ratelimit]).toEqual([429, '"connection";r=0;t=0, "client";r=0;t=0'])
  })

  it.each([
    ['by itself', {}],
    ['in the user\'s own way', { pathOf: (req: AnyRequest) => req.url!.toLowerCase() }]
  ])('closes at once for a path that a raw request writes with its origin or backslashes, read %s', async (_, requests) => {
    const { port } = await guarded({ gate: { pathRates: { '/login': per10s(3) } }, requests })
    const targets = ['/login', 'http://x/login', 'HTTP://x:80/login?a', '/x\\..\\login']
    const { socket, ended } = dial({ port, host: '127.0.0.1' })
    socket.write(targets.map(target => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''))

    expect((await ended).text.match(/(?<=HTTP\/1.1 )\d+/g)).toEqual(['200', '200', '200', '429'])
  })

  it('keeps refusing a banned client, with the time that is left', async () => {
    const { port, gate } = await guarded({})
    const send = keptAlive(port)
    expect((await send()).status).toBe(200)
    gate.banAddress('127.0.0.1', 30_000)
    expect(await send()).toMatchObject({ status: 429, headers: { 'connection': 'close', 'retry-after': '30' } })
  })

  it('bans who goes on, and resets who comes back', async () => {
    const { port, gate } = await guarded({ gate: { requestRate: per10s(1), dropsBeforeClose: 0, risk: { threshold: 2 } } })
    for (let count = 0; count < 2; count++) {
      const send = keptAlive(port)
      await send()
      await send()
    }

    expect(gate.isBanned('127.0.0.1')).toBe(true)
    expect(await ask('http', { port })).toMatchObject({ status: 'refused', code: 'ECONNRESET' })
  })

  it('limits the client over all of its connections', async () => {
    const { port } = await guarded({ gate: { clientRequestRate: per10s(3) } })
    const answers = await Promise.all(Array.from({ length: 5 }, async () => ask('http', { port })))

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429])
  })
})

describe.each(HTTP_PROTOCOLS)('limitRequests on %s', protocol => {
  it('counts, refuses and gives everything back', async () => {
    const { port, gate, served } = await guarded({ protocol, gate: { clientRequestRate: per10s(2), idleTimeout: Infinity } })
    const statuses = []
    for (let count = 0; count < 3; count++) statuses.push((await ask(protocol, { port })).status)

    expect(statuses).toEqual([200, 200, 429])
    expect(served()).toBe(2)
    await until('all are gone', () => gate.inspect().open === 0)
  })

  it('does without limitConnections', async () => {
    const { port, gate } = await guarded({ protocol, connections: false, gate: { maxConnsPerIp: 1, requestRate: per10s(1) } })
    expect(await ask(protocol, { port })).toMatchObject({ status: 200, headers: { ratelimit: '"connection";r=0;t=10, "client";r=0;t=10' } })
    await until('it is gone', () => gate.inspect().open === 0)
    gate.setConfig({ maxConnsPerIp: 0 })
    expect((await ask(protocol, { port })).status).toBe(429)
  })

  it('says what is left', async () => {
    const { port } = await guarded({ protocol, gate: { requestRate: per10s(4), maxConnsPerIp: 2, pathRates: { '/a': per10s(3) } } })
    const { headers } = await ask(protocol, { port, path: '/a' })

    expect(headers['ratelimit-policy']).toBe('"connection";q=4;w=10, "client";q=8;w=10, "path";q=3;w=10')
    expect(headers.ratelimit).toBe('"connection";r=3;t=10, "client";r=7;t=10, "path";r=2;t=10')
  })
})

describe('streams of one HTTP/2 connection', () => {
  it.each([['by limitConnections', {}], ['by limitRequests', { limitStreams: false }]] as const)('are requests: counted once, refused, and the connection ended %s', async (_, connections) => {
    const { port, gate, served } = await guarded({ protocol: 'http2', gate: { requestRate: per10s(3) }, connections })
    const session = http2Connect(`http://127.0.0.1:${port}`)
    const goaways: number[] = []
    session.on('error', () => {})
    session.on('goaway', code => { goaways.push(code) })

    const statuses: Array<number | undefined> = []
    for (let count = 0; count < 6; count++) {
      statuses.push(await new Promise(resolve => {
        const stream = session.request({ ':path': '/' })
        stream.on('response', headers => { resolve(headers[':status']) })
        stream.on('error', () => {})
        stream.resume()
      }))
    }

    expect(statuses).toEqual([200, 200, 200, 429, 429, 429])
    await until('the session is closed', () => session.destroyed)
    expect(new Set(goaways)).toEqual(new Set([0]))
    expect(served()).toBe(3)
    await until('nobody is in', () => gate.inspect().open === 0)
  })
})

describe('options of limitRequests', () => {
  it('skips what is nobody\'s request', async () => {
    const { port } = await guarded({ gate: { clientRequestRate: per10s(0) }, requests: { skip: req => req.url === '/health' } })
    expect([(await ask('http', { port, path: '/health' })).status, (await ask('http', { port })).status]).toEqual([200, 429])
  })

  it('counts an authenticated user by name, over all connections, and for each path', async () => {
    const keyOf = (req: { readonly headers: IncomingHttpHeaders }) => req.headers.authorization
    const { port } = await guarded({ gate: { clientRequestRate: per10s(1), pathRates: { '/a': per10s(2) } }, requests: { keyOf, userRate: per10s(3) } })
    const as = async (authorization: string, path = '/') => ask('http', { port, path, headers: { authorization } })

    expect((await as('alice', '/a')).headers['ratelimit-policy']).toBe('"user";q=3;w=10, "path";q=2;w=10')
    expect([(await as('alice', '/a')).status, (await as('alice', '/a')).status, (await as('alice')).status, (await as('alice')).status]).toEqual([200, 429, 200, 429])
    expect((await as('alice')).headers).toMatchObject({ connection: 'close', ratelimit: '"user";r=0;t=10' })
    expect([(await as('bob')).status, (await ask('http', { port })).status, (await ask('http', { port })).status]).toEqual([200, 200, 429])
  })

  it('tells the gate of a user\'s denials, and ends the connection for a path', async () => {
    const { port, gate } = await guarded({ gate: { pathRates: { '/a': per10s(1) } }, requests: { keyOf: () => 'alice', userRate: per10s(2) } })
    const heard: unknown[] = []
    gate.addEventListener('deny', ({ detail: { stage, verdict: { reason, action } } }) => { heard.push([stage, reason, action]) })
    const send = keptAlive(port)
    const answers = [await send('/a'), await send('/'), await send('/'), await send('/a')]

    expect(answers.map(({ status, headers }) => [status, headers.connection])).toEqual([[200, 'keep-alive'], [200, 'keep-alive'], [429, 'keep-alive'], [429, 'close']])
    expect(heard).toEqual([['request', 'request-rate', 'drop'], ['request', 'path-rate', 'close']])
    expect(gate.inspect().denied).toEqual({ 'request-rate': 1, 'path-rate': 1 })
  })

  it('refuses a banned address\'s users with the time that is left, and no trusted one\'s', async () => {
    const { port, gate, clock } = await guarded({ gate: { maxConnsPerIp: 2, idleTimeout: 30_000, risk: { threshold: 1 } }, requests: { keyOf: () => 'alice', userRate: per10s(1) } })
    const send = keptAlive(port)
    expect((await send()).status).toBe(200)
    for (const id of ['a', 'b']) gate.allowConnect('127.0.0.1', id)
    expect((await send()).headers).toMatchObject({ 'connection': 'close', 'retry-after': '600' })
    expect(gate.inspect().denied).toEqual({ 'connection-limit': 1, 'banned': 1 })

    gate.trust('127.0.0.1')
    expect([(await send()).status, (await send()).status]).toEqual([200, 200])
    clock.advance(30_000)
    await send()
    clock.advance(1)
    expect(gate.sweepIdle()).toEqual(['a'])
  })

  it.each<[string, () => never]>([
    ['throw', () => { throw new Error('mine') }],
    ['reject', (async () => { throw new Error('mine') }) as never],
    ['answer later', (async () => '/b') as never],
    ['answer a number', (() => 5) as never],
    ['answer nothing', (() => '') as never],
    ['answer an object', (() => ({})) as never]
  ])('is not loosened by functions that %s', async (_, fail) => {
    const { port } = await guarded({ gate: { pathRates: { '/a': per10s(1) } }, requests: { skip: fail, keyOf: fail, pathOf: fail } })
    expect([(await ask('http', { port, path: '/a' })).status, (await ask('http', { port, path: '/a' })).status]).toEqual([200, 429])
  })

  it('compares paths as it is told, counts in the rate it is given, and keeps the limits to itself', async () => {
    const { port } = await guarded({ gate: { pathRates: { '/a': per10s(1) } }, requests: { pathOf: req => req.url!.toLowerCase(), rate: per10s(1), fields: false } })
    const send = keptAlive(port)
    const [first, second, third] = [await send('/A'), await send('/b'), await ask('http', { port, path: '/a' })]

    expect([first.status, second.status, third.status]).toEqual([200, 429, 429])
    expect([first.headers.ratelimit, first.headers['ratelimit-policy']]).toEqual([undefined, undefined])
  })

  it('says what is left of the rate it is given', async () => {
    const { port } = await guarded({ requests: { rate: per10s(3) }, gate: { maxConnsPerIp: 1, requestRate: per10s(5) } })
    expect((await ask('http', { port })).headers).toMatchObject({ 'ratelimit-policy': '"connection";q=3;w=10, "client";q=5;w=10', 'ratelimit': '"connection";r=2;t=10, "client";r=4;t=10' })
  })

  it.each<[string, LimitRequestsOptions]>([
    ['trustedProxies', { trustedProxies: true as never }],
    ['forwardedField', { forwardedField: 'x-real-ip' as never }],
    ['skip', { skip: '/health' as never }],
    ['fields', { fields: 'no' as never }],
    ['clock', { clock: { now: () => 0 } as never }],
    ['userRate.limit', { userRate: { ...per10s(1), limit: -1 } }]
  ])('%s throws when it is wrong', (option, options) => {
    expect(() => limitRequests(securityGate(), options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
  })

  it('throws for what is no gate', () => {
    expect(() => limitRequests({} as never)).toThrow(expect.objectContaining({ option: 'gate' }))
  })
})

describe('a gate that somebody has put around one of ours', () => {
  it('is asked by what is public', async () => {
    const gate = around(securityGate())
    const limit = limitRequests(gate, { keyOf: () => 'alice', userRate: per10s(1), rate: per10s(3) })
    const server = createHttp('http', (req, res) => {
      limit(req, res, () => { res.end('ok') })
    })
    limitConnections(server, gate, { proxyProtocol: { from: ['127.0.0.1'] } })
    const port = await listen(server)
    const send = async (text: string): Promise<string> => {
      const { socket, ended } = dial({ port, host: '127.0.0.1' })
      socket.write(text)
      return (await ended).text.slice(0, 12)
    }
    const GET = 'PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

    expect([await send(GET), await send(GET), await send('nonsense\r\n')]).toEqual(['HTTP/1.1 200', 'HTTP/1.1 429', ''])
  })

  it('refuses whom it has banned since, whoever the user is', async () => {
    const gate = securityGate()
    const limit = limitRequests(around(gate), { keyOf: () => 'alice' })
    const server = createHttp('http', (req, res) => {
      limit(req, res, () => { res.end('ok') })
    })
    const send = keptAlive(await listen(server))
    expect((await send()).status).toBe(200)
    gate.banAddress('127.0.0.1', 30_000)

    expect(await send()).toMatchObject({ status: 429, headers: { connection: 'close' } })
  })
})

describe('without next', () => {
  it('is a listener that answers the refused and says who was admitted', async () => {
    const gate = securityGate({ clientRequestRate: per10s(1) })
    const limit = limitRequests(gate)
    const server = createHttp('http', (req, res) => { res.end(limit(req, res) ? 'ok' : undefined) })
    const port = await listen(server)

    expect(await ask('http', { port })).toMatchObject({ status: 200, body: 'ok' })
    expect(await ask('http', { port })).toMatchObject({ status: 429, body: 'Connection refused' })
  })
})

describe.each([['http', false], ['http', true], ['https', false], ['https', true]] as const)('upgrades on %s, with releaseOnUpgrade %s,', (protocol, releaseOnUpgrade) => {
  it('are asked about by their own method, and refused ones are answered', async () => {
    const gate = securityGate({ connectRate: false, pathRates: { '/ws': per10s(1) } })
    const limit = limitRequests(gate)
    const server = createHttp(protocol, () => {})
    server.on('upgrade', (req: IncomingMessage, socket: Duplex) => { socket.end(limit.upgrade(req, socket) ? 'HTTP/1.1 101 Welcome\r\n\r\n' : undefined) })
    limitConnections(server, gate, { releaseOnUpgrade })
    const port = await listen(server)
    const upgrade = async (): Promise<string> => {
      const client = dial({ port, host: '127.0.0.1' }, protocol === 'https')
      client.socket.write('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      return (await client.ended).text
    }

    expect(await upgrade()).toBe('HTTP/1.1 101 Welcome\r\n\r\n')
    expect(await upgrade()).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\nRetry-After: 10\r\n[^]*Connection refused$/)
    await until('nobody is in', () => gate.inspect().open === 0)
  })
})

describe('pipelined requests', () => {
  it('are counted one by one, and answered in order', async () => {
    const { port, gate } = await guarded({ gate: { requestRate: per10s(2) } })
    const client = dial({ port, host: '127.0.0.1' })
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(8))

    expect((await client.ended).text.match(/HTTP\/1\.1 \d+/g)).toEqual(['200', '200', '429', '429', '429'].map(status => `HTTP/1.1 ${status}`))
    await until('nobody is in', () => gate.inspect().open === 0)
  })
})

describe('behind a proxy that writes whose request it is', () => {
  const from = (client: string): Record<string, string> => ({ 'x-forwarded-for': client })

  it.each([
    ['told to both', { trustedProxies: ['127.0.0.1'] }, { trustedProxies: ['127.0.0.1'] }],
    ['told to limitConnections', { trustedProxies: ['127.0.0.1'] }, {}]
  ])('each client has its own quota on the proxy\'s kept connection, which is never closed, %s', async (_, connections, requests) => {
    const { port, gate, clock } = await guarded({ gate: { requestRate: per10s(2), maxConnsPerIp: 1 }, connections, requests })
    const send = keptAlive(port)
    const statuses = []
    for (let count = 0; count < 6; count++) statuses.push((await send('/', from(`203.0.113.${count}, 192.0.2.1`))).status)

    expect(statuses).toEqual([200, 200, 429, 429, 429, 429])
    expect(await send('/', from('192.0.2.2'))).toMatchObject({ status: 200, reused: true })
    expect(['127.0.0.1', '192.0.2.1', '192.0.2.2', '203.0.113.1'].map(ip => gate.numOpen(ip))).toEqual([0, 1, 1, 0])
    clock.advance(120_001)
    expect(gate.inspect()).toMatchObject({ open: 0, prefixes: EMPTY })
  })

  it('clients are banned for what they did, and the proxy is not', async () => {
    const { port, gate } = await guarded({ gate: { requestRate: per10s(0), dropsBeforeClose: 0, risk: { threshold: 2 } }, connections: { trustedProxies: ['127.0.0.0/8'] } })
    const send = keptAlive(port)
    for (let count = 0; count < 3; count++) await send('/', from('192.0.2.1'))
    expect([gate.isBanned('192.0.2.1'), gate.isBanned('127.0.0.1')]).toEqual([true, false])
  })

  it('nobody else is believed', async () => {
    const { port, gate } = await guarded({ gate: { clientRequestRate: per10s(2) }, connections: { trustedProxies: ['192.0.2.0/24'] }, requests: { trustedProxies: ['192.0.2.0/24'] } })
    const statuses = []
    for (let count = 0; count < 3; count++) statuses.push((await ask('http', { port, headers: from(`198.51.100.${count}`) })).status)

    expect(statuses).toEqual([200, 200, 429])
    expect(gate.numOpen('198.51.100.1')).toBe(0)
  })

  it.each(HTTP_PROTOCOLS)('a proxy on %s that limitRequests does not believe is its own client', async protocol => {
    const proxies = { trustedProxies: ['127.0.0.0/8'] }
    const { port, gate } = await guarded({ protocol, gate: { clientRequestRate: per10s(2) }, connections: proxies, requests: { trustedProxies: [] } })
    const statuses = []
    for (let count = 0; count < 3; count++) statuses.push((await ask(protocol, { port, headers: from(`198.51.100.${count}`) })).status)

    expect(statuses).toEqual([200, 200, 429])
    expect(gate.inspect().denied).toEqual({ 'client-request-rate': 1 })
    await until('it has gone', () => gate.inspect().open === 0)
  })

  it('a proxy is believed where it is, also after it was not on another route', async () => {
    const gate = securityGate({ connectRate: false, clientRequestRate: per10s(1) })
    const [own, believed] = [limitRequests(gate, { trustedProxies: [] }), limitRequests(gate)]
    const server = createHttp('http', (req, res) => {
      if ((req.url === '/own' ? own : believed)(req, res)) res.end('ok')
    })
    limitConnections(server, gate, { trustedProxies: ['127.0.0.1'] })
    const send = keptAlive(await listen(server))
    const statuses = []
    for (const path of ['/own', '/', '/', '/own']) statuses.push((await send(path, from(`198.51.100.${statuses.length}`))).status)

    expect(statuses).toEqual([200, 200, 200, 429])
  })

  it('only the field that it writes is read', async () => {
    const { port, gate } = await guarded({ requests: { trustedProxies: ['127.0.0.1'], forwardedField: 'forwarded' }, connections: { trustedProxies: ['127.0.0.1'] } })
    await ask('http', { port, headers: { ...from('198.51.100.1'), forwarded: 'for=192.0.2.9' } })
    expect([gate.numOpen('198.51.100.1'), gate.numOpen('192.0.2.9')]).toEqual([0, 1])
  })
})
