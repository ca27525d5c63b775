// What guarding a server costs: CPU of the server's process per operation, as pairs of fresh processes in one round, so that what else the machine
// does hits both. `bare` runs twice in each round: the difference of those two is what this machine calls nothing (A/A).
//
//   npm run bench -- server
//   node benchmarks/server.ts --pairs 5 --only refusal

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { print } from './support/report.ts'
import type { ChildProcess } from 'node:child_process'

const PAIRS = 20
const SECOND_BYTE = 1

interface Load {
  readonly warmUp: number
  readonly operations: number
  run (port: number, operations: number): Promise<void>
}

interface Question {
  readonly name: string
  readonly base: Contestant
  readonly variant: Contestant
  readonly target: string
  /** Asked in every round, or in every second: what differs by more than noise needs fewer. */
  readonly every: 1 | 2
}

/** A variant of the server under a load, once in each round. */
interface Contestant {
  readonly variant: string
  readonly load: Load
}

// Long warm-ups: until the compiler is done, everything costs twice as much, and what has more code of its own costs it longer.
const keepAlive: Load = { warmUp: 20_000, operations: 10_000, run: keptRequests }
const oneRequest: Load = { warmUp: 4_000, operations: 3_000, run: async (port, count) => inParallel(count, async at => visit(port, at, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')) }
const noRequest: Load = { warmUp: 4_000, operations: 3_000, run: async (port, count) => inParallel(count, async at => visit(port, at, '')) }

const bare: Contestant = { variant: 'bare', load: keepAlive }
const destroy: Contestant = { variant: 'destroy', load: noRequest }
const reset: Contestant = { variant: 'reset', load: noRequest }

const QUESTIONS: readonly Question[] = [
  { name: 'A/A: bare and bare again', base: bare, variant: { variant: 'bare', load: keepAlive }, target: '0 %', every: 1 },
  { name: 'a kept request, no fields', base: bare, variant: { variant: 'limitRequests', load: keepAlive }, target: '≤ 3 %', every: 1 },
  { name: 'a kept request, with fields', base: bare, variant: { variant: 'limitRequests with fields', load: keepAlive }, target: '≤ 12 %', every: 1 },
  { name: 'a connection with one request', base: { variant: 'bare', load: oneRequest }, variant: { variant: 'limitConnections', load: oneRequest }, target: '≤ 10 µs', every: 2 },
  { name: 'a refusal by close, to destroy()', base: destroy, variant: { variant: 'close', load: noRequest }, target: '≤ 10 %', every: 2 },
  { name: 'a refusal by reset, to destroy()', base: destroy, variant: reset, target: '≤ 10 %', every: 2 },
  { name: 'a refusal by reset, to resetAndDestroy()', base: { variant: 'resetAndDestroy', load: noRequest }, variant: reset, target: '≤ 10 %', every: 2 }
]

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
    socket.on('data', () => { socket.resetAndDestroy() })
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

/** Microseconds of CPU per operation, of a process that does nothing else. */
async function measure ({ variant, load: { warmUp, operations, run } }: Contestant): Promise<number> {
  const child = fork(new URL('./support/guarded-server.ts', import.meta.url), [variant])

  try {
    const [{ port }] = await once(child, 'message') as [{ port: number }]
    await run(port, warmUp)
    const before = await cpu(child)
    await run(port, operations)
    return (await cpu(child) - before) / operations
  } finally {
    child.kill('SIGKILL')
  }
}

async function cpu (child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [{ cpu: used }] = await once(child, 'message') as [{ cpu: number }]
  return used
}

interface Pair {
  readonly base: number
  readonly variant: number
}

/** Every contestant once, in an order that changes from round to round, or whoever comes second would pay for it. */
async function measureAll (questions: readonly Question[], round: number): Promise<ReadonlyMap<Question, Pair>> {
  const contestants = [...new Set(questions.flatMap(({ base, variant }) => [base, variant]))]
  const cost = new Map<Contestant, number>()

  const turned = [...contestants.slice(round % contestants.length), ...contestants.slice(0, round % contestants.length)]

  for (const contestant of round % 2 === 0 ? turned : turned.toReversed()) cost.set(contestant, await measure(contestant))
  return new Map(questions.map(question => [question, { base: cost.get(question.base)!, variant: cost.get(question.variant)! }]))
}

/** The median, and the interval that holds it with 95 %: order statistics, so nothing is assumed of the noise. */
function median (values: readonly number[]): { mid: number, low: number, high: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.ceil(0.98 * Math.sqrt(sorted.length))
  const at = (index: number): number => sorted[Math.min(Math.max(index, 0), sorted.length - 1)]!
  const middle = Math.floor(sorted.length / 2)

  return { mid: sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2, low: at(middle - half), high: at(sorted.length - 1 - middle + half) }
}

function row ({ name, target }: Question, pairs: readonly Pair[]): object {
  const share = median(pairs.map(({ base, variant }) => (variant / base - 1) * 100))
  const extra = median(pairs.map(({ base, variant }) => variant - base))
  const text = ({ mid, low, high }: typeof share, unit: string): string => `${mid.toFixed(1)} ${unit} (${low.toFixed(1)} to ${high.toFixed(1)})`

  return { 'question': name, 'base, µs': Number(median(pairs.map(({ base }) => base)).mid.toFixed(1)), 'more, %': text(share, '%'), 'more, µs': text(extra, 'µs'), target }
}

const { values } = parseArgs({ options: { pairs: { type: 'string', default: String(PAIRS) }, only: { type: 'string', default: '' } } })
const asked = QUESTIONS.filter(({ name }) => name.includes(values.only))
const rounds: Array<ReadonlyMap<Question, Pair>> = []

for (let round = 0; round < Number(values.pairs); round++) rounds.push(await measureAll(asked.filter(({ every }) => round % every === 0), round))

print(`${values.pairs} pairs of fresh processes (half as many for connections): CPU of the server per operation, median and 95 % interval`, asked.map(question => row(question, rounds.flatMap(pairs => pairs.get(question) ?? []))))
