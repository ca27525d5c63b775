import { describe, expect, it } from 'vitest'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { bench, enter, socket } from '../connection-gater/kit.ts'
import type { ConnectionGaterInit } from '../../src/index.ts'

const ADDRESS = '203.0.113.9'
const KNOWN = `${ADDRESS}/32`

/** Forty people, none of whom comes twice. */
const CROWD = await Promise.all(Array.from({ length: 40 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))

/** All of them come from one address within four seconds, and stay. */
function visit (init: ConnectionGaterInit): { open: number, reasons: string[], bans: number } {
  const { gater, clock, denials, bans } = bench(init)

  for (const peer of CROWD) {
    enter(gater, socket(`/ip4/${ADDRESS}/tcp/1/ws`), peer)
    clock.advance(100)
  }

  return { open: gater.inspect().open.inbound, reasons: [...new Set(denials.map(({ reason }) => reason))], bans: bans.length }
}

describe('what the guides say of forty people behind one address', () => {
  const rate = { strategy: 'token-bucket', limit: 200, window: 80_000 } as const

  it.each<[advice: string, init: ConnectionGaterInit, outcome: object]>([
    ['a finite cap bans it: the rate of the one address stays', { networks: { [KNOWN]: 1_000 } }, { open: 16, reasons: ['connect-rate', 'banned'], bans: 1 }],
    ['Infinity lets all in', { networks: { [KNOWN]: Infinity } }, { open: 40, reasons: [], bans: 0 }],
    ['transportLimits still holds them', { networks: { [KNOWN]: Infinity }, transportLimits: { ws: 20 } }, { open: 20, reasons: ['transport-limit'], bans: 0 }],
    ['maxInbound still holds them', { networks: { [KNOWN]: Infinity }, maxInbound: 20 }, { open: 20, reasons: ['total-limit'], bans: 0 }],
    ['trust passes totals, too', { trust: [KNOWN], maxInbound: 20, transportLimits: { ws: 20 } }, { open: 40, reasons: [], bans: 0 }],
    ['a finite cap and a higher rate let all in', { networks: { [KNOWN]: 1_000 }, connectRate: { ipv4: { 32: rate } } }, { open: 40, reasons: [], bans: 0 }],
    ['a finite cap without risk refuses for the moment', { networks: { [KNOWN]: 1_000 }, risk: false }, { open: 16, reasons: ['connect-rate'], bans: 0 }]
  ])('%s', (_, init, outcome) => {
    expect(visit(init)).toEqual(outcome)
  })

  it.each<[cap: number, maxPendingPerIp: number, outcome: object]>([
    [1_000, 4, { pending: 0, bans: 1 }],
    [1_000, 40, { pending: 15, bans: 0 }],
    [Infinity, 4, { pending: 15, bans: 0 }]
  ])('with a cap of %d and %d pending ones for each address, fifteen that come at once are %o', (cap, maxPendingPerIp, outcome) => {
    const { gater, bans } = bench({ networks: { [KNOWN]: cap }, maxPendingPerIp })
    for (let i = 0; i < 15; i++) gater.denyInboundConnection(socket(`/ip4/${ADDRESS}/tcp/1/ws`))

    expect({ pending: gater.inspect().pending.inbound, bans: bans.length }).toEqual(outcome)
  })

  it('who comes from a range at Infinity is exempt from the stream gate', () => {
    const { gater, gate } = bench({ networks: { [KNOWN]: Infinity, '203.0.113.0/24': 1_000 } })
    const over = (address: string) => {
      const from = socket(`/ip4/${address}/tcp/1`)
      const [peer] = CROWD
      enter(gater, from, peer!)
      return { remotePeer: peer!, remoteAddr: from.remoteAddr, timeline: from.timeline } as never
    }

    expect([ADDRESS, '203.0.113.10'].map(address => gate.isExempt(over(address)))).toEqual([true, false])
  })
})
