import { fork } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { addressOf, hookHandles } from '../../src/server/handle-hook.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { until } from '../support/until.ts'
import { dial } from './support/clients.ts'
import { createHttp, createRaw, listen } from './support/servers.ts'
import type { AddressInfo, Server } from 'node:net'
import type { AcceptedHandle } from '../../src/server/handle-hook.ts'
import type { LimitConnectionsOptions } from '../../src/server/options.ts'
import type { ServerProtocol } from './support/servers.ts'

const HOST = '127.0.0.1'
const NOBODY = { maxConnsPerIp: 0 }

interface Listening { readonly _handle: { onconnection: unknown } }

/** Sockets that Node makes for servers while the test runs. */
function countSockets (): () => number {
  let made = 0
  const count = (): void => { made++ }

  subscribe('net.server.socket', count)
  onTestFinished(() => { unsubscribe('net.server.socket', count) })
  return () => made
}

const server = (protocol: ServerProtocol | 'net' | 'tls'): Server => protocol === 'net' || protocol === 'tls'
  ? createRaw(protocol === 'tls', socket => { socket.write('Hello') })
  : createHttp(protocol, (_, res) => { res.end('Hello') })

describe('who is refused without a word', () => {
  it.each<[ServerProtocol | 'net' | 'tls', LimitConnectionsOptions, string | undefined, number]>([
    ['net', { onDeny: 'close' }, undefined, 0],
    ['net', { onDeny: 'reset' }, 'ECONNRESET', 0],
    ['net', {}, undefined, 0],
    ['tls', { onDeny: 'reset' }, 'ECONNRESET', 0],
    ['tls', {}, undefined, 0],
    ['http', { onDeny: 'close' }, undefined, 0],
    ['http', { onDeny: 'reset' }, 'ECONNRESET', 0],
    ['https', { onDeny: 'too-many-requests' }, undefined, 0],
    ['http2', {}, undefined, 0],
    ['http2 over TLS', { onDeny: 'reset' }, 'ECONNRESET', 0],
    ['http', {}, undefined, 1],
    ['http', { onDeny: 'too-many-requests' }, undefined, 1],
    ['net', { onDeny: socket => { socket.destroy() } }, undefined, 1]
  ])('by a %s server with %j ends with %s, and %d sockets are made', async (protocol, options, code, sockets) => {
    const limited = server(protocol)
    const limiter = connectionLimiter(NOBODY)
    const { counts } = limitConnections(limited, limiter, options)
    const port = await listen(limited)
    const made = countSockets()
    // in the clear, also where the server speaks TLS: it is not asked for a handshake
    const { ended } = dial({ port, host: HOST })

    expect((await ended).code).toBe(code)
    expect([made(), counts().refused, limiter.inspect().denied]).toEqual([sockets, 1, { 'connection-limit': 1 }])
  })

  it.each(['net', 'tls'] as const)('is told to listeners of a limiter once, by a %s server', async protocol => {
    const limited = server(protocol)
    const limiter = connectionLimiter(NOBODY)
    const heard: unknown[] = []
    limiter.addEventListener('deny', ({ detail: { remote, verdict } }) => { heard.push([remote, verdict.reason]) })
    limitConnections(limited, limiter)
    await dial({ port: await listen(limited), host: HOST }).ended

    expect(heard).toEqual([[HOST, 'connection-limit']])
  })

  it('offends a gate, and is banned', async () => {
    const limited = server('net')
    const gate = securityGate({ maxConnsPerIp: 0, connectRate: { strategy: 'fixed-window', limit: 1_000, window: 1_000 }, risk: { threshold: 2.5 } })
    const heard: unknown[] = []
    gate.addEventListener('deny', ({ detail: { stage, id, verdict } }) => { heard.push([stage, id, verdict.reason]) })
    limitConnections(limited, gate)
    const port = await listen(limited)
    for (let visit = 0; visit < 4; visit++) await dial({ port, host: HOST }).ended

    expect(gate.isBanned(HOST)).toBe(true)
    expect(heard).toEqual([...Array.from({ length: 3 }, () => ['connect', undefined, 'connection-limit']), ['connect', undefined, 'banned']])
    expect(gate.inspect()).toMatchObject({ open: 0, denied: { 'connection-limit': 3, 'banned': 1 } })
  })

  it('leaves room for others: a place is given, counted and given back', async () => {
    const limited = server('net')
    const limiter = connectionLimiter({ maxConnsPerIp: 1 })
    const { counts } = limitConnections(limited, limiter)
    const port = await listen(limited)
    const made = countSockets()
    const first = dial({ port, host: HOST })
    await first.heard('Hello')

    expect((await dial({ port, host: HOST }).ended).text).toBe('')
    await dial({ port, host: HOST, localAddress: '127.0.0.2' }).heard('Hello')
    expect([made(), counts()]).toEqual([2, { open: 2, waiting: 0, telling: 0, refused: 1 }])
    first.socket.destroy()
    await until('the place is free', () => limiter.numOpen(HOST) === 0)
    await dial({ port, host: HOST }).heard('Hello')
  })

  it('is none of a proxy\'s clients', async () => {
    const limiter = connectionLimiter(NOBODY)
    const [named, trusted] = [server('net'), server('net')]
    limitConnections(named, limiter, { proxyProtocol: { from: [HOST] } })
    limitConnections(trusted, limiter, { trustedProxies: [HOST] })
    const made = countSockets()
    const proxied = dial({ port: await listen(named), host: HOST })
    proxied.socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')

    expect((await proxied.ended).text).toBe('')
    await dial({ port: await listen(trusted), host: HOST }).heard('Hello')
    expect([made(), limiter.inspect().denied]).toEqual([2, { 'connection-limit': 1 }])
  })

  it('is asked about its socket where it has no address', async () => {
    const limited = server('net')
    const limiter = connectionLimiter({ onUnknownAddress: 'deny' })
    limitConnections(limited, limiter, { onDeny: 'reset' })
    const made = countSockets()
    const path = join(tmpdir(), `turned-away-${process.pid}.sock`)
    await listen(limited, { path })

    expect((await dial({ path }).ended).text).toBe('')
    expect([made(), limiter.inspect().denied]).toEqual([1, { 'unknown-address': 1 }])
  })

  it('is so in a worker of a cluster', async () => {
    const cluster = fork(fileURLToPath(new URL('support/cluster.ts', import.meta.url)))
    onTestFinished(() => { cluster.kill('SIGKILL') })
    const [{ port }] = await once(cluster, 'message') as [{ port: number }]

    expect(await dial({ port, host: HOST }).ended).toMatchObject({ text: '' })
    const [counts] = await once(cluster, 'message') as [object]
    expect(counts).toEqual({ refused: 1, made: 0 })
  })
})

