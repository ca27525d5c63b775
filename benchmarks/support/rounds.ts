import { fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'

/** A process that is measured, and what is done to it. */
export interface Contestant {
  /** A module, which sends its port, and answers each message with the microseconds of CPU it has used. */
  readonly module: URL
  readonly variant: string
  readonly warmUp: number
  readonly operations: number
  run (port: number, operations: number): Promise<void>
}

/** What is done to a process before another one has its turn: few enough that what else the machine does hits all alike. */
const TURNS = 5

/**
 * A server lives for days and a process of these for seconds: its compilers begin after a sixth and a quarter of the calls that they would wait for, on
 * both sides of a comparison, so that what is measured is the server of the days.
 */
const SOON = ['--invocation-count-for-turbofan=500', '--invocation-count-for-maglev=100']

interface Running {
  readonly contestant: Contestant
  readonly child: ChildProcess
  readonly port: number
  cpu: number
}

/**
 * Every contestant once, each in a fresh process: microseconds of CPU per operation. They live side by side and are asked in turns, one at a time, in an
 * order that changes, or whoever comes second would pay for it.
 */
export async function measureRound<C extends Contestant> (contestants: readonly C[], round: number): Promise<ReadonlyMap<C, number>> {
  const all = await Promise.all(contestants.map(start))

  try {
    for (const { contestant, port } of all) await contestant.run(port, contestant.warmUp)
    for (let turn = 0; turn < TURNS; turn++) for (const one of turned(all, round + turn)) await takeTurn(one)

    return new Map(all.map(({ contestant, cpu }) => [contestant as C, cpu / (TURNS * perTurn(contestant))]))
  } finally {
    for (const { child } of all) child.kill('SIGKILL')
  }
}

async function start (contestant: Contestant): Promise<Running> {
  const child = fork(contestant.module, [contestant.variant], { execArgv: SOON, env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'bench-compile-cache') } })
  const [{ port }] = await once(child, 'message') as [{ port: number }]

  return { contestant, child, port, cpu: 0 }
}

async function takeTurn (one: Running): Promise<void> {
  const before = await cpuOf(one.child)
  await one.contestant.run(one.port, perTurn(one.contestant))
  one.cpu += await cpuOf(one.child) - before
}

function perTurn ({ operations }: Contestant): number {
  return Math.ceil(operations / TURNS)
}

/** In another order for each `by`: nobody always comes after the same one. */
export function turned<T> (all: readonly T[], by: number): T[] {
  const at = by % all.length
  const order = [...all.slice(at), ...all.slice(0, at)]

  return by % 2 === 0 ? order : order.reverse()
}

async function cpuOf (child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [{ cpu }] = await once(child, 'message') as [{ cpu: number }]
  return cpu
}

export interface Median {
  readonly mid: number
  readonly low: number
  readonly high: number
}

/** The median, and the interval that holds it with 95 %: order statistics, so nothing is assumed of the noise. */
export function medianOf (values: readonly number[]): Median {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.ceil(0.98 * Math.sqrt(sorted.length))
  const at = (index: number): number => sorted[Math.min(Math.max(index, 0), sorted.length - 1)]!
  const middle = Math.floor(sorted.length / 2)

  return { mid: sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2, low: at(middle - half), high: at(sorted.length - 1 - middle + half) }
}

export function textOf ({ mid, low, high }: Median, unit: string): string {
  return `${mid.toFixed(1)} ${unit} (${low.toFixed(1)} to ${high.toFixed(1)})`
}
