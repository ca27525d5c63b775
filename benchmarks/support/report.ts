import { appendFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { linesOf } from './figures.ts'
import type { Answer } from './figures.ts'

/** What `npm run bench` collects from each benchmark: answers, and tables that are no comparison by figures. */
export type Recorded = { readonly answer: Answer } | { readonly table: string, readonly rows: readonly object[] }

/** Options of mitata's `measure` for slow work: so many samples, all of them looked at, after so many to warm up. */
export function samples (count: number, warmup = 1): object {
  return { min_samples: count, max_samples: count, warmup_samples: warmup, warmup_threshold: Infinity, min_cpu_time: 0, samples_threshold: count }
}

/** Shows an answer and hands it to whoever writes the results. */
export function report (answer: Answer): void {
  console.log(`\n${answer.title} (${machine()})`)
  console.table(answer.figures.flatMap(linesOf))
  for (const note of answer.notes ?? []) console.log(note)
  record({ answer })
}

export function print (title: string, rows: readonly object[]): void {
  console.log(`\n${title} (${machine()})`)
  console.table(rows)
  record({ table: title, rows })
}

function machine (): string {
  return `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`
}

function record (recorded: Recorded): void {
  const file = process.env.BENCH_FIGURES
  if (file != null) appendFileSync(file, `${JSON.stringify(recorded, withoutSamples)}\n`)
}

/** Thousands of samples say no more than how many they were. */
function withoutSamples (key: string, value: unknown): unknown {
  return key === 'samples' && Array.isArray(value) ? value.length : value
}
