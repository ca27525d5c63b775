import { round, SERIES, short, svg, text } from './svg.ts'
import type { Answer, Stats } from './figures.ts'

const WIDTH = 920
const HEIGHT = 420
const LEFT = 80
const RIGHT = 360
const TOP = 64
const BOTTOM = 48

interface Series {
  readonly who: string
  readonly look: string
  readonly points: ReadonlyArray<readonly [size: number, value: number]>
}

/** Cost against size, both on log axes: what is flat stays flat, and what is linear rises by one decade in one decade. */
export function lineChart (answer: Answer): string {
  const all = seriesOf(answer)
  const xs = all.flatMap(({ points }) => points.map(([size]) => size))
  const ys = all.flatMap(({ points }) => points.map(([, value]) => value))
  const x = axis(xs, LEFT, WIDTH - RIGHT)
  const y = axis(ys, HEIGHT - BOTTOM, TOP)

  return svg(WIDTH, HEIGHT, answer.title, [
    text(16, 26, answer.title, 'text title'),
    text(16, 45, `median, ${answer.figures[0]?.unit ?? ''}, against size; both axes are logarithmic`, 'faint small'),
    ...x.decades.map(size => text(x.at(size), HEIGHT - BOTTOM + 18, short(size), 'faint small', 'middle')),
    ...y.decades.flatMap(value => [
      `<path class="rule" d="M${LEFT} ${round(y.at(value))}H${WIDTH - RIGHT}"/>`,
      text(LEFT - 8, y.at(value) + 4, short(value), 'faint small', 'end')
    ]),
    ...all.flatMap((series, index) => drawn(series, x.at, y.at, index))
  ])
}

function seriesOf ({ figures }: Answer): Series[] {
  const named = new Map<string, Array<[number, number]>>()
  const add = (who: string, size: number | undefined, { p50 }: Stats): void => {
    if (size != null && p50 > 0) named.set(who, [...named.get(who) ?? [], [size, p50]])
  }

  for (const { name, size, ours, peers = {}, floors = {} } of figures) {
    add(figures.every(figure => figure.name === name) ? 'ours' : `ours: ${name}`, size, ours)
    for (const [who, stats] of Object.entries(peers)) add(who, size, stats)
    for (const [who, stats] of Object.entries(floors)) add(`floor: ${who}`, size, stats)
  }

  return [...named].map(([who, points], index) => ({ who, look: `s${index % SERIES}${who.startsWith('floor') ? ' floor' : ''}`, points }))
}

interface Axis {
  readonly decades: readonly number[]
  at (value: number): number
}

/** From the decade below the least to the one above the most. */
function axis (values: readonly number[], from: number, to: number): Axis {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))

  return {
    decades: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    at: value => from + (Math.log10(value) - low) / (high - low) * (to - from)
  }
}

function drawn ({ who, look, points }: Series, x: (size: number) => number, y: (value: number) => number, index: number): string[] {
  const places = points.map(([size, value]) => `${round(x(size))} ${round(y(value))}`)
  const legend = TOP + 10 + index * 22

  return [
    `<path class="line ${look}" d="M${places.join('L')}"/>`,
    ...points.map(([size, value]) => `<circle class="dot ${look}" cx="${round(x(size))}" cy="${round(y(value))}" r="3"/>`),
    `<path class="line ${look}" d="M${WIDTH - RIGHT + 16} ${legend - 4}h22"/>`,
    text(WIDTH - RIGHT + 44, legend, who, 'text small')
  ]
}
