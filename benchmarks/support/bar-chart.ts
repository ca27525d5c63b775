import { rounded } from './figures.ts'
import { round, SERIES, svg, text } from './svg.ts'
import type { Answer, Figure, Stats } from './figures.ts'

const WIDTH = 820
const LEFT = 300
const RIGHT = 130
const BAR = 16
const GAP = 4
const GROUP_GAP = 16
const TOP = 60

interface Bar {
  readonly who: string
  readonly look: string
  readonly stats: Stats
}

/**
 * A group of bars for each figure that compares: ours, the peers, the floors, with whiskers from quartile to quartile. Each group has its own
 * scale, which begins at zero; the values stand beside the bars.
 */
export function barChart ({ title, figures }: Answer): string {
  const parts = [text(16, 26, title, 'text title'), text(16, 45, `median; whiskers: quartiles; each group has its own scale from zero`, 'faint small')]
  const names = [...new Set(figures.flatMap(({ peers = {} }) => Object.keys(peers)))]
  let y = TOP

  for (const figure of figures.filter(isCompared)) {
    const bars = barsOf(figure, names)
    const most = Math.max(...bars.map(({ stats }) => Math.max(stats.p50, stats.p75)))
    const size = figure.size == null ? '' : `, ${figure.size.toLocaleString('en')}`
    parts.push(text(16, y + 13, `${figure.name}${size}`, 'text'))
    y += BAR + GAP

    for (const bar of bars) {
      parts.push(...drawn(bar, y, most, figure.unit))
      y += BAR + GAP
    }
    y += GROUP_GAP
  }

  return svg(WIDTH, y, title, parts)
}

/** A bar alone says nothing. */
export function isCompared ({ peers = {}, floors = {} }: Figure): boolean {
  return Object.keys(peers).length + Object.keys(floors).length > 0
}

function barsOf ({ ours, peers = {}, floors = {} }: Figure, names: readonly string[]): Bar[] {
  return [
    { who: 'ours', look: 's0', stats: ours },
    ...Object.entries(peers).map(([who, stats]) => ({ who, look: `s${1 + names.indexOf(who) % (SERIES - 1)}`, stats })),
    ...Object.entries(floors).map(([who, stats]) => ({ who: `floor: ${who}`, look: 's5 floor', stats }))
  ]
}

function drawn ({ who, look, stats }: Bar, y: number, most: number, unit: string): string[] {
  const length = (value: number): number => round(Math.max(0, value) / (most || 1) * (WIDTH - LEFT - RIGHT))
  const middle = y + BAR / 2
  const [low, high] = [LEFT + length(stats.p25), LEFT + length(stats.p75)]
  const end = Math.max(LEFT + length(stats.p50), high)

  return [
    text(LEFT - 8, y + 12, who, 'faint small', 'end'),
    `<rect class="bar ${look}" x="${LEFT}" y="${y}" width="${Math.max(1, length(stats.p50))}" height="${BAR}" rx="2"/>`,
    ...stats.p75 > stats.p25 ? [`<path class="whisker" d="M${round(low)} ${middle}H${round(high)}"/>`] : [],
    text(end + 6, y + 12, `${rounded(stats.p50).toLocaleString('en')} ${unit}`, 'text small')
  ]
}
