import { once } from 'node:events'
import { connect } from 'node:http2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { until } from '../support/until.ts'
import { ask } from './support/clients.ts'
import { createHttp, listen } from './support/servers.ts'
import type { ClientHttp2Session } from 'node:http2'
import type { SecurityGateInit } from '../../src/limiter/gate-options.ts'
import type { Rate } from '../../src/limiter/rate.ts'
import type { LimitConnectionsOptions } from '../../src/server/options.ts'
import type { LimitRequestsOptions } from '../../src/server/request-options.ts'
import type { Handler } from './support/servers.ts'

const HOST = '127.0.0.1'
const per10s = (limit: number): Rate => ({ strategy: 'fixed-window', limit, window: 10_000 })

interface Asked {
  readonly path?: string
  readonly client?: string
}

function open (port: number): ClientHttp2Session {
  const session = connect(`http://${HOST}:${port}`)
  onTestFinished(() => { session.destroy() })
  return session.on('error', () => {})
}

/** One after another, on one connection. */
async function statuses (session: ClientHttp2Session, asked: readonly Asked[]): Promise<unknown[]> {
  const all: unknown[] = []

  for (const { path = '/', client } of asked) {
    all.push(await new Promise(resolve => {
      const stream = session.request({ ':path': path, ...client != null && { 'x-forwarded-for': client } })
      stream.on('response', headers => { resolve(headers[':status']) })
      stream.on('error', (error: NodeJS.ErrnoException) => { resolve(error.code) })
      stream.resume()
    }))
  }

  return all
}

describe('streams that limitRequests asks about in its own way', () => {
  const times = (count: number, asked: Asked): Asked[] => Array.from({ length: count }, () => asked)
  const LOGIN: SecurityGateInit = { pathRates: { '/login': per10s(1) } }

  it.each<[string, SecurityGateInit, LimitRequestsOptions, LimitConnectionsOptions, Asked[], unknown[]]>([
    ['fall under the path that pathOf says', LOGIN, { pathOf: req => req.url!.toLowerCase() }, {}, times(2, { path: '/LOGIN' }), [200, 429]],
    ['are those of a trusted proxy\'s clients', { requestRate: per10s(1) }, { trustedProxies: [HOST] }, {}, ['192.0.2.1', '192.0.2.2', '192.0.2.2'].map(client => ({ client })), [200, 200, 429]],
    ['are not counted where they are skipped', { requestRate: per10s(0) }, { skip: req => req.url === '/health' }, {}, [{ path: '/health' }, {}], [200, 429]],
    ['are those of a user', { requestRate: per10s(0) }, { keyOf: () => 'alice', userRate: per10s(1) }, {}, times(2, {}), [200, 429]],
    ['are counted by limitConnections where it is told to', { requestRate: per10s(1) }, { skip: () => true }, { limitStreams: true }, times(2, {}), [200, 429]]
  ])('%s', async (_, init, requests, connections, asked, expected) => {
    const clock = fakeClock()
    const gate = securityGate({ clock, connectRate: false, ...init })
    const limit = limitRequests(gate, { clock, ...requests })
    const server = createHttp('http2', (req, res) => {
      limit(req, res, () => { res.end('ok') })
    })
    limitConnections(server, gate, { clock, ...connections })

    expect(await statuses(open(await listen(server)), asked)).toEqual(expected)
  })
})

describe('streams of a gate with a rate for one route', () => {
  it.each<[string, SecurityGateInit, LimitConnectionsOptions, string[], unknown[]]>([
    ['are limited on all other routes as without it', { requestRate: per10s(2) }, {}, ['/', '/', '/'], [200, 200, 429]],
    ['are counted in the rate, too', {}, {}, ['/login', '/login', '/'], [200, 429, 200]],
    ['are counted once in the path\'s quota', { pathRates: { '/login': per10s(1) } }, {}, ['/login', '/'], [200, 200]],
    ['are not freed by it', { requestRate: per10s(0) }, {}, ['/login'], [429]],
    ['are counted in the rate alone where it asks alone', { requestRate: per10s(0), clientRequestRate: per10s(9) }, { limitStreams: false }, ['/login', '/login'], [200, 429]]
  ])('%s', async (_, init, connections, paths, expected) => {
    const clock = fakeClock()
    const gate = securityGate({ clock, connectRate: false, ...init })
    const limit = limitRequests(gate, { clock, rate: per10s(1) })
    const routes: Record<string, Handler> = {
      '/': (_, res) => { res.end('ok') },
      '/login': (req, res) => { limit(req, res, () => { res.end('ok') }) }
    }
    const server = createHttp('http2', (req, res) => { routes[req.url!]!(req, res) })
    limitConnections(server, gate, { clock, ...connections })

    expect(await statuses(open(await listen(server)), paths.map(path => ({ path })))).toEqual(expected)
  })

  it('are told what is left of the rate, which all middlewares that have it share', async () => {
    const clock = fakeClock()
    const gate = securityGate({ clock, clientRequestRate: per10s(9), pathRates: { '/login': per10s(2) } })
    const [first, second] = [1, 2].map(() => limitRequests(gate, { clock, rate: per10s(2) }))
    const server = createHttp('http2', (req, res) => {
      first!(req, res)
      second!(req, res, () => { res.end('ok') })
    })
    limitConnections(server, gate, { clock })
    const { status, headers } = await ask('http2', { port: await listen(server), path: '/login' })

    expect([status, headers.ratelimit]).toEqual([200, '"connection";r=0;t=10, "client";r=8;t=10, "path";r=1;t=10'])
  })
})

