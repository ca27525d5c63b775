// What guarding a server costs: CPU of the server's process per operation, as pairs of fresh processes in one round, which are asked in short turns, so
// that what else the machine does hits both. `bare` runs twice in each round: the difference of those two is what this machine calls nothing (A/A).
//
//   npm run bench -- server
//   node benchmarks/server.ts --pairs 5 --only refusal

import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { print } from './support/report.ts'
import { measureRound, medianOf, textOf } from './support/rounds.ts'
import type { Contestant } from './support/rounds.ts'

const PAIRS = 20
const SECOND_BYTE = 1

type Load = Pick<Contestant, 'warmUp' | 'operations' | 'run'>

interface Question {
  readonly name: string
  readonly base: Contestant
  readonly variant: Contestant
  readonly target: string
  /** Asked in every round, or in every second or fourth: what differs by more than noise needs fewer. */
  readonly every: 1 | 2 | 4
}

// Warm-ups, in which the compiler is done: until then everything costs twice as much, and what has more code of its own costs it longer.
const keepAlive: Load = { warmUp: 5_000, operations: 6_000, run: keptRequests }
const oneRequest: Load = { warmUp: 4_000, operations: 3_000, run: async (port, count) => inParallel(count, async at => visit(port, at, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')) }
const noRequest: Load = { warmUp: 4_000, operations: 3_000, run: async (port, count) => inParallel(count, async at => visit(port, at, '')) }

const bare = serving('bare', keepAlive)
const withFields = serving('limitRequests with fields', keepAlive)
const destroy = serving('destroy', noRequest)
const reset = serving('reset', noRequest)

const QUESTIONS: readonly Question[] = [
  { name: 'A/A: bare and bare again', base: bare, variant: serving('bare', keepAlive), target: '0 %', every: 1 },
  { name: 'a kept request, no fields', base: bare, variant: serving('limitRequests', keepAlive), target: '≤ 3 %', every: 1 },
  { name: 'a kept request, with fields', base: bare, variant: withFields, target: '≤ 12 %', every: 1 },
  { name: 'two constant fields, no limit', base: bare, variant: serving('two fields', keepAlive), target: '', every: 4 },
  { name: 'a connection with one request', base: serving('bare', oneRequest), variant: serving('limitConnections', oneRequest), target: '≤ 10 µs', every: 2 },
  { name: 'a refusal by close, to destroy()', base: destroy, variant: serving('close', noRequest), target: '≤ 10 %', every: 2 },
  { name: 'a refusal by reset, to destroy()', base: destroy, variant: reset, target: '≤ 10 %', every: 2 },
  { name: 'a refusal by reset, to resetAndDestroy()', base: serving('resetAndDestroy', noRequest), variant: reset, target: '≤ 10 %', every: 2 }
]

/** A variant of the server under a load. */
function serving (variant: string, load: Load): Contestant {
  return { ...load, variant, module: new URL('./support/guarded-server.ts', import.meta.url) }
}

/** So many connections at a time; each comes from an address of its own, or ephemeral ports would run out. */
async function inParallel (count: number, visitOnce: (at: number) => Promise<void>, parallel = 50): Promise<void> {
  let next = 0

  async function visitor (): Promise<void> {
    while (next < count) await visitOnce(next++)
  }

  await Promise.all(Array.from({ length: parallel }, visitor))
}

async function visit (port: number, at: number, text: string): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.${SECOND_BYTE}.0.${at % 250 + 1}` })
    socket.on('error', () => {})
    socket.on('close', () => { resolve() })
    // to its end: a client that hangs up first races the server, and whoever is later pays for an error
    socket.resume()
    socket.write(text)
  })
}

async function keptRequests (port: number, count: number): Promise<void> {
  let left = count

  await Promise.all(Array.from({ length: 16 }, async () => new Promise<void>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const send = (): void => {
      if (left-- > 0) socket.write('GET /path HTTP/1.1\r\nHost: a\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n')
      else socket.end()
    }

    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      if (!text.startsWith('HTTP/1.1 200')) reject(new Error(`Refused: ${text}`))
      send()
    })
    socket.on('close', () => { resolve() })
    send()
  })))
}

interface Pair {
  readonly base: number
  readonly variant: number
}

async function measureAll (questions: readonly Question[], round: number): Promise<ReadonlyMap<Question, Pair>> {
  const cost = await measureRound([...new Set(questions.flatMap(({ base, variant }) => [base, variant]))], round)

  return new Map(questions.map(question => [question, { base: cost.get(question.base)!, variant: cost.get(question.variant)! }]))
}

function row ({ name, target }: Question, pairs: readonly Pair[]): object {
  const share = medianOf(pairs.map(({ base, variant }) => (variant / base - 1) * 100))
  const extra = medianOf(pairs.map(({ base, variant }) => variant - base))

  return { 'question': name, 'base, µs': Number(medianOf(pairs.map(({ base }) => base)).mid.toFixed(1)), 'more, %': textOf(share, '%'), 'more, µs': textOf(extra, 'µs'), target }
}

const { values } = parseArgs({ options: { pairs: { type: 'string', default: String(PAIRS) }, only: { type: 'string', default: '' } } })
const asked = QUESTIONS.filter(({ name }) => name.includes(values.only))
const rounds: Array<ReadonlyMap<Question, Pair>> = []

for (let round = 0; round < Number(values.pairs); round++) rounds.push(await measureAll(asked.filter(({ every }) => round % every === 0), round))

print(`${values.pairs} pairs of fresh processes (half as many for connections): CPU of the server per operation, median and 95 % interval`, asked.map(question => row(question, rounds.flatMap(pairs => pairs.get(question) ?? []))))
