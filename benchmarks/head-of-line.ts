// Do refused clients that never read delay others? The time of honest requests, each on a connection of its own, while nobody else is there and while 50
// refused clients hold on, in short turns, so that what else the machine does hits both. Quiet turns come in pairs: the difference of those two is what
// this machine calls nothing (A/A). The slowest hundredth of one turn is a request or two: percentiles are of all turns of a kind together.
//
//   npm run bench -- head-of-line

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { print } from './support/report.ts'
import { seededRandom } from './support/mock-connections.ts'
import { textOf, turned } from './support/rounds.ts'
import { timeRequests } from '../test/server/support/clients.ts'
import type { ChildProcess } from 'node:child_process'
import type { Median } from './support/rounds.ts'

const SILENT = 50
const ROUNDS = 12

/** In each turn. */
const REQUESTS = { http: 600, https: 180 } as const

/** Milliseconds. */
const SETTLED = 20

/** Requests of a turn that are not timed. */
const FIRST = 10

/** Of the rounds, drawn from them: the 95 % interval is what 95 % of these say. */
const RESAMPLES = 500

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

/** Clients of a refused address: what they leave behind in memory is not the honest one's to clean up. */
class Silent {
  readonly #child = fork(new URL('./support/silent-clients.ts', import.meta.url))

  /** Resolves when the server has refused all. */
  async come (server: Server): Promise<void> {
    await this.#order({ port: server.port, count: SILENT })
    const expected = server.refused + SILENT

    while (server.refused < expected) {
      server.child.send('refused')
      const [{ refused }] = await once(server.child, 'message') as [{ refused: number }]
      server.refused = refused
    }
  }

  async leave (): Promise<void> {
    await this.#order('leave')
  }

  stop (): void {
    this.#child.kill('SIGKILL')
  }

  async #order (order: object | string): Promise<void> {
    this.#child.send(order)
    await once(this.#child, 'message')
  }
}

async function measure (protocol: Protocol): Promise<Times[]> {
  const server = await start(protocol)
  const silent = new Silent()
  const rounds: Times[] = []

  try {
    await timeRequests(protocol, server.port, REQUESTS[protocol])
    for (let round = 0; round < ROUNDS; round++) {
      const times: Times = { quiet: [], again: [], busy: [] }

      for (const turn of turned(TURNS, round)) {
        if (turn === 'busy') await silent.come(server)
        // neither who has come or gone is part of the turn, nor the waking up of who had nothing to do
        await setTimeout(SETTLED)
        await timeRequests(protocol, server.port, FIRST)
        times[turn] = await timeRequests(protocol, server.port, REQUESTS[protocol])
        if (turn === 'busy') await silent.leave()
      }
      rounds.push(times)
    }
  } finally {
    server.child.kill('SIGKILL')
    silent.stop()
  }
  return rounds
}

function percentile (rounds: readonly Times[], turn: keyof Times, share: number): number {
  const times = Float64Array.from(rounds.flatMap(round => round[turn])).sort()
  return times[Math.ceil(times.length * share) - 1]!
}

/** By how much a turn's percentile is above the quiet one's, in %. */
function more (rounds: readonly Times[], turn: keyof Times, share: number): number {
  return (percentile(rounds, turn, share) / percentile(rounds, 'quiet', share) - 1) * 100
}

function interval (rounds: readonly Times[], turn: keyof Times, share: number): Median {
  const random = seededRandom(1)
  const resamples = Array.from({ length: RESAMPLES }, () => more(rounds.map(() => rounds[Math.floor(random() * rounds.length)]!), turn, share)).sort((a, b) => a - b)

  return { mid: more(rounds, turn, share), low: resamples[Math.floor(RESAMPLES * 0.025)]!, high: resamples[Math.floor(RESAMPLES * 0.975)]! }
}

function row (protocol: Protocol, share: number, rounds: readonly Times[]): object {
  return {
    'protocol': protocol,
    'percentile': `p${share * 100}`,
    'quiet, ms': Number(percentile(rounds, 'quiet', share).toFixed(2)),
    'A/A: quiet again': textOf(interval(rounds, 'again', share), '%'),
    'with 50 refused': textOf(interval(rounds, 'busy', share), '%'),
    'target': share === 0.99 ? '≤ 20 %' : ''
  }
}

const rows: object[] = []

for (const protocol of ['http', 'https'] as const) {
  const rounds = await measure(protocol)
  rows.push(...[0.5, 0.95, 0.99].map(share => row(protocol, share, rounds)))
}

print(`an honest request on a new connection, ${ROUNDS} rounds: its time with ${SILENT} refused clients that never read, to a quiet server's; percentiles of all rounds, and 95 % intervals by resampling them`, rows)