describe('a connection that is ended for its streams', () => {
  it('is kept until what was admitted is answered, and not for what is only half asked', async () => {
    const clock = fakeClock()
    const gate = securityGate({ clock, connectRate: false, risk: false, dropsBeforeClose: 0, requestRate: per10s(2) })
    const pending: Array<() => void> = []
    const server = createHttp('http2', (_, res) => {
      pending.push(() => { res.end('the answer') })
    })
    limitConnections(server, gate, { clock, writeDeadline: 1_000, sweepInterval: Infinity })
    const session = open(await listen(server))
    const closed = once(session, 'close')
    const slow = session.request({ ':path': '/slow' })
    const half = session.request({ ':path': '/upload', ':method': 'POST' }, { endStream: false }).on('error', () => {})
    await until('both are in', () => pending.length === 2)
    expect(await statuses(session, [{}])).toEqual([429])

    for (let time = 0; time < 5_000; time += 1_000) clock.advance(1_000)
    pending[0]!()
    expect((await slow.toArray()).join('')).toBe('the answer')
    expect(half.closed).toBe(false)
    await until('it was the last one', () => {
      clock.advance(1_000)
      return session.destroyed
    })
    await closed
  })
})

describe('a connection that a refused request ends', () => {
  const WAYS: ReadonlyArray<[string, LimitRequestsOptions | undefined, LimitConnectionsOptions | undefined]> = [
    ['limitConnections', undefined, { writeDeadline: 500 }],
    ['limitRequests behind it', { skip: () => false }, { writeDeadline: 500 }],
    ['limitRequests alone', {}, undefined]
  ]

  /** A client that takes no byte of an answer: its window is 0. */
  async function greedy (handler: Handler, [, requests, connections]: typeof WAYS[number]) {
    const clock = fakeClock()
    const gate = securityGate({ clock, connectRate: false, risk: false, idleTimeout: 30_000 })
    const limits = [requests].filter(options => options != null).map(options => limitRequests(gate, { clock, ...options }))
    const server = createHttp('http2', (req, res) => {
      if (limits.every(limit => limit(req, res))) handler(req, res)
    })
    for (const options of [connections].filter(options => options != null)) limitConnections(server, gate, { clock, sweepInterval: Infinity, ...options })
    const session = connect(`http://${HOST}:${await listen(server)}`, { settings: { initialWindowSize: 0 } }).on('error', () => {})
    onTestFinished(() => { session.destroy() })
    const status = async (): Promise<unknown> => {
      const [headers] = await once(session.request({ ':path': '/' }).on('error', () => {}), 'response')
      return headers[':status']
    }

    return { clock, gate, session, status }
  }

  it.each(WAYS)('by %s is over after the deadline, although its client lets no answer out', async (...way) => {
    const { clock, gate, session, status } = await greedy((_, res) => { res.end('ok') }, way)
    expect(await status()).toBe(200)
    gate.banAddress(HOST, Infinity)
    expect(await status()).toBe(429)

    const closed = once(session, 'close')
    clock.advance(1_000)
    await closed
    await until('nobody is in', () => gate.inspect().open === 0)
  })

  it.each(WAYS)('by %s is over after the idle time-out, although an answer is owed', async (...way) => {
    const pending: unknown[] = []
    const { clock, gate, session, status } = await greedy((_, res) => { pending.push(res) }, way)
    session.request({ ':path': '/' }).on('error', () => {})
    await until('it is asked', () => pending.length === 1)
    gate.banAddress(HOST, Infinity)
    expect(await status()).toBe(429)

    const closed = once(session, 'close')
    clock.advance(29_000)
    expect(gate.inspect().open).toBe(1)
    clock.advance(2_000)
    await closed
  })
})

describe('one gate twice before one server', () => {
  it('counts each stream once', async () => {
    const gate = securityGate({ requestRate: per10s(2) })
    const server = createHttp('http2', (_, res) => { res.end('ok') })
    for (const options of [{}, {}]) limitConnections(server, gate, options)

    expect(await statuses(open(await listen(server)), [{}, {}, {}])).toEqual([200, 200, 429])
  })
})

describe('two gates before one server', () => {
  it('count each stream once, each for itself', async () => {
    const gates = [4, 6].map(limit => securityGate({ connectRate: false, requestRate: per10s(limit) }))
    const limits = gates.map(gate => limitRequests(gate))
    const left: unknown[] = []
    const server = createHttp('http2', (req, res) => {
      left.push(limits.map(limit => limit(req, res) && res.getHeader('RateLimit')))
      res.end('ok')
    })
    for (const gate of gates) limitConnections(server, gate)

    expect(await statuses(open(await listen(server)), [{}, {}])).toEqual([200, 200])
    expect(left).toEqual([[3, 5], [2, 4]].map(both => both.map(count => expect.stringContaining(`"connection";r=${count};`))))
  })
})