describe('a server that listens', () => {
  it('already is guarded at once, and again where it listens anew', async () => {
    const limited = server('net')
    limited.listen(0, HOST)
    await once(limited, 'listening')
    const { counts } = limitConnections(limited, connectionLimiter(NOBODY))
    const made = countSockets()
    await dial({ port: (limited.address() as AddressInfo).port, host: HOST }).ended
    limited.close()
    await once(limited, 'close')
    await dial({ port: await listen(limited), host: HOST }).ended

    expect([made(), counts().refused]).toEqual([0, 2])
  })

  it('has what it had when the limits are taken off', async () => {
    const limited = server('net')
    const port = await listen(limited)
    const { _handle: handle } = limited as unknown as Listening
    const before = handle.onconnection
    const unlimit = limitConnections(limited, connectionLimiter(NOBODY))

    expect(handle.onconnection).not.toBe(before)
    unlimit()
    expect(handle.onconnection).toBe(before)
    await dial({ port, host: HOST }).heard('Hello')
  })

  it('has them below somebody else\'s function, where they do nothing any more', async () => {
    const limited = server('net')
    const port = await listen(limited)
    const unlimit = limitConnections(limited, connectionLimiter(NOBODY))
    const { _handle: handle } = limited as unknown as { _handle: { onconnection: (...args: unknown[]) => unknown } }
    const ours = handle.onconnection
    const theirs = function (this: unknown, ...args: unknown[]): unknown { return ours.apply(this, args) }
    handle.onconnection = theirs
    unlimit()

    expect(handle.onconnection).toBe(theirs)
    await dial({ port, host: HOST }).heard('Hello')
  })
})

describe('handles', () => {
  it.each([['no handle', {}], ['none any more', { _handle: null }], ['one with another name for it', { _handle: { onaccept: () => {} } }]])('of a server that has %s are left alone', (_, unlike) => {
    const namesOf = (): unknown => Object.entries(unlike).map(([name, value]) => [name, Object.keys(value ?? {})])
    const before = namesOf()
    hookHandles(unlike as never, () => true)()

    expect(namesOf()).toEqual(before)
  })

  it.each([['is reset', 0, ['reset']], ['cannot be reset', -95, ['reset', 'close']]])('of who is refused and %s are closed once', async (_, error, expected) => {
    const limited = server('net')
    limitConnections(limited, connectionLimiter(NOBODY), { onDeny: 'reset' })
    await listen(limited)
    const did: string[] = []
    const accepted = {
      getpeername: (out: { address?: string }) => { out.address = '192.0.2.1'; return 0 },
      reset () {
        did.push('reset')
        return error
      },
      close: () => { did.push('close') }
    }
    const { _handle: handle } = limited as unknown as { _handle: { onconnection: (error: undefined, accepted: AcceptedHandle) => void } }
    handle.onconnection(undefined, accepted)

    expect(did).toEqual(expected)
  })

  it('with an error reach Node', () => {
    const heard: unknown[] = []
    const listening = { _handle: { onconnection: (...args: unknown[]) => { heard.push(args) } } }
    hookHandles(listening as never, () => { throw new Error('Asked about nobody') })
    listening._handle.onconnection(-24, undefined)

    expect(heard).toEqual([[-24, undefined]])
  })

  it.each<[string, Partial<AcceptedHandle>, string | undefined]>([
    ['an address', { getpeername: out => { out.address = '192.0.2.1'; return 0 } }, '192.0.2.1'],
    ['an error, for it was reset', { getpeername: () => -107 }, undefined],
    ['none, for it is a pipe', {}, undefined]
  ])('have %s', (_, handle, address) => {
    expect(addressOf(handle as AcceptedHandle)).toBe(address)
  })
})
