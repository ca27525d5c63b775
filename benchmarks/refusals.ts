// What does a refused connection cost the node? CPU of its process for each, ours against a gater that only returns true, as pairs of fresh processes in
// one round, so that what else the machine does hits both. That gater runs twice in each round: the difference of those two is what this machine calls
// nothing (A/A).
//
//   npm run bench -- refusals
//   node benchmarks/refusals.ts --pairs 5

import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { print } from './support/report.ts'
import { measureRound, medianOf, textOf } from './support/rounds.ts'
import type { Contestant } from './support/rounds.ts'

const PAIRS = 4

// A warm-up, in which the compiler is done: until then everything costs twice as much, and what has more code of its own costs it longer.
const WARM_UP = 2_000
const REFUSALS = 2_500
const AT_ONCE = 30

interface Refusing extends Contestant {
  readonly name: string
}

function refusing (name: string, variant: string): Refusing {
  return { name, variant, module: new URL('./support/refusing-node.ts', import.meta.url), warmUp: WARM_UP, operations: REFUSALS, run: knock }
}

const base = refusing('a gater that returns true', 'true')
const others = [
  refusing('A/A: the same again', 'true'),
  refusing('ours: a blocked subnet', 'blocked'),
  refusing('ours: an address at its cap', 'at its cap'),
  refusing('ours: a banned address', 'banned')
]

/** Sockets that are refused, so many at once, from many addresses: the ports of one would run out. */
async function knock (port: number, count: number): Promise<void> {
  let next = 0

  async function visitor (): Promise<void> {
    while (next < count) await visit(port, next++)
  }

  await Promise.all(Array.from({ length: AT_ONCE }, visitor))
}

async function visit (port: number, at: number): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.1.0.${at % 250 + 1}` })
    socket.on('error', () => {})
    socket.on('close', () => { resolve() })
  })
}

const { values } = parseArgs({ options: { pairs: { type: 'string', default: String(PAIRS) } } })
const rounds: Array<ReadonlyMap<Refusing, number>> = []

for (let round = 0; round < Number(values.pairs); round++) rounds.push(await measureRound([base, ...others], round))

print(`a refused connection, ${values.pairs} pairs of fresh processes, ${REFUSALS} refusals each: CPU of the node, median and 95 % interval`, others.map(other => ({
  'refused by': other.name,
  'true, µs': Number(medianOf(rounds.map(costs => costs.get(base)!)).mid.toFixed(1)),
  'µs': Number(medianOf(rounds.map(costs => costs.get(other)!)).mid.toFixed(1)),
  'more, %': textOf(medianOf(rounds.map(costs => (costs.get(other)! / costs.get(base)! - 1) * 100)), '%'),
  'target': other.variant === 'true' ? '0 %' : '≤ 10 %'
})))
