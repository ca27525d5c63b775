import { fork } from 'node:child_process'
import { once } from 'node:events'
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

/** Microseconds of CPU per operation, of a fresh process that does nothing else. */
async function measureCpu ({ module, variant, warmUp, operations, run }: Contestant): Promise<number> {
  const child = fork(module, [variant])

  try {
    const [{ port }] = await once(child, 'message') as [{ port: number }]
    await run(port, warmUp)
    const before = await cpuOf(child)
    await run(port, operations)
    return (await cpuOf(child) - before) / operations
  } finally {
    child.kill('SIGKILL')
  }
}

/** Every contestant once, in an order that changes from round to round, or whoever comes second would pay for it. */
export async function measureRound<C extends Contestant> (contestants: readonly C[], round: number): Promise<ReadonlyMap<C, number>> {
  const cost = new Map<C, number>()
  const turned = [...contestants.slice(round % contestants.length), ...contestants.slice(0, round % contestants.length)]

  for (const contestant of round % 2 === 0 ? turned : turned.toReversed()) cost.set(contestant, await measureCpu(contestant))
  return cost
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
