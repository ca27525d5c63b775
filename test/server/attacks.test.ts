import { describe, expect, it } from 'vitest'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { until } from '../support/until.ts'
import { ask } from './support/clients.ts'
import { isMissing, runProgram } from './support/programs.ts'
import { createHttp, listen } from './support/servers.ts'
import type { Server as HttpServer } from 'node:http'
import type { SecurityGateInit } from '../../src/limiter/gate-options.ts'
import type { LimitConnectionsOptions } from '../../src/server/options.ts'
import type { ServerProtocol } from './support/servers.ts'

const HONEST = '127.0.0.9'

async function guarded (protocol: ServerProtocol, init: SecurityGateInit, options: LimitConnectionsOptions = {}) {
  const gate = securityGate({ connectRate: false, risk: false, ...init })
  const limit = limitRequests(gate)
  let served = 0
  const server = createHttp(protocol, (req, res) => {
    limit(req, res, () => {
      req.resume()
      req.on('end', () => {
        served++
        res.end('x'.repeat(1_000))
      })
    })
  })
  const { counts } = limitConnections(server, gate, options)

  return { gate, server, counts, port: await listen(server), served: () => served }
}

/** An honest client's requests, one after the other, while the attack lasts. */
async function honestWhile (attack: Promise<unknown>, protocol: ServerProtocol, port: number): Promise<{ readonly times: number[], readonly statuses: Set<number | 'refused'> }> {
  const times: number[] = []
  const statuses = new Set<number | 'refused'>()
  let isOver = false
  void attack.finally(() => { isOver = true })

  while (!isOver) {
    const begun = performance.now()
    statuses.add((await ask(protocol, { port, localAddress: HONEST })).status)
    times.push(performance.now() - begun)
    await new Promise(resolve => { setImmediate(resolve) })
  }

  return { times, statuses }
}

function figures (name: string, times: readonly number[], more: string): void {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): string => sorted[Math.ceil(sorted.length * share) - 1]!.toFixed(1)
  console.log(`${name}: honest client ${times.length} requests, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; ${more}`)
}

describe.skipIf(isMissing('slowhttptest'))('slowhttptest', () => {
  it.each<[string, string[], (server: HttpServer) => void]>([
    ['slow headers', ['-H', '-i', '1', '-x', '10'], () => {}],
    ['slow bodies', ['-B', '-i', '1', '-s', '8192', '-x', '10'], server => { server.requestTimeout = 2_000 }],
    ['slow reading', ['-X', '-w', '10', '-y', '20', '-n', '1', '-z', '5', '-k', '3'], () => {}]
  ])('with %s holds nobody up, and 200 connections get 20 places', async (name, args, configure) => {
    const { gate, server, counts, port } = await guarded('http', { maxConnsPerIp: 20, idleTimeout: 2_000, requestRate: { strategy: 'sliding-window', limit: 1_000, window: 1_000 } }, { headerDeadline: 2_000, firstByteDeadline: 1_000, sweepInterval: 500 })
    configure(server as HttpServer)
    let most = 0
    const attack = runProgram('slowhttptest', [...args, '-c', '200', '-r', '200', '-l', '4', '-p', '1', '-u', `http://127.0.0.1:${port}/`])
    const watch = until('it is over', () => {
      most = Math.max(most, gate.numOpen('127.0.0.1'))
      return false
    }, 5_000).catch(() => {})
    const { times, statuses } = await honestWhile(Promise.all([attack, watch]), 'http', port)

    figures(`slowhttptest, ${name}`, times, `attacker had at most ${most} places, ${counts().refused} refused`)
    expect(statuses).toEqual(new Set([200]))
    expect(most).toBeLessThanOrEqual(20)
    await until('every place is free', () => gate.inspect().open === 0)
  })
})

describe.skipIf(isMissing('wrk'))('wrk', () => {
  it('on 50 connections gets 10 places and its quota, and the honest client its answers', async () => {
    const { gate, counts, port, served } = await guarded('http', { maxConnsPerIp: 10, requestRate: { strategy: 'token-bucket', limit: 2_000, window: 1_000 }, clientRequestRate: { strategy: 'token-bucket', limit: 3_000, window: 1_000 } })
    const attack = runProgram('wrk', ['-t', '1', '-c', '50', '-d', '2s', `http://127.0.0.1:${port}/`])
    const { times, statuses } = await honestWhile(attack, 'http', port)
    const { text } = await attack

    figures('wrk', times, `${/Requests\/sec:\s+\S+/.exec(text)?.[0]}, ${served()} served, ${counts().refused} connections and ${gate.inspect().denied['client-request-rate'] ?? 0} requests refused`)
    expect(statuses).toEqual(new Set([200]))
    expect(served() - times.length).toBeLessThanOrEqual(3_000 * 4)
    await until('every place is free', () => gate.inspect().open === 0)
  })
})

describe.skipIf(isMissing('h2load'))('h2load', () => {
  it.each(['http2', 'http2 over TLS'] as const)('on %s: streams of few connections are held to the quota', async protocol => {
    const { gate, port, served } = await guarded(protocol, { maxConnsPerIp: 4, requestRate: { strategy: 'fixed-window', limit: 100, window: 60_000 } })
    const scheme = protocol === 'http2' ? 'http' : 'https'
    const attack = runProgram('h2load', ['-n', '2000', '-c', '8', '-m', '20', `${scheme}://127.0.0.1:${port}/`])
    const { times, statuses } = await honestWhile(attack, protocol, port)
    const { text } = await attack

    figures(`h2load, ${protocol}`, times, `${/status codes: .*/.exec(text)?.[0]}`)
    expect(statuses).toEqual(new Set([200]))
    expect(served() - times.length).toBe(400)
    await until('every place is free', () => gate.inspect().open === 0)
  })
})
