// Do refused clients that never read delay others? The time of honest requests, each on a connection of its own, while nobody else is there and while 50
// refused clients hold on, in turns. Quiet turns come in pairs: the difference of those two is what this machine calls nothing (A/A).
//
//   npm run bench -- head-of-line

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { print } from './support/report.ts'
import { medianOf, textOf } from './support/rounds.ts'
import { timeRequests } from '../test/server/support/clients.ts'
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'

const HOST = '127.0.0.1'
const SILENT = 50
const ROUNDS = 12

/** In each turn: enough for a 99th percentile. */
const REQUESTS = { http: 200, https: 100 } as const

type Protocol = keyof typeof REQUESTS

const TURNS = ['quiet', 'again', 'busy'] as const
type Times = Record<typeof TURNS[number], number[]>

interface Server {
  readonly child: ChildProcess
  readonly port: number
  /** Clients that it has refused so far. */
  refused: number
}

async function start (protocol: Protocol): Promise<Server> {
  const child = fork(new URL('./support/refusing-server.ts', import.meta.url), [protocol])
  const [{ port }] = await once(child, 'message') as [{ port: number }]
  return { child, port, refused: 0 }
}

/** Clients of a refused address, which read nothing and hold on. */
async function silent (server: Server): Promise<Socket[]> {
  const sockets = Array.from({ length: SILENT }, () => connect({ port: server.port, host: HOST, allowHalfOpen: true }).on('error', () => {}).pause())
  const expected = server.refused + SILENT

  while (server.refused < expected) {
    server.child.send('refused')
    const [{ refused }] = await once(server.child, 'message') as [{ refused: number }]
    server.refused = refused
  }
  return sockets
}

async function measure (protocol: Protocol): Promise<Times[]> {
  const server = await start(protocol)
  const rounds: Times[] = []

  try {
    await timeRequests(protocol, server.port, REQUESTS[protocol])
    for (let round = 0; round < ROUNDS; round++) {
      const times: Times = { quiet: [], again: [], busy: [] }

      for (const turn of round % 2 === 0 ? TURNS : TURNS.toReversed()) {
        const sockets = turn === 'busy' ? await silent(server) : []
        times[turn] = await timeRequests(protocol, server.port, REQUESTS[protocol])
        for (const socket of sockets) socket.destroy()
      }
      rounds.push(times)
    }
  } finally {
    server.child.kill('SIGKILL')
  }
  return rounds
}

function percentile (times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1]!
}

function row (protocol: Protocol, share: number, rounds: readonly Times[]): object {
  const more = (turn: keyof Times): string => textOf(medianOf(rounds.map(times => (percentile(times[turn], share) / percentile(times.quiet, share) - 1) * 100)), '%')

  return {
    'protocol': protocol,
    'percentile': `p${share * 100}`,
    'quiet, ms': Number(medianOf(rounds.map(({ quiet }) => percentile(quiet, share))).mid.toFixed(2)),
    'A/A: quiet again': more('again'),
    'with 50 refused': more('busy'),
    'target': share === 0.99 ? '≤ 20 %' : ''
  }
}

const rows: object[] = []

for (const protocol of ['http', 'https'] as const) {
  const rounds = await measure(protocol)
  rows.push(row(protocol, 0.5, rounds), row(protocol, 0.99, rounds))
}

print(`an honest request on a new connection, ${ROUNDS} rounds: its time with ${SILENT} refused clients that never read, to a quiet server's; median and 95 % interval`, rows)
