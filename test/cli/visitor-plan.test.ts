import { describe, expect, it } from 'vitest'
import { BLOCKED_ADDRESS, FLOODING_ADDRESS, WEBSOCKET_ADDRESS, planVisitors, visitorAddress, visitorStay } from '../../src/cli/visitor-plan.ts'
import type { Visitor, VisitorRole } from '../../src/cli/visitor-plan.ts'

const LIVES = [0, 1, 2, 127, 128, 10_000]
const LOOPBACK = /^127\.(\d{1,3})\.(\d{1,3})\.([1-9]\d{0,2})$/

function sizes (visitors: readonly Visitor[]): Record<VisitorRole, number> {
  const count = (role: VisitorRole): number => visitors.filter(visitor => visitor.role === role).length

  return {
    protected: count('protected'),
    steady: count('steady'),
    churning: count('churning'),
    flooding: count('flooding'),
    blocked: count('blocked')
  }
}

describe('planVisitors', () => {
  it.each<[number, number, Record<VisitorRole, number>]>([
    [40, 5, { protected: 2, steady: 10, churning: 28, flooding: 12, blocked: 1 }],
    [1, 1, { protected: 1, steady: 0, churning: 0, flooding: 8, blocked: 1 }],
    [3, 1, { protected: 2, steady: 1, churning: 0, flooding: 8, blocked: 1 }],
    [2_000, 1_000, { protected: 2, steady: 500, churning: 1_498, flooding: 100, blocked: 1 }]
  ])('sends %d peers to a node with a cap of %d', (peers, maxPerIp, expected) => {
    expect(sizes(planVisitors(peers, maxPerIp))).toEqual(expected)
  })

  it('brings everybody to the door within two seconds', () => {
    expect(Math.max(...planVisitors(2_000, 1_000).map(({ arrives }) => arrives))).toBeLessThanOrEqual(2_000)
  })

  it.each([1, 2, 5])('lets no more peers come over WebSocket, from one address, than a cap of %d admits', maxPerIp => {
    const overWebSocket = planVisitors(40, maxPerIp).filter(({ transport }) => transport === 'ws')

    expect(overWebSocket.length).toBe(Math.min(2, maxPerIp))
    expect(overWebSocket.map(visitor => visitorAddress(visitor, 0))).toEqual(overWebSocket.map(() => WEBSOCKET_ADDRESS))
  })
})

describe('visitorAddress', () => {
  const visitors = planVisitors(2_000, 5)
  const apart = visitors.filter(({ role, transport }) => transport === 'tcp' && role !== 'flooding')

  it.each(LIVES)('is a usable loopback address in life %d', life => {
    expect(visitors.map(visitor => visitorAddress(visitor, life)).filter(address => !LOOPBACK.test(address))).toEqual([])
  })

  it.each(LIVES)('is nobody else\'s in life %d', life => {
    expect(new Set(apart.map(visitor => visitorAddress(visitor, life))).size).toBe(apart.length)
  })

  it('is one for all that flood, and the blocked one for the blocked', () => {
    const addresses = (role: VisitorRole): Set<string> => new Set(visitors.filter(visitor => visitor.role === role).map(visitor => visitorAddress(visitor, 0)))

    expect(addresses('flooding')).toEqual(new Set([FLOODING_ADDRESS]))
    expect(addresses('blocked')).toEqual(new Set([BLOCKED_ADDRESS]))
  })

  it('changes with every life of who comes and goes', () => {
    const [first] = visitors.filter(({ role }) => role === 'churning') as [Visitor]

    expect(visitorAddress(first, 1)).not.toBe(visitorAddress(first, 0))
  })
})

describe('visitorStay', () => {
  it('ends within seconds for who comes and goes, never for the others', () => {
    const visitors = planVisitors(40, 5)
    const stays = LIVES.flatMap(life => visitors.map(visitor => ({ role: visitor.role, stay: visitorStay(visitor, life) })))

    expect(stays.filter(({ role, stay }) => role === 'churning' && (stay < 2_000 || stay > 6_000))).toEqual([])
    expect(stays.filter(({ role, stay }) => role !== 'churning' && stay !== Infinity)).toEqual([])
  })
})
