import type { Facts } from '../src/cli/run-tally.ts'

const WIDTH = 880
const HEIGHT = 404
const LEFT = 48
const RIGHT = 132
const OPEN = { top: 44, height: 200 }
const DENIED = { top: 298, height: 76 }
const SECOND = 1_000

const INK = '#1f2328'
const FAINT = '#8b949e'
const BLUE = '#0969da'
const GREEN = '#1a7f37'
const RED = '#cf222e'

/** Reason, colour: stacked from the bottom up. */
const REASONS: ReadonlyArray<readonly [string, string]> = [['blocked-address', '#57606a'], ['connection-limit', '#bf8700'], ['banned', RED]]

/** Open connections against the marks, what trims closed, who was kept, and denials per second by reason. */
export function drawRun (samples: readonly Facts[]): string {
  const { elapsed: length, low, high } = samples.at(-1)!
  const top = Math.ceil(Math.max(high, ...samples.map(({ open }) => open)) / 10) * 10
  const x = (ms: number): number => round(LEFT + (WIDTH - LEFT - RIGHT) * ms / length)
  const y = (count: number): number => round(OPEN.top + OPEN.height * (1 - count / top))

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="${INK}">`,
    '<title>Open connections of a guarded node against its watermarks, what its trims closed, and what its gater denied, over twenty seconds</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#ffffff"/>`,
    text(LEFT, 24, 'Open connections', { weight: 600 }),
    ...[low, high].map((mark, i) => line(x(0), y(mark), x(length), y(mark), FAINT, '4 4') + text(x(length) + 8, y(mark) + 4, `${['low', 'high'][i]} water ${mark}`, { fill: FAINT })),
    area(samples.map(({ elapsed, open }) => [x(elapsed), y(open)]), y(0)),
    path(samples.map(({ elapsed, protected: kept, tagged }) => [x(elapsed), y(kept.connected + tagged.connected)]), GREEN),
    path(samples.map(({ elapsed, open }) => [x(elapsed), y(open)]), BLUE),
    text(x(length) + 8, y(keptAtEnd(samples)) + 4, 'protected, tagged', { fill: GREEN }),
    ...trims(samples).map(({ at, from, closed }) => `<circle cx="${x(at)}" cy="${y(from)}" r="3" fill="${RED}"/>` + text(x(at) + 7, y(from) + 4, `trim: ${closed} closed`, { fill: RED })),
    axis(x, y(0), length),
    text(LEFT, DENIED.top - 12, 'Denied per second', { weight: 600 }),
    ...bars(samples, x),
    ...REASONS.map(([reason, fill], i) => text(x(length) + 8, DENIED.top + DENIED.height - 4 - 16 * i, reason, { fill })),
    axis(x, DENIED.top + DENIED.height, length, true),
    '</svg>', ''
  ].join('\n')
}

interface Trim {
  readonly at: number

  /** How many were open before it. */
  readonly from: number
  readonly closed: number
}

function trims (samples: readonly Facts[]): Trim[] {
  return samples.slice(1).flatMap((sample, i) => {
    const before = samples[i]!
    return sample.trims > before.trims ? [{ at: sample.elapsed, from: before.open, closed: sample.closed - before.closed }] : []
  })
}

function keptAtEnd (samples: readonly Facts[]): number {
  const { protected: kept, tagged } = samples.at(-1)!
  return kept.connected + tagged.connected
}

/** One stack for each second. */
function bars (samples: readonly Facts[], x: (ms: number) => number): string[] {
  const seconds = samples.filter(({ elapsed }) => elapsed % SECOND === 0)
  const most = Math.max(...seconds.slice(1).map((sample, i) => sample.denied - seconds[i]!.denied), 1)

  return seconds.slice(1).flatMap((sample, i) => {
    const before = seconds[i]!
    const width = x(SECOND) - x(0) - 3
    let base = DENIED.top + DENIED.height

    return REASONS.map(([reason, fill]) => {
      const height = round(DENIED.height * ((sample.deniedByReason[reason] ?? 0) - (before.deniedByReason[reason] ?? 0)) / most)
      base = round(base - height)
      return `<rect x="${x(before.elapsed)}" y="${base}" width="${round(width)}" height="${height}" fill="${fill}"/>`
    })
  })
}

function axis (x: (ms: number) => number, y: number, length: number, isNamed = false): string {
  const ticks = Array.from({ length: length / (5 * SECOND) + 1 }, (_, i) => 5 * SECOND * i)
  return line(x(0), y, x(length), y, INK) + ticks.map(ms => text(x(ms), y + 16, `${ms / SECOND}${isNamed ? ' s' : ''}`, { anchor: 'middle', fill: FAINT })).join('')
}

type Point = readonly [number, number]

function area (points: readonly Point[], floor: number): string {
  return `<path d="M${points[0]![0]} ${floor}L${points.map(point => point.join(' ')).join('L')}L${points.at(-1)![0]} ${floor}Z" fill="${BLUE}" opacity="0.12"/>`
}

function path (points: readonly Point[], stroke: string): string {
  return `<path d="M${points.map(point => point.join(' ')).join('L')}" fill="none" stroke="${stroke}" stroke-width="2" stroke-linejoin="round"/>`
}

function line (x1: number, y1: number, x2: number, y2: number, stroke: string, dashes = 'none'): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${stroke}" stroke-dasharray="${dashes}"/>`
}

function text (x: number, y: number, words: string, { fill = INK, anchor = 'start', weight = 400 } = {}): string {
  return `<text x="${x}" y="${y}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${words}</text>`
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}
