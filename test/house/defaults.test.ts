import { describe, expect, it } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import { resolveOptions } from '../../src/conn-manager/options.ts'
import { connManager, connectionGater } from '../../src/index.ts'
import { parseOptions } from '../../src/stream-gate/options.ts'
import { optionsOf, valueOf } from './documented.ts'
import type { DocumentedOption } from './documented.ts'
import type { ConnectionGaterInit, Denial } from '../../src/index.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/** Options that are absent by default, and one that only prose can tell. */
const WITHOUT_VALUE = { trimOrder: undefined, clock: 'the system\'s clock' }

const MANY = 100

function withValue (file: string, name: string): DocumentedOption[] {
  return optionsOf(file, name).filter(option => !(option.name in WITHOUT_VALUE))
}

/** How many of `MANY` connections a gater lets in from an address, and why it refused the next one. */
function admit (init: ConnectionGaterInit | undefined, address: string): { admitted: number, reason?: string } {
  const gater = connectionGater(init)
  const denials: Denial[] = []
  gater.addEventListener('deny', ({ detail }) => { denials.push(detail) })

  const admitted = Array.from({ length: MANY }, () => gater.denyInboundConnection?.(connectionFrom(address))).filter(denied => denied === false).length
  const [denial] = denials

  return { admitted, ...denial != null && { reason: denial.reason } }
}

function connectionFrom (address: string): MultiaddrConnection {
  return Object.assign(new EventTarget(), { remoteAddr: multiaddr(address), status: 'open', direction: 'inbound', timeline: { open: 0 }, abort: () => {} }) as unknown as MultiaddrConnection
}

describe('the defaults that the manager\'s options name', () => {
  const file = 'src/conn-manager/contract.ts'
  const { limits, ...options } = resolveOptions({})
  const real: Readonly<Record<string, unknown>> = { ...limits, ...options }

  it.each(withValue(file, 'ConnManagerInit'))('$name: $text', ({ name, text }) => {
    expect(text, `${file}: ConnManagerInit.${name} needs a @default tag`).toBeDefined()
    expect(valueOf(text!), `${file}: the @default tag of ConnManagerInit.${name}`).toEqual(real[name])
  })

  it('are those of a manager that is running', () => {
    const documented = Object.fromEntries(withValue(file, 'ConnManagerInit').map(({ name, text }) => [name, valueOf(text!)]))
    const { lowWater, highWater, hardLimit, outboundReserve, gracePeriod, silencePeriod } = documented

    expect(connManager()().getInfo()).toMatchObject({ lowWater, highWater, hardLimit, outboundReserve, gracePeriod, silencePeriod })
  })
})

describe('the defaults that the gater\'s options name', () => {
  const file = 'src/connection-gater/options.ts'
  const real = connectionGater().config() as unknown as Readonly<Record<string, unknown>>

  /** A shorthand, things that are there or not, and what its own tests show. */
  const notInConfig = ['maxConnsPerIp', 'also', 'blocks', 'trust', 'datastore', 'limiter', 'capacity']
  const options = ['ConnectionGaterLimits', 'ConnectionGaterInit'].flatMap(name => withValue(file, name)).filter(({ name }) => !notInConfig.includes(name))

  it.each(options)('$name: $text', ({ name, text }) => {
    expect(text, `${file}: ${name} needs a @default tag`).toBeDefined()
    expect(valueOf(text!), `${file}: the @default tag of ${name}`).toEqual(real[name])
  })

  it('are what a gater without options does', () => {
    expect(admit(undefined, '/ip4/192.0.2.1/tcp/1')).toEqual({ admitted: 4, reason: 'pending-limit' })
    expect(admit({ maxPendingPerIp: Infinity }, '/ip4/192.0.2.1/tcp/1')).toEqual({ admitted: 8, reason: 'connection-limit' })
    expect(admit({ maxPending: Infinity }, '/ip4/127.9.9.9/tcp/1')).toEqual({ admitted: MANY })
  })
})

describe('the defaults that the stream gate\'s options name', () => {
  const file = 'src/stream-gate/contract.ts'
  const { config, capacity } = parseOptions({})
  const real: Readonly<Record<string, unknown>> = { ...config, capacity }

  it.each(['StreamGateLimits', 'StreamGateInit'].flatMap(name => withValue(file, name)))('$name: $text', ({ name, text }) => {
    expect(text, `${file}: ${name} needs a @default tag`).toBeDefined()
    expect(valueOf(text!), `${file}: the @default tag of ${name}`).toEqual(real[name])
  })
})

describe('options without a value of their own', () => {
  const inits = [
    ['src/conn-manager/contract.ts', 'ConnManagerInit'],
    ['src/connection-gater/options.ts', 'ConnectionGaterInit'],
    ['src/stream-gate/contract.ts', 'StreamGateInit']
  ] as const

  it.each(inits)('say so in %s', (file, name) => {
    const texts = Object.fromEntries(optionsOf(file, name).map(option => [option.name, option.text]))
    expect({ ...WITHOUT_VALUE, ...texts }).toMatchObject(WITHOUT_VALUE)
  })
})
