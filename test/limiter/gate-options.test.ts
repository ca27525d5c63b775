import { describe, expect, it } from 'vitest'
import { securityGate } from '../../src/limiter/security-gate.ts'
import type { SecurityGateInit } from '../../src/limiter/gate-options.ts'

const IPV4 = { 32: 20 }
const IPV6 = { 56: 20, 48: 160 }

describe('prefixLimits', () => {
  it.each([
    ['of both families', { prefixLimits: { ipv4: { 24: 5 }, ipv6: { 48: 7 } } }, { ipv4: { 24: 5 }, ipv6: { 48: 7 } }, Infinity],
    ['of IPv6 keep the cap of IPv4', { prefixLimits: { ipv6: { 56: 4 } } }, { ipv4: IPV4, ipv6: { 56: 4 } }, 160],
    ['of IPv4 keep the caps of IPv6', { prefixLimits: { ipv4: { 32: 3 } } }, { ipv4: { 32: 3 }, ipv6: IPV6 }, 24],
    ['of no family keep both', { prefixLimits: {} }, { ipv4: IPV4, ipv6: IPV6 }, 160],
    ['that are undefined keep both', { prefixLimits: undefined, maxConnsPerIp: undefined }, { ipv4: IPV4, ipv6: IPV6 }, 160]
  ] as Array<[string, SecurityGateInit, object, number]>)('%s', (_, init, prefixLimits, maxUnknown) => {
    expect(securityGate(init).config()).toMatchObject({ prefixLimits, maxUnknown })
    expect(securityGate(init).config().prefixLimits).toEqual(prefixLimits)
  })
})

describe('clientRequestRate', () => {
  const own = { strategy: 'sliding-window', limit: 3, window: 10_000 } as const
  const none = { limit: Infinity }
  const times = (conns: number) => ({ ...own, limit: own.limit * conns })

  it.each([
    ['the cap of a client, where the families have the same', { maxConnsPerIp: 4 }, times(4)],
    ['each family\'s own cap', { prefixLimits: { ipv4: { 32: 2 }, ipv6: { 56: 50 } } }, { ipv4: times(2), ipv6: times(50) }],
    ['the cap of one family, where the other has none', { prefixLimits: { ipv4: { 32: Infinity }, ipv6: { 56: 2 } } }, { ipv4: none, ipv6: times(2) }],
    ['a cap of 0 as of 1, for those who are open', { maxConnsPerIp: 0 }, times(1)]
  ])('follows %s', (_, limits: SecurityGateInit, expected) => {
    expect(securityGate({ requestRate: own, ...limits }).config().clientRequestRate).toMatchObject(expected)
  })

  it.each<[string, NonNullable<SecurityGateInit['clientRequestRate']>, object]>([
    ['one rate', own, own],
    ['a rate for each family', { ipv4: own, ipv6: times(2) }, { ipv4: own, ipv6: times(2) }],
    ['false', false, none]
  ])('is %s where it is given, and its config reads again', (_, clientRequestRate, expected) => {
    const config = securityGate({ clientRequestRate }).config()

    expect(config.clientRequestRate).toMatchObject(expected)
    expect(securityGate(config).config()).toEqual(config)
  })

  it.each([
    [{ ipv4: own }, 'clientRequestRate.ipv6'],
    [{ ipv4: own, ipv6: own, v6: own }, 'clientRequestRate'],
    [{ ipv4: { ...own, limit: -1 }, ipv6: own }, 'clientRequestRate.ipv4.limit']
  ])('is refused as %j', (clientRequestRate, option) => {
    expect(() => securityGate({ clientRequestRate } as SecurityGateInit)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
  })
})

describe('pathRates', () => {
  const login = { strategy: 'cooldown', limit: 1, window: 1_000 } as const

  it('name each path once, in its normal text', () => {
    const gate = securityGate({ pathRates: { '/%7Euser//': login, '/café': login } })
    gate.setPathRate('/caf%c3%a9', { limit: 2 })

    expect(gate.config().pathRates).toEqual({ '/~user/': login, '/caf%C3%A9': { ...login, limit: 2 } })
    expect(securityGate(gate.config()).config()).toEqual(gate.config())
    gate.setPathRate('/~user/', false)
    expect(Object.keys(gate.config().pathRates)).toEqual(['/caf%C3%A9'])
  })

  it('are refused where two are one path', () => {
    expect(() => securityGate({ pathRates: { '/~user': login, '/%7Euser': login } })).toThrow('the option pathRates[\'/%7Euser\']: it must be another path than /~user')
  })
})

it.each(['connectRate', 'requestRate', 'clientRequestRate'] as const)('who changes the %s in what config returns changes no gate, nor the next one', name => {
  const gate = securityGate()
  const before = structuredClone(gate.config())
  const { [name]: rate } = gate.config()

  for (const part of [rate, 'ipv4' in rate ? rate.ipv4 : {}]) {
    try {
      Object.assign(part, { limit: 1 })
    } catch {
      // it is frozen
    }
  }
  expect([gate, securityGate()].map(one => one.config())).toEqual([before, before])
})
