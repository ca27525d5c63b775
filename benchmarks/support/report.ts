import { cpus } from 'node:os'

export interface Stats {
  readonly p25: number
  readonly p50: number
  readonly p75: number
}

/** Options of mitata's `measure` for slow work: so many samples, all of them looked at, after so many to warm up. */
export function samples (count: number, warmup = 1): object {
  return { min_samples: count, max_samples: count, warmup_samples: warmup, warmup_threshold: Infinity, min_cpu_time: 0, samples_threshold: count }
}

/** Three significant digits: more would be noise. */
export function rounded (value: number): number {
  return Number(value.toPrecision(3))
}

export function ms (ns: number): number {
  return rounded(ns / 1e6)
}

/** A spread of more than half its median says that something else ran. */
export function spread ({ p25, p50, p75 }: Stats): string {
  const share = (p75 - p25) / p50

  return `±${Math.round(share * 50)} %${share > 0.5 ? ', noisy' : ''}`
}

export function print (title: string, rows: readonly object[]): void {
  console.log(`\n${title} (Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'})`)
  console.table(rows)
}
