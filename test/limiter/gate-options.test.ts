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
