import { describe, expect, it } from 'vitest'
import { kit, mockStream, rate } from './kit.ts'
import type { Kit, Visitor } from './kit.ts'
import type { StreamDenial, StreamGateInit } from '../../src/index.ts'

/** Each of a remote's own limits, and what breaks it once. */
const OFFENCES: ReadonlyArray<readonly [string, StreamGateInit, (kit: Kit, visitor: Visitor) => void]> = [
  ['stream-rate', { openRate: rate(0, 'token-bucket', 10_000) }, (_, visitor) => { visitor.arrive() }],
  ['pending-streams', { maxPendingStreams: 0 }, (_, visitor) => { visitor.arrive() }],
  ['negotiation-timeout', { negotiationTimeout: 10 }, ({ clock }, visitor) => {
    visitor.arrive()
    clock.advance(5)
    visitor.arrive()
    clock.advance(5)
  }],
  ['protocol-rate', { protocolRates: { '/a': rate(0, 'token-bucket', 10_000) } }, (_, visitor) => { visitor.ask('/a') }],
  ['peer-rate', { peerRate: rate(0, 'token-bucket', 10_000) }, (_, visitor) => { visitor.ask('/a') }]
]

describe('who breaks a limit', () => {
  it.each(OFFENCES.filter(([reason]) => reason !== 'negotiation-timeout'))('%s is dropped twice, then the connection is closed, and only that is scored', (reason, init, violate) => {
    const all = kit(init)
    const visitor = all.visit()

    violate(all, visitor)
    violate(all, visitor)
    expect([all.closed, all.offences]).toEqual([[], []])
    violate(all, visitor)
    expect(all.closed).toEqual([visitor.connection])
    expect(all.offences).toEqual([reason])
    expect(all.gate.inspect().denials).toEqual({ [reason]: 3 })
  })

  it('is closed by time-outs, too', () => {
    const all = kit({ negotiationTimeout: 1_000 })
    const visitor = all.visit()
    visitor.arriveMany(3)
    all.clock.advance(1_000)

    expect(all.closed).toEqual([visitor.connection])
    expect(all.offences).toEqual(['negotiation-timeout'])
  })

  it.each(OFFENCES)('%s closes at once where no drop comes before', (reason, init, violate) => {
    const all = kit({ ...init, dropsBeforeClose: 0 })
    violate(all, all.visit())

    expect(all.closed.length).toBe(1)
    expect(all.offences).toEqual([reason])
  })

  it.each(OFFENCES)('%s is never closed where all are dropped', (reason, init, violate) => {
    const all = kit({ ...init, dropsBeforeClose: Infinity })
    const visitor = all.visit()
    for (let n = 0; n < 100; n++) violate(all, visitor)

    expect([all.closed, all.offences]).toEqual([[], []])
    expect(all.gate.inspect().denials[reason as 'stream-rate']).toBeGreaterThanOrEqual(100)
  })

  it('is forgiven after a window without', () => {
    const { visit, clock, closed } = kit({ openRate: rate(0, 'cooldown', 10_000) })
    const visitor = visit()

    for (let n = 0; n < 10; n++) {
      visitor.arriveMany(2)
      clock.advance(10_000)
    }
    expect(closed).toEqual([])
    visitor.arriveMany(3)
    expect(closed.length).toBe(1)
  })

  it('has all its limits\' violations counted together', () => {
    const { visit, closed } = kit({ maxPendingStreams: 1, protocolRates: { '/a': rate(0) } })
    const visitor = visit()
    visitor.ask('/a')
    visitor.ask('/a')
    visitor.arriveMany(2)

    expect(closed.length).toBe(1)
  })

  it('is closed once, and what still arrives is refused and not counted', () => {
    const { visit, gate, closed, offences } = kit({ openRate: rate(5), maxPendingStreams: Infinity })
    const visitor = visit()

    expect(visitor.arriveMany(1_000)).toBe(5)
    expect(closed.length).toBe(1)
    expect(offences.length).toBe(1)
    expect(gate.inspect().denials).toEqual({ 'stream-rate': 3 })
    expect(gate.negotiated(visitor.connection, mockStream('/a'))).toMatchObject({ reason: 'not-open' })

    gate.disconnected(visitor.connection)
    expect(visitor.arrive()).toBe(false)
    expect(gate.inspect()).toMatchObject({ connections: 0, streams: { open: 0, pending: 0 } })
  })
})

describe('who is exempt', () => {
  it.each(OFFENCES)('is not held by %s', (_, init, violate) => {
    const all = kit({ ...init, dropsBeforeClose: 0 })
    const visitor = all.visit()
    all.exempt.add(visitor.connection)
    violate(all, visitor)

    expect([all.closed, all.offences, all.gate.inspect().denials]).toEqual([[], [], {}])
  })

  it('takes places that are counted, beyond the cap', () => {
    const { visit, exempt, gate } = kit({ openRate: false, maxStreamsPerProtocol: { '/a': 2 } })
    const [friend, stranger] = [visit(), visit()]
    exempt.add(friend.connection)

    expect(friend.askMany('/a', 5)).toBe(5)
    expect(stranger.askMany('/a', 5)).toBe(0)
    expect(gate.inspect().protocols).toEqual({ '/a': { inbound: 5, outbound: 0 } })
  })
})

describe('a denial', () => {
  it('is an event that says everything, and a line', () => {
    const { visit, gate, clock, lines } = kit({ openRate: rate(1, 'fixed-window', 10_000), protocolRates: { '/a/': rate(0) }, dropsBeforeClose: 1 })
    const denials: StreamDenial[] = []
    gate.addEventListener('deny', ({ detail }) => { denials.push(detail) })
    const visitor = visit(7)
    visitor.ask('/a/1')
    clock.advance(4_000)
    visitor.arrive()

    const who = { peer: visitor.connection.remotePeer, connectionId: visitor.connection.id, direction: 'inbound' }
    expect(denials).toEqual([
      { ...who, stage: 'protocol', action: 'drop', reason: 'protocol-rate', protocol: '/a/1', key: '/a/', limit: 0, at: clock.now() - 4_000 },
      { ...who, stage: 'open', action: 'close', reason: 'stream-rate', limit: 1, retryAfter: 6_000, at: clock.now() }
    ])
    expect(lines).toEqual([
      `denied a stream of /a/1 from ${who.peer}: protocol-rate, the limit is 0`,
      `denied a stream from ${who.peer}: stream-rate, the limit is 1, and closed the connection`
    ])
  })
})

describe('a listener that throws', () => {
  it('is counted, and neither the others nor the verdict suffer', () => {
    const { gate, visit } = kit({ maxPendingStreams: 0 })
    const heard: string[] = []
    gate.addEventListener('deny', () => { throw new Error('broken') })
    gate.addEventListener('deny', ({ detail }) => { heard.push(detail.reason) })

    expect(visit().arrive()).toBe(false)
    expect(heard).toEqual(['pending-streams'])
    expect(gate.inspect().listenerFailures).toBe(1)
  })
})
