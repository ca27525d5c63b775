import { describe, expect, it } from 'vitest'
import { STAGE_RULES } from '../../src/connection-gater/stages.ts'
import { ALICE, bench, enter, FakeHouse, RELAY, socket } from './kit.ts'
import type { Check } from '../../src/connection-gater/stages.ts'
import type { ConnectionGater, Denial } from '../../src/index.ts'
import type { Bench, Socket } from './kit.ts'

type Breach = (gater: ConnectionGater, house: FakeHouse) => unknown

interface Row {
  readonly reason: Denial['reason']

  /** From now on this check refuses everybody. */
  readonly breach: Breach
}

const RATE = { strategy: 'token-bucket', limit: 1, window: 3_600_000 } as const

const direct = (): Socket => socket('/ip4/192.0.2.1/tcp/1')
const relayed = (): Socket => socket(`/ip4/192.0.2.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit/p2p/${ALICE.toString()}`)

const ROWS: Readonly<Partial<Record<Check, Row>>> = {
  'blocked': { reason: 'blocked-subnet', breach: async gater => gater.blockSubnet('192.0.2.0/24') },
  'banned': {
    reason: 'banned',
    breach: gater => {
      gater.setConfig({ risk: { threshold: 1 }, maxConnsPerIp: 0 })
      gater.denyInboundConnection?.(direct())
    }
  },
  'prefix-caps': { reason: 'connection-limit', breach: gater => { gater.setConfig({ maxConnsPerIp: 0 }) } },
  'connect-rate': { reason: 'connect-rate', breach: () => {} }, // used up from the beginning
  'transport-cap': { reason: 'transport-limit', breach: gater => { gater.setConfig({ transportLimits: { tcp: 0, relay: 0 } }) } },
  'relay-cap': { reason: 'relay-limit', breach: gater => { gater.setConfig({ maxConnsPerRelay: 0 }) } },
  'totals': { reason: 'total-limit', breach: gater => { gater.setConfig({ maxInbound: 0 }) } },
  'pending-caps': { reason: 'pending-limit', breach: gater => { gater.setConfig({ maxPendingPerIp: 0 }) } },
  'house': { reason: 'contest-rate', breach: (_, house) => { house.full = true } }
}

/** Refused by all of these checks, and by nothing else. */
function breached (checks: readonly Check[]): Bench {
  const made = bench({ connectRate: checks.includes('connect-rate') && RATE, risk: false })
  const house = new FakeHouse()
  made.gate.attach(house)
  const before = direct()
  enter(made.gater, before, ALICE)
  before.die()

  for (const check of checks) ROWS[check]?.breach(made.gater, house)
  made.denials.length = 0
  return made
}

/** Each check with those that come after it. A relay's clients have no address of their own, and with it none of its caps, bans and rates. */
function suffixes (without: readonly Check[]): Array<[Check, Check[]]> {
  const checks = STAGE_RULES.accept.checks.filter(check => !without.includes(check))
  return checks.map((check, i) => [check, checks.slice(i)])
}

describe('the accept stage', () => {
  it.each(suffixes(['relay-cap']))('asks %s before what the table names after it', (check, checks) => {
    const { gater, denials } = breached(checks)

    expect(gater.denyInboundConnection(direct())).toBe(true)
    expect(denials.map(({ reason }) => reason)).toEqual([ROWS[check]?.reason])
  })

  it.each(suffixes(['blocked', 'banned', 'prefix-caps', 'connect-rate']))('asks %s of who comes over a relay in the same order', (check, checks) => {
    const { gater, denials } = breached(checks)

    expect(gater.denyInboundConnection(relayed())).toBe(true)
    expect(denials.map(({ reason }) => reason)).toEqual([ROWS[check]?.reason])
  })

  it('asks of a trusted address the first check alone', async () => {
    const [blocked, ...others] = STAGE_RULES.accept.checks
    const { gater, denials } = breached(others)
    gater.trustAddress('192.0.2.1')
    expect(gater.denyInboundConnection(direct())).toBe(false)

    await ROWS[blocked!]?.breach(gater, new FakeHouse())
    expect(gater.denyInboundConnection(direct())).toBe(true)
    expect(denials.map(({ reason }) => reason)).toEqual(['blocked-subnet'])
  })
})
