// What does it cost to decide at accept? js-libp2p's own accept check, on the same numbers, is the yardstick. What a refused socket costs the whole node
// is in refusals.ts.
//
//   npm run bench -- gater

import { connectionGater } from '../src/index.ts'
import { per, quartiles } from './support/figures.ts'
import { jsAcceptCheck } from './support/js-accept-check.ts'
import { makePeers } from './support/mock-connections.ts'
import { mockSocket } from './support/mock-sockets.ts'
import { named } from './support/package-name.ts'
import { report } from './support/report.ts'
import type { Figure, Stats } from './support/figures.ts'
import type { ConnectionGater } from '../src/index.ts'
import type { ConnectionGater as Libp2pConnectionGater } from '@libp2p/interface'

const OPEN = [10, 10_000]
const BATCH = 250
const BATCHES = 100

await decide()

async function decide (): Promise<void> {
  const peers = makePeers(OPEN.at(-1)!)
  const figures: Figure[] = []

  for (const open of OPEN) {
    const gater = connectionGater({ maxPending: Infinity })
    for (let n = 0; n < open; n++) {
      const one = mockSocket(addressOf(n))
      gater.denyInboundConnection(one)
      gater.denyInboundEncryptedConnection(peers[n]!, one)
      gater.denyInboundUpgradedConnection(peers[n]!, one)
    }

    const admitted = timeAccept(gater, strangerOf)
    const refused = timeAccept(gaterThatRefuses(open), () => '203.0.113.1')
    const empty = timeAccept({ denyInboundConnection: () => false }, strangerOf)
    const figure = (name: string, ours: Stats, others: object = {}): Figure => ({ name, size: open, unit: 'µs', ours: per(ours, 1e3), ...others })

    figures.push(
      figure('admit', admitted.decide, { peers: { [named('libp2p', 'accept check')]: per(await jsAcceptCheck(open), 1e3) }, floors: { 'an empty hook': per(empty.decide, 1e3) } }),
      figure('give back', admitted.giveBack),
      figure('refuse', refused.decide)
    )
  }

  report({ title: 'the whole accept decision, by connections open', figures })
}

function gaterThatRefuses (open: number): ConnectionGater {
  const gater = connectionGater({ maxPending: Infinity, blocks: ['203.0.113.1'] })
  for (let n = 0; n < open; n++) gater.denyInboundConnection(mockSocket(addressOf(n)))
  return gater
}

interface AcceptTimes {
  readonly decide: Stats
  readonly giveBack: Stats
}

/** ns for a new connection each time: the decision, which counts it, and what closing it costs. Medians of batches. */
function timeAccept (gater: Pick<Libp2pConnectionGater, 'denyInboundConnection'>, addressOf: (n: number) => string): AcceptTimes {
  const decide: number[] = []
  const giveBack: number[] = []

  for (let batch = 0; batch < 2 * BATCHES; batch++) {
    const connections = Array.from({ length: BATCH }, (_, n) => mockSocket(addressOf(batch * BATCH + n)))
    const begun = performance.now()
    for (const one of connections) void gater.denyInboundConnection!(one)
    const decided = performance.now()
    for (const one of connections) one.close()
    const ended = performance.now()

    if (batch < BATCHES) continue // the first half warms up
    decide.push((decided - begun) * 1e6 / BATCH)
    giveBack.push((ended - decided) * 1e6 / BATCH)
  }

  return { decide: quartiles(decide), giveBack: quartiles(giveBack) }
}

function addressOf (n: number): string {
  return `${11 + (n >>> 24)}.${n >>> 16 & 255}.${n >>> 8 & 255}.${n & 255}`
}

/** Everybody comes from a network of his own. */
function strangerOf (n: number): string {
  return `${n % 199 + 24}.${(n >>> 3) % 251}.${(n >>> 8) & 255}.${n & 255}`
}
