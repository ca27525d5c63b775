// What do our manager, gater and stream gate cost or spare a node that is busy with real peers? Two processes, TCP with noise and yamux on loopback: the
// peers connect and stay, a tenth is trimmed and comes back. js-libp2p as it comes and with our parts, in fresh processes, turn and turn about; in the
// first round as it comes is measured twice: the difference of those two is what this machine calls nothing (A/A).
//
//   npm run bench -- end-to-end
//   npm run bench -- end-to-end --peers 5000 --pairs 3

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import * as library from '../src/index.ts'
import { quartiles } from './support/figures.ts'
import { named } from './support/package-name.ts'
import { report } from './support/report.ts'
import type { ChildProcess } from 'node:child_process'
import type { Figure, Unit } from './support/figures.ts'
import type { Order, Reading } from './support/held-node.ts'

const { values } = parseArgs({ options: { peers: { type: 'string', default: '1000' }, pairs: { type: 'string', default: '3' } } })
const PEERS = Number(values.peers)
const PAIRS = Number(values.pairs)
const TRIMS = 1
/** They connect before anything is measured: until the compiler is done everything costs twice as much. */
const WARM_UP = Math.min(150, Math.floor(PEERS / 2))
const MEASURED = PEERS - WARM_UP
const KEPT = Math.floor(PEERS * 9 / 10)
const VARIANTS = ['alone', 'ours', 'again'] as const

type Variant = typeof VARIANTS[number]

interface Run {
  readonly fill: Reading
  readonly trims: readonly Reading[]
  readonly refused: number
}

async function order (child: ChildProcess, what: Order): Promise<Reading> {
  child.send(what)
  const [reading] = await once(child, 'message') as [Reading]
  return reading
}

async function run (variant: Variant): Promise<Run> {
  const server = fork(new URL('./support/held-node.ts', import.meta.url), [variant, String(PEERS)])
  const [{ port }] = await once(server, 'message') as [Reading]
  const visitors = fork(new URL('./support/arriving-peers.ts', import.meta.url), [String(port), String(PEERS)], { execArgv: ['--max-old-space-size=12288'] })

  const arrive = async (count: number, away: number): Promise<number> => {
    visitors.send({ count, away })
    const [{ refused }] = await once(visitors, 'message') as [{ refused: number }]
    return refused
  }

  try {
    await once(visitors, 'message')
    let refused = await arrive(WARM_UP, WARM_UP)
    await order(server, { do: 'hold', peers: WARM_UP })
    const [late, fill] = await Promise.all([arrive(PEERS, MEASURED), order(server, { do: 'hold', peers: PEERS })])
    refused += late
    const trims: Reading[] = []

    for (let round = 0; round < TRIMS; round++) {
      await order(server, { do: 'hold', peers: PEERS })
      trims.push(await order(server, { do: 'trim', to: KEPT }))
      refused += await arrive(PEERS, PEERS - KEPT)
      await order(server, { do: 'hold', peers: PEERS })
    }
    return { fill, trims, refused }
  } finally {
    for (const child of [visitors, server]) child.kill('SIGKILL')
  }
}

const runs: Record<Variant, Run[]> = { alone: [], ours: [], again: [] }

for (let pair = 0; pair < PAIRS; pair++) {
  const asked = VARIANTS.filter(variant => variant !== 'again' || pair === 0)

  for (const variant of pair % 2 === 0 ? asked : asked.toReversed()) {
    const done = await run(variant)
    runs[variant].push(done)
    console.log(`${variant}: ${MEASURED} peers in ${(done.fill.wall / 1_000).toFixed(1)} s, ${(done.fill.cpu / MEASURED).toFixed(2)} ms of the server's CPU each, ${done.refused} refusals, trims ${done.trims.map(({ wall, open }) => `${wall.toFixed(0)} ms to ${open}`).join(', ')}`)
  }
}

const libp2p = named('libp2p')

function figure (name: string, unit: Unit, read: (run: Run) => number, target = ''): Figure {
  const stats = (variant: Variant): Figure['ours'] => quartiles(runs[variant].map(read))

  return { name, size: PEERS, unit, ours: stats('ours'), peers: { [libp2p]: stats('alone'), [`${libp2p} again (A/A)`]: stats('again') }, target }
}

report({
  title: `${PEERS.toLocaleString('en')} peers connect and stay, and a tenth is trimmed`,
  figures: [
    figure('server CPU for a connection', 'ms', ({ fill }) => fill.cpu / MEASURED, '≥ 1.5 × less at 5,000'),
    figure('connections', 'a second', ({ fill }) => MEASURED / fill.wall * 1_000),
    figure('event-loop delay while they connect, p99', 'ms', ({ fill }) => fill.delayP99),
    figure('event-loop delay while they connect, longest', 'ms', ({ fill }) => fill.delayMax),
    figure('server CPU for a trim of a tenth', 'ms', ({ trims }) => mean(trims.map(({ cpu }) => cpu))),
    figure('event-loop delay in a trim, longest', 'ms', ({ trims }) => Math.max(...trims.map(({ delayMax }) => delayMax))),
    figure('resident with all connected', 'MB', ({ fill }) => fill.resident / 1e6)
  ],
  notes: [
    `${PAIRS} rounds of fresh processes; the first ${WARM_UP} peers warm up and are not measured. Ours is manager, gater${'streamGate' in library ? ', stream gate' : ' (no stream gate in this version)'}, all by default but \`networks: {}\`, so that loopback is limited like any network, and no grace.`,
    `js-libp2p as it comes, but \`maxConnections: ${PEERS}\`. Its 5 connections a second from one host and its 10 pending ones stay: each peer has an address of its own, and 8 dial at once.`,
    'A trim is asked for by lowering the marks by a tenth, then they are raised again. An event-loop delay is measured by a timer of 1 ms, which is in it; it is of all that the process does, handshakes and collections included.'
  ]
})
process.exit()

function mean (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
