import { describe, expect, it } from 'vitest'
import { STRATEGY_NAMES } from '../../src/limiter/rate.ts'
import { kit, mockStream, rate } from './kit.ts'
import { EMPTY } from '../support/empty.ts'

const BURST = 1_000
const NOT_PENDING = { maxPendingStreams: Infinity, dropsBeforeClose: Infinity }

describe('openings of a connection', () => {
  it.each(STRATEGY_NAMES)('hold a %s quota exactly under a burst, and again after its window', strategy => {
    const { visit, clock, gate } = kit({ ...NOT_PENDING, openRate: rate(100, strategy, 10_000) })
    const visitor = visit()

    expect(visitor.arriveMany(BURST)).toBe(100)
    expect(gate.inspect()).toMatchObject({ streams: { pending: 100 }, denials: { 'stream-rate': BURST - 100 } })
    clock.advance(10_001)
    expect(visitor.arriveMany(BURST)).toBe(100)
  })

  it('have a quota for each connection', () => {
    const { visit } = kit({ ...NOT_PENDING, openRate: rate(10) })
    const [first, second] = [visit(0), visit(0)]

    expect([first.arriveMany(20), second.arriveMany(20)]).toEqual([10, 10])
  })

  it.each(STRATEGY_NAMES)('stay used when the rate changes to %s', strategy => {
    const { visit, gate } = kit({ ...NOT_PENDING, openRate: rate(10) })
    const visitor = visit()
    visitor.arriveMany(6)

    gate.setConfig({ openRate: rate(8, strategy) })
    expect(visitor.arriveMany(BURST)).toBe(2)
    gate.setConfig({ openRate: rate(8, strategy) })
    expect(visitor.arriveMany(BURST)).toBe(0)
  })

  it('are not limited by false, and can be later', () => {
    const { visit, gate } = kit({ ...NOT_PENDING, openRate: false })
    const visitor = visit()
    expect(visitor.arriveMany(BURST)).toBe(BURST)

    gate.setConfig({ openRate: rate(5) })
    expect(visitor.arriveMany(BURST)).toBe(5)
  })

  it('cost nothing that is refused', () => {
    const { visit, gate } = kit({ dropsBeforeClose: Infinity, maxPendingStreams: 1, openRate: rate(2) })
    const visitor = visit()
    const first = mockStream()
    visitor.arrive(first)
    expect(visitor.arriveMany(BURST)).toBe(0)

    first.end()
    expect(visitor.arriveMany(1)).toBe(1)
    expect(gate.inspect().denials).toEqual({ 'pending-streams': BURST })
  })

  it('of a stream on a connection that is closed at that moment cost the next connection nothing', () => {
    const { visit, gate } = kit({ openRate: rate(2), maxPendingStreams: 1, negotiationTimeout: 1_000 })
    const visitor = visit()
    const late = mockStream()
    visitor.arrive(late)
    late.end('aborted', 1_000)
    gate.addEventListener('deny', () => { gate.disconnected(visitor.connection) })

    // to find a place for this one the gate looks at who is late, and says so
    expect(visitor.arriveMany(1)).toBe(0)
    expect(gate.inspect()).toMatchObject({ connections: 0, streams: { pending: 0 }, denials: { 'negotiation-timeout': 1 } })
    const next = visit()
    const streams = [mockStream(), mockStream()]
    expect(streams.map(stream => {
      const isOpen = next.arrive(stream)
      stream.end()
      return isOpen
    })).toEqual([true, true])
  })

  it('of a stream that is announced twice count once', () => {
    const { visit, gate } = kit({ openRate: rate(2) })
    const visitor = visit()
    const stream = mockStream()

    expect([visitor.arrive(stream), visitor.arrive(stream), visitor.arrive(), visitor.arrive()]).toEqual([true, true, true, false])
    expect(gate.inspect().streams.pending).toBe(2)
  })

  it('of a stream that has closed before it was announced are not kept for ever', () => {
    const { visit, gate } = kit({ openRate: rate(2) })
    const visitor = visit()
    const dead = mockStream()
    dead.end()
    visitor.arrive(dead)

    expect(gate.inspect().streams).toEqual({ open: 0, pending: 0 })
    expect(visitor.arriveMany(2)).toBe(1)
  })
})

