import { describe, expect, it } from 'vitest'
import { connectionGater } from '../../src/index.ts'
import { blockList, connectionLimiter, securityGate } from '../../src/limiter.ts'
import { parseGate } from '../../src/limiter/gate-options.ts'
import { DEFAULT_CAPACITY } from '../../src/limiter/rate-limiter.ts'
import { parseRisk } from '../../src/limiter/risk-options.ts'
import { parseGuard } from '../../src/server/options.ts'
import { parseRequestOptions } from '../../src/server/request-options.ts'
import { optionsOf, valueOf } from './documented.ts'

interface Documented {
  readonly file: string
  readonly name: string

  /** What is in force where nothing was given. */
  readonly real: Readonly<Record<string, unknown>>

  /** Options whose default is told in words, and those that are simply absent. */
  readonly words?: readonly string[]
  readonly absent?: readonly string[]
}

const gate = securityGate().config()
const { weights: _, ...risk } = parseRisk({})
const capacity = DEFAULT_CAPACITY
const server = parseGuard({}, { protocol: 'http1', isSecure: false })

const INITS: readonly Documented[] = [
  {
    file: 'src/limiter/connection-config.ts',
    name: 'ConnectionLimits',
    real: { ...connectionLimiter().config(), maxConnsPerIp: connectionLimiter().config().prefixLimits.ipv4[32] },
    words: ['maxUnknown']
  },
  { file: 'src/limiter/connection-limiter.ts', name: 'ConnectionLimiterInit', real: { capacity }, words: ['clock'], absent: ['trust'] },
  {
    file: 'src/limiter/gate-options.ts',
    name: 'SecurityGateInit',
    real: { ...gate, maxConnsPerIp: gate.prefixLimits.ipv4[32], risk, capacity: parseGate({}).capacity },
    words: ['clientRequestRate', 'clock'],
    absent: ['trust']
  },
  { file: 'src/limiter/risk-options.ts', name: 'RiskInit', real: risk, words: ['weights'] },
  { file: 'src/limiter/rate-limiter.ts', name: 'RateLimiterOptions', real: { capacity }, words: ['clock'] },
  { file: 'src/limiter/block-list-contract.ts', name: 'BlockListInit', real: { capacity }, words: ['clock'] },
  { file: 'src/limiter/block-list-contract.ts', name: 'BlockRuleOptions', real: { ttl: Infinity }, absent: ['reason'] },
  { file: 'src/connection-gater/contract.ts', name: 'BlockOptions', real: { ttl: Infinity, closeExisting: true }, absent: ['reason'] },
  { file: 'src/server/options.ts', name: 'LimitConnectionsOptions', real: { ...server }, words: ['onDeny', 'proxyProtocol', 'trustedProxies', 'clock'] },
  {
    file: 'src/server/options.ts',
    name: 'ProxyProtocolOptions',
    real: { headerDeadline: parseGuard({ proxyProtocol: { from: [] } }, { protocol: 'raw', isSecure: false }).proxyProtocol?.headerDeadline }
  },
  {
    file: 'src/server/request-options.ts',
    name: 'LimitRequestsOptions',
    real: { ...parseRequestOptions({}) },
    words: ['trustedProxies', 'skip', 'keyOf', 'userRate', 'pathOf', 'clock'],
    absent: ['rate']
  }
]

describe.each(INITS)('the defaults that $name names', ({ file, name, real, words = [], absent = [] }) => {
  const options = optionsOf(file, name)
  const values = options.filter(option => ![...words, ...absent].includes(option.name))

  it.each(values)('$name: $text', ({ name: option, text }) => {
    expect(text, `${file}: ${name}.${option} needs a @default tag`).toBeDefined()
    expect(real).toHaveProperty(option)
    expect(valueOf(text!)).toEqual(real[option])
  })

  it('are told in words where they are no value, and nowhere else left out', () => {
    const texts = Object.fromEntries(options.map(({ name: option, text }) => [option, text]))

    expect(words.filter(option => texts[option] == null)).toEqual([])
    expect(absent.filter(option => !(option in texts) || texts[option] != null)).toEqual([])
  })
})

describe('the defaults that are told in words', () => {
  it('maxUnknown: 8 times the cap of an IPv4 client', () => {
    expect(connectionLimiter({ maxConnsPerIp: 3 }).config().maxUnknown).toBe(24)
  })

  it('clientRequestRate: the requestRate with its limit times the cap of one client', () => {
    expect(gate.clientRequestRate).toEqual({ ...gate.requestRate, limit: 20 * gate.requestRate.limit })
  })

  it('weights: 1 each', () => {
    expect(new Set(Object.values(parseRisk({}).weights))).toEqual(new Set([1]))
  })

  it('a block without a ttl has no end', async () => {
    const gater = connectionGater()
    const list = blockList()
    list.blockAddress('192.0.2.1')
    await gater.blockAddress('192.0.2.1')

    expect(list.match('192.0.2.1')).not.toHaveProperty('until')
    expect(gater.blockedAddresses()[0]).not.toHaveProperty('until')
  })
})
