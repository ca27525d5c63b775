import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../src/limiter/errors.ts'
import { streamGate } from '../../src/index.ts'
import { kit, rate } from './kit.ts'
import type { StreamGateInit, StreamGateLimits } from '../../src/index.ts'

interface Changeable {
  maxPendingStreams: number
  readonly openRate: { limit: number }
  readonly protocolRates: Record<string, object>
  readonly maxStreamsPerProtocol: Record<string, number>
}

const BAD: ReadonlyArray<readonly [string, string, unknown]> = [
  ['openRate', 'openRate.limit', { strategy: 'token-bucket', limit: -1, window: 1 }],
  ['openRate', 'openRate.strategy', { strategy: 'leaky', limit: 1, window: 1 }],
  ['openRate', 'openRate', true],
  ['peerRate', 'peerRate.window', { strategy: 'cooldown', limit: 1, window: 0 }],
  ['protocolRates', 'protocolRates', []],
  ['protocolRates', 'protocolRates[\'/a\']', { '/a': 5 }],
  ['protocolRates', 'protocolRates', { '': rate(1) }],
  ['maxStreamsPerProtocol', 'maxStreamsPerProtocol[\'/a\']', { '/a': 1.5 }],
  ['maxPendingStreams', 'maxPendingStreams', -1],
  ['negotiationTimeout', 'negotiationTimeout', Infinity],
  ['negotiationTimeout', 'negotiationTimeout', 0],
  ['directions', 'directions', 'outbound'],
  ['dropsBeforeClose', 'dropsBeforeClose', NaN],
  ['idleTimeout', 'idleTimeout', 0]
]

describe('a bad option', () => {
  it.each<readonly [string, string, unknown]>([...BAD, ['idleTimout', 'init', 1], ['strict', 'strict', 'yes'], ['capacity', 'capacity', Infinity]])('%s is refused by its name %s: %j', (name, option, value) => {
    expect(() => streamGate({ [name]: value } as StreamGateInit)).toThrow(expect.objectContaining({ name: 'InvalidOptionError', option }))
  })

  it.each<readonly [string, string, unknown]>([...BAD, ['idleTimout', 'change', 1]])('%s changes nothing at run time (%s): %j', (name, option, value) => {
    const { gate, visit } = kit({ openRate: rate(3), maxPendingStreams: Infinity })
    const visitor = visit()
    const before = gate.config()
    visitor.arriveMany(2)

    expect(() => { gate.setConfig({ maxPendingStreams: 0, [name]: value } as StreamGateLimits) }).toThrow(expect.objectContaining({ option }))
    expect(gate.config()).toEqual(before)
    expect(visitor.arriveMany(2)).toBe(1)
  })

  it.each(['strict', 'capacity', 'clock'])('%s cannot be changed later', name => {
    expect(() => { kit().gate.setConfig({ [name]: 1 } as StreamGateLimits) }).toThrow(InvalidOptionError)
  })
})

it('who changes the object that was given changes nothing here', () => {
  const protocolRates = { '/a': rate(1) }
  const { gate } = kit({ protocolRates })
  protocolRates['/a'] = rate(100)

  expect(gate.config().protocolRates).toEqual({ '/a': rate(1) })
})

it.each<[string, (config: Changeable) => unknown]>([
  ['a limit', config => { config.maxPendingStreams = 1 }],
  ['a rate', config => { config.openRate.limit = 1 }],
  ['the rates of protocols', config => { config.protocolRates['/a'] = rate(1) }],
  ['the places of protocols', config => { config.maxStreamsPerProtocol['/a'] = 1 }]
])('who changes %s in what config or inspect returns changes no gate, nor the next one', (_, change) => {
  const [{ gate }, { gate: changed }] = [kit(), kit()]
  changed.setConfig({})
  const before = structuredClone(gate.config())

  for (const config of [gate.config(), changed.inspect().config]) {
    try {
      change(config as unknown as Changeable)
    } catch {
      // it is frozen
    }
  }
  expect([gate, changed, kit().gate].map(one => one.config())).toEqual([before, before, before])
})