describe('streams without a protocol', () => {
  it('are at most as many as the cap', () => {
    const { visit, gate } = kit({ openRate: false, dropsBeforeClose: Infinity })

    expect(visit().arriveMany(BURST)).toBe(64)
    expect(gate.inspect()).toMatchObject({ streams: { pending: 64 }, denials: { 'pending-streams': BURST - 64 } })
  })

  it('make room when they are negotiated or closed', () => {
    const { visit } = kit({ maxPendingStreams: 2 })
    const visitor = visit()
    visitor.ask('/a')
    const stream = mockStream()
    visitor.arrive(stream)
    stream.end()

    expect(visitor.arriveMany(3)).toBe(2)
  })

  it('are reset when their time is up, and not before', () => {
    const { visit, clock, gate } = kit({ negotiationTimeout: 5_000 })
    const visitor = visit()
    const [late, negotiated] = [mockStream(), mockStream()]
    visitor.arrive(late)
    visitor.ask('/a', negotiated)

    clock.advance(4_999)
    expect(late.status).toBe('open')
    clock.advance(1)
    expect([late.status, negotiated.status]).toEqual(['aborted', 'open'])
    expect(gate.inspect()).toMatchObject({ streams: { open: 1, pending: 0 }, denials: { 'negotiation-timeout': 1 } })
    expect(clock.pending).toBe(0)
  })

  it.each<[string, 'aborted' | 'reset' | 'closed', number, number]>([
    ['js-libp2p gave it up', 'aborted', 10_000, 1],
    ['js-libp2p gave it up a little early', 'aborted', 9_950, 1],
    ['the remote reset it', 'reset', 9_999, 0],
    ['it was closed', 'closed', 9_999, 0],
    ['we reset it for something else, earlier', 'aborted', 5_000, 0]
  ])('that end when %s (%s) are blamed after %i ms: %i', (_, status, after, count) => {
    const { visit, clock, gate } = kit()
    const stream = mockStream()
    visit().arrive(stream)
    stream.end(status, after)
    clock.advance(10_000)

    expect(gate.inspect().denials['negotiation-timeout'] ?? 0).toBe(count)
    expect(clock.pending).toBe(0)
  })

  it('that have closed make room, and are blamed then when they were late', () => {
    const { visit, gate } = kit({ maxPendingStreams: 2 })
    const visitor = visit()
    const [late, closed] = [mockStream(), mockStream()]
    visitor.arrive(late)
    visitor.arrive(closed)
    late.end('aborted', 10_000)
    closed.end()

    expect(visitor.arriveMany(3)).toBe(2)
    expect(gate.inspect().denials).toEqual({ 'negotiation-timeout': 1, 'pending-streams': 1 })
  })

  it('leave nothing when a listener stops the gate as it hears that others were late', () => {
    const { visit, clock, gate, closed } = kit({ maxPendingStreams: 2, openRate: rate(3), dropsBeforeClose: 1 })
    const heard: string[] = []
    gate.addEventListener('deny', ({ detail }) => {
      heard.push(detail.reason)
      gate.stop()
    })
    const visitor = visit()
    for (const late of [mockStream(), mockStream()]) {
      visitor.arrive(late)
      late.end('aborted', 10_000)
    }
    visitor.arrive()

    expect([heard, closed, clock.pending]).toEqual([['negotiation-timeout'], [], 0])
    gate.start()
    expect(visit().askMany('/a', 3)).toBe(3)
  })

  it.each([[10, 1, 0], [10, 10, 1], [100, 5, 0], [100, 100, 1], [300, 200, 0]])('with a time-out of %i ms that we reset after %i are blamed: %i', (negotiationTimeout, after, count) => {
    const { visit, clock, gate } = kit({ negotiationTimeout })
    const stream = mockStream()
    visit().arrive(stream)
    stream.end('aborted', after)
    clock.advance(negotiationTimeout)

    expect(gate.inspect().denials['negotiation-timeout'] ?? 0).toBe(count)
  })

  it.each([
    ['shorter', 6_000, 2_000, 0],
    ['shorter, and not over yet', 6_000, 8_000, 2_000],
    ['longer', 6_000, 12_000, 6_000]
  ])('that wait have a new time-out, %s, from when they came', (_, waited, timeout, left) => {
    const { visit, clock, gate } = kit()
    const stream = mockStream()
    visit().arrive(stream)
    clock.advance(waited)
    gate.setConfig({ negotiationTimeout: timeout })

    clock.advance(Math.max(0, left - 1))
    expect(stream.status).toBe(left === 0 ? 'aborted' : 'open')
    clock.advance(1)
    expect(stream.status).toBe('aborted')
  })

  it('that have one and were never heard of again are open, where the middleware has moved', () => {
    const { visit, clock, gate } = kit({ maxPendingStreams: 1 })
    const visitor = visit()
    const [first, second] = [mockStream(), mockStream()]
    visitor.arrive(first)
    first.protocol = '/a'
    expect(visitor.arrive(second)).toBe(true)
    second.protocol = '/a'
    clock.advance(10_000)

    expect([first.status, second.status]).toEqual(['open', 'open'])
    expect(gate.inspect()).toMatchObject({ streams: { open: 2, pending: 0 }, denials: EMPTY })
  })
})
