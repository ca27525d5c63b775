import { expect, it } from 'vitest'
import { PeerRisk } from '../../src/connection-gater/peer-risk.ts'
import { parseRisk } from '../../src/limiter/risk-options.ts'
import type { RiskInit } from '../../src/limiter/risk-options.ts'
import type { PeerId } from '@libp2p/interface'

const START = 1_000_000
const HALF_LIFE = 600_000

function peer (n: number): PeerId {
  return { toString: () => `peer ${n}` } as PeerId
}

it('a full ledger is not shut by some who offend again now and then: the forgotten behind them make room', () => {
  const risk = new PeerRisk(parseRisk({ threshold: 3 }), 40, () => {})
  const offend = (count: number, at: number): void => { for (let n = 0; n < count; n++) risk.offend(peer(n), 'stream-rate', START + at * HALF_LIFE) }
  offend(40, 0)
  for (let at = 1; at <= 12; at++) offend(32, at)

  const newcomer = peer(1_000)
  expect([1, 2, 3].map(() => risk.offend(newcomer, 'stream-rate', START + 12 * HALF_LIFE)?.peer)).toEqual([undefined, undefined, newcomer])
  expect(risk.scored(START + 12 * HALF_LIFE)).toBeLessThanOrEqual(40)
})

it('an offence of weight 0 is none, also where the threshold has been lowered to the score', () => {
  const risk = new PeerRisk(parseRisk({ threshold: 3 }), 40, () => {})
  for (let n = 0; n < 2; n++) risk.offend(peer(1), 'stream-rate', START)
  risk.setConfig(parseRisk({ threshold: 1, weights: { 'stream-rate': 0 } }), START)

  expect([risk.offend(peer(1), 'stream-rate', START), risk.offend(peer(2), 'stream-rate', START)]).toEqual([undefined, undefined])
  expect([risk.scored(START), risk.scored(START + 100 * HALF_LIFE)]).toEqual([1, 0])
})

it('who finds no place in a full ledger is not scored, and pushes nobody out', () => {
  const risk = new PeerRisk(parseRisk({ threshold: 3 }), 40, () => {})
  for (let n = 0; n < 40; n++) risk.offend(peer(n), 'stream-rate', START)

  expect([1, 2, 3].map(() => risk.offend(peer(1_000), 'stream-rate', START))).toEqual([undefined, undefined, undefined])
  expect([1, 2].map(() => risk.offend(peer(0), 'stream-rate', START)?.reason)).toEqual([undefined, 'stream-rate'])
})

it.each([
  ['', () => {}],
  [', also where the rules were said anew meanwhile', (risk: PeerRisk, init: RiskInit) => { risk.setConfig(parseRisk(init), START + 1) }]
])('a ban leaves half the threshold, which fades from its end%s', (_, meanwhile) => {
  const init = { threshold: 4, halfLife: HALF_LIFE, banTime: HALF_LIFE }
  const risk = new PeerRisk(parseRisk(init), 40, () => {})
  const offend = (times: number, now: number) => Array.from({ length: times }, () => risk.offend(peer(1), 'stream-rate', now)?.reason).at(-1)
  expect(offend(4, START)).toBe('stream-rate')
  meanwhile(risk, init)

  expect([offend(1, START + HALF_LIFE), offend(1, START + HALF_LIFE)]).toEqual([undefined, 'stream-rate'])
})

it('each ban is longer than the last, up to the longest, and the shortest again once the score is forgotten', () => {
  const risk = new PeerRisk(parseRisk({ threshold: 1, halfLife: HALF_LIFE, banTime: 1_000, maxBanTime: 3_000 }), 40, () => {})
  const bans = [0, 10_000, 20_000, 30_000, 20 * HALF_LIFE].map(at => START + at)

  expect(bans.map(now => risk.offend(peer(1), 'stream-rate', now)!.until! - now)).toEqual([1_000, 2_000, 3_000, 3_000, 1_000])
})

it('a ban that is lifted is over, once, and its score fades from then on', () => {
  const risk = new PeerRisk(parseRisk({ threshold: 4, halfLife: HALF_LIFE, banTime: HALF_LIFE }), 40, () => {})
  for (let n = 0; n < 4; n++) risk.offend(peer(1), 'stream-rate', START)

  expect([risk.lift('peer 1', START)?.reason, risk.lift('peer 1', START), risk.banOf('peer 1', START), risk.bans(START)]).toEqual(['stream-rate', undefined, undefined, []])
  // two, half faded, and three more
  expect([1, 2, 3].map(() => risk.offend(peer(1), 'stream-rate', START + HALF_LIFE)?.reason)).toEqual([undefined, undefined, 'stream-rate'])
})
