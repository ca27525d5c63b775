/** Quartiles of samples in some unit; mitata's are in nanoseconds. */
export interface Stats {
  readonly p25: number
  readonly p50: number
  readonly p75: number
  /** How many there were, or they themselves. */
  readonly samples?: number | readonly number[] | undefined
}

export type Unit = 'ns' | 'µs' | 'ms' | 's' | 'bytes' | 'MB' | 'a second'

/** One operation at one size: ours, what others need for the same, and the least code that could do the job. All in the same unit. */
export interface Figure {
  readonly name: string
  readonly size?: number
  readonly unit: Unit
  readonly ours: Stats
  readonly peers?: Readonly<Record<string, Stats>>
  readonly floors?: Readonly<Record<string, Stats>>
  readonly target?: string
}

/** The answer to one question: a table and a chart. */
export interface Answer {
  readonly title: string
  readonly figures: readonly Figure[]
  /** Lines where the sizes are a scale; otherwise bars, where there is something to compare. */
  readonly chart?: 'lines'
  readonly notes?: readonly string[]
}

/** One line of an answer's table. */
export interface Line {
  readonly operation: string
  readonly size: string
  readonly who: string
  readonly median: string
  readonly spread: string
  readonly ratio: string
  readonly target: string
}

const FEW = 10

export function quartiles (values: readonly number[]): Stats {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => {
    const place = share * (sorted.length - 1)
    const below = sorted[Math.floor(place)]!
    return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place))
  }

  return { p25: at(0.25), p50: at(0.5), p75: at(0.75), samples: sorted.length }
}

/** In another unit, or of one of many: `per(stats, 1e6)` makes milliseconds of nanoseconds. */
export function per (stats: Stats, divisor: number): Stats {
  const { p25, p50, p75, samples } = stats

  return { p25: p25 / divisor, p50: p50 / divisor, p75: p75 / divisor, samples: typeof samples === 'object' ? samples.length : samples }
}

/** What is counted is the same each time, or nearly: bytes after a collection. */
export function once (value: number): Stats {
  return { p25: value, p50: value, p75: value, samples: 1 }
}

/** Three significant digits: more would be noise. */
export function rounded (value: number): number {
  return Number(value.toPrecision(3))
}

/** A spread of more than half its median says that something else ran. */
export function isNoisy ({ p25, p50, p75 }: Stats): boolean {
  return Math.abs(p75 - p25) > 0.5 * Math.abs(p50)
}

export function spread (stats: Stats): string {
  const { p25, p50, p75, samples } = stats
  const count = typeof samples === 'object' ? samples.length : samples
  if (count === 1) return 'once'

  const share = `±${Math.round((p75 - p25) / p50 * 50)} %`
  return [share, isNoisy(stats) ? 'noisy' : '', count != null && count < FEW ? `${count} samples` : ''].filter(Boolean).join(', ')
}

/** Every contestant of a figure on a line of its own, ours first. */
export function linesOf (figure: Figure): Line[] {
  const { name, size, unit, ours, peers = {}, floors = {}, target = '' } = figure
  const line = (who: string, stats: Stats, ratio: string): Line => ({ operation: '', size: '', who, median: `${rounded(stats.p50).toLocaleString('en')} ${unit}`, spread: spread(stats), ratio, target: '' })

  return [
    { ...line('ours', ours, ''), operation: name, size: size?.toLocaleString('en') ?? '', target },
    ...Object.entries(peers).map(([who, stats]) => line(who, stats, beside(figure, stats))),
    ...Object.entries(floors).map(([who, stats]) => line(`floor: ${who}`, stats, `ours is ${rounded(ours.p50 / stats.p50)} × it`))
  ]
}

/** In words, so that nobody has to know which way round it was divided. */
function beside ({ unit, ours }: Figure, theirs: Stats): string {
  const isMoreBetter = unit === 'a second'
  const factor = isMoreBetter ? ours.p50 / theirs.p50 : theirs.p50 / ours.p50
  const [better, worse] = unit === 'bytes' || unit === 'MB' ? ['less', 'more'] : isMoreBetter ? ['more', 'fewer'] : ['faster', 'slower']

  if (!Number.isFinite(factor) || factor <= 0) return ''
  return factor >= 1 ? `ours is ${rounded(factor)} × ${better}` : `ours is ${rounded(1 / factor)} × ${worse}`
}
