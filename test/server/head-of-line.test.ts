import { describe, expect, it } from 'vitest'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { until } from '../support/until.ts'
import { dial, timeRequests } from './support/clients.ts'
import { createHttp, listen } from './support/servers.ts'
import type { Dialled } from './support/clients.ts'

const HOST = '127.0.0.1'
const SILENT = 50
const ROUNDS = 4
const REQUESTS = 100

function percentile (times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1]!
}

describe.each(['http', 'https'] as const)('50 refused clients that never read, on %s', protocol => {
  it.each(['close', 'too-many-requests', 'reset'] as const)('delay nobody when they are refused by %s', async onDeny => {
    const limiter = connectionLimiter({ networks: { '127.0.0.1/32': 0 } })
    const server = createHttp(protocol, (_, res) => { res.end('ok') })
    const { counts } = limitConnections(server, limiter, { onDeny, writeDeadline: 60_000 })
    const port = await listen(server)
    const [quiet, again, busy]: [number[], number[], number[]] = [[], [], []]
    await timeRequests(protocol, port, REQUESTS)

    for (let round = 0; round < ROUNDS; round++) {
      quiet.push(...await timeRequests(protocol, port, REQUESTS))
      again.push(...await timeRequests(protocol, port, REQUESTS))
      const refused = counts().refused
      const silent = Array.from({ length: SILENT }, (): Dialled => dial({ port, host: HOST, allowHalfOpen: true }))
      silent.forEach(({ socket }) => { socket.pause() })
      await until('all are refused', () => counts().refused === refused + SILENT)
      busy.push(...await timeRequests(protocol, port, REQUESTS))
      silent.forEach(({ socket }) => { socket.destroy() })
    }

    const more = (times: readonly number[], share: number): string => `${((percentile(times, share) / percentile(quiet, share) - 1) * 100).toFixed(0)} %`
    console.log(`${protocol}, ${onDeny}: quiet p50 ${percentile(quiet, 0.5).toFixed(2)} ms, p99 ${percentile(quiet, 0.99).toFixed(2)} ms; quiet again ${more(again, 0.5)}, ${more(again, 0.99)}; with 50 silent clients ${more(busy, 0.5)}, ${more(busy, 0.99)}`)
    // that it does not take longer is a question for benchmarks/head-of-line.ts: here one silent client that stalls the listener lets nobody through
    expect([busy.length, counts().refused]).toEqual([ROUNDS * REQUESTS, ROUNDS * SILENT])
    await until('nobody is told any more', () => counts().telling === 0)
    await until('nobody is in', () => limiter.inspect().open === 0)
  }, 120_000)
})
