import { formatDuration } from './duration.ts'
import type { Facts, Known } from './run-tally.ts'

/** What a run says first. */
export interface Opening {
  readonly peerId: string

  /** Where the node listens. */
  readonly addresses: readonly string[]

  /** Built-in visitors, and their process. Absent with `--listen`. */
  readonly visitors?: { readonly peers: number, readonly pid: number }
}

/** What a run says last. */
export interface Closing extends Facts {
  readonly ended: EndReason
  readonly left: Left
}

export type EndReason = 'duration' | 'signal' | 'output-closed' | 'visitors-lost'

/** What is left when everything was stopped: zeros, unless something leaks. */
export interface Left {
  /** Connections the manager still counts. */
  readonly open: number

  /** Places the gater still holds. */
  readonly places: number
}

const BAR = 40

export function openingLines ({ peerId, addresses, visitors }: Opening): string[] {
  return [
    `Guarding ${peerId}`,
    ...addresses.map(address => `  ${address}`),
    visitors == null
      ? 'for peers of your own; Ctrl-C ends it'
      : `against ${visitors.peers} visitors, one address that floods and one that is blocked`
  ]
}

/** The facts of one second in one line, for logs and pipes. */
export function secondLine (facts: Facts): string {
  const { elapsed, open, low, high, opened, denied, trims, closed, evicted } = facts

  return [
    `${formatSeconds(elapsed)}  open ${String(open).padStart(3)} (${low} to ${high})`,
    `opened ${opened}`,
    `trims ${trims}, closed ${closed}`,
    ...evicted === 0 ? [] : [`evicted ${evicted}`],
    `denied ${denied}${denied === 0 ? '' : `: ${list(facts.deniedByReason)}`}`,
    ...facts.protected.peers === 0 ? [] : [`protected ${fraction(facts.protected)}`]
  ].join('  ')
}

/** The same facts as a table, for a terminal. */
export function table (facts: Facts): string[] {
  const { elapsed, open, low, high, hardLimit, opened, peak, denied, trims, closed, evicted } = facts

  return [
    row('open', open, `${bar(open, low, high)} low ${low}, high ${high}, hard limit ${hardLimit}`),
    row('opened', opened, `in ${formatDuration(elapsed)}, at most ${peak} at once`),
    row('trims', trims, trims === 0 ? '' : `closed ${closed}, of value ${facts.highestValueClosed} at most`),
    ...evicted === 0 ? [] : [row('evicted', evicted, 'for somebody worthier at the hard limit')],
    row('denied', denied, list(facts.deniedByReason)),
    row('', '', list(facts.deniedByAddress, 'from ')),
    ...known('protected', facts.protected),
    ...known('tagged', facts.tagged)
  ]
}

/** `█` up to `open`, `│` at the marks, and room above the higher one. */
export function bar (open: number, low: number, high: number, width = BAR): string {
  const top = Math.max(high * 1.25, open)
  const at = (value: number): number => Math.round(value / top * (width - 1))
  const filled = open === 0 ? -1 : at(open)

  return Array.from({ length: width }, (_, cell) => {
    if (cell === at(low) || cell === at(high)) return cell <= filled ? '┃' : '│'
    return cell <= filled ? '█' : '·'
  }).join('')
}

export function closingLines (closing: Closing): string[] {
  const { ended, elapsed, left } = closing

  return [
    `Stopped after ${formatDuration(elapsed)} (${ENDED[ended]})`,
    ...table(closing).slice(1),
    row('left', left.open + left.places, `${left.open} connections, ${left.places} places after the stop`)
  ]
}

const ENDED: Readonly<Record<EndReason, string>> = {
  'duration': 'its time was over',
  'signal': 'asked to stop',
  'output-closed': 'nobody reads on',
  'visitors-lost': 'the visitors\' process ended too early'
}

function row (name: string, value: number | string, remark: string): string {
  return `${name.padEnd(10)}${String(value).padStart(5)}  ${remark}`.trimEnd()
}

function known (name: string, { peers, connected }: Known): string[] {
  return peers === 0 ? [] : [row(name, peers, `${connected} connected`)]
}

function fraction ({ peers, connected }: Known): string {
  return `${connected} of ${peers}`
}

function list (counts: Readonly<Record<string, number>>, before = ''): string {
  const text = Object.entries(counts).map(([key, count]) => `${key} ${count}`).join(', ')
  return text === '' ? '' : before + text
}

function formatSeconds (ms: number): string {
  return `${Math.round(ms / 1_000)}s`.padStart(4)
}
