import { describe, expect, it } from 'vitest'
import { STRATEGY_NAMES } from '../../src/limiter/rate.ts'
import { kit, mockStream, PING, rate } from './kit.ts'
import type { StreamGatePart } from '../../src/stream-gate/stream-gate.ts'
import type { Connection } from '@libp2p/interface'

const BURST = 1_000
const OPEN = { openRate: false, dropsBeforeClose: Infinity } as const

describe('the rate of a protocol', () => {
  it.each(STRATEGY_NAMES)('as a %s holds exactly for a peer, over all of its connections', strategy => {
    const { visit, clock, gate } = kit({ ...OPEN, protocolRates: { '/a': rate(50, strategy, 10_000) } })
    const [first, second, other] = [visit(1), visit(1), visit(2)]

    expect(first.askMany('/a', 30) + second.askMany('/a', BURST)).toBe(50)
    expect(other.askMany('/a', BURST)).toBe(50)
    expect(gate.inspect().denials['protocol-rate']).toBe(30 + BURST - 50 + BURST - 50)
    clock.advance(10_001)
    expect(first.askMany('/a', BURST)).toBe(50)
  })

  it('is not reset by reconnecting', () => {
    const { visit, gate } = kit({ ...OPEN, protocolRates: { '/a': rate(5) } })
    const first = visit(1)
    first.askMany('/a', 5)
    gate.disconnected(first.connection)

    expect(visit(1).askMany('/a', 5)).toBe(0)
  })

  it('leaves other protocols alone', () => {
    const { visit } = kit({ ...OPEN, protocolRates: { '/a': rate(1) } })
    expect(visit().askMany('/b', BURST)).toBe(BURST)
  })

  it('is one for all below a prefix', () => {
    const { visit } = kit({ ...OPEN, protocolRates: { '/kad/': rate(3), '/kad/1': rate(10) } })
    const visitor = visit()
    expect([visitor.askMany('/kad/2', 2), visitor.askMany('/kad/3', 2), visitor.askMany('/kad/1', 20)]).toEqual([2, 1, 10])
  })

  it('of 0 refuses all', () => {
    const { visit } = kit({ ...OPEN, protocolRates: { '/a': rate(0) } })
    expect(visit().ask('/a')).toEqual({ allow: false, action: 'drop', reason: 'protocol-rate', limit: 0, key: '/a' })
  })

  it('stays used when it changes, and is forgotten when it is taken away', () => {
    const { visit, gate } = kit({ ...OPEN, protocolRates: { '/a': rate(10), '/b': rate(1) } })
    const visitor = visit()
    visitor.askMany('/a', 6)
    visitor.askMany('/b', 1)

    gate.setConfig({ protocolRates: { '/a': rate(8, 'cooldown') } })
    expect([visitor.askMany('/a', BURST), visitor.askMany('/b', BURST)]).toEqual([2, BURST])
    gate.setConfig({ protocolRates: { '/a': rate(8, 'cooldown'), '/b': rate(1) } })
    expect([visitor.askMany('/a', BURST), visitor.askMany('/b', BURST)]).toEqual([0, 1])
  })
})

describe('the rate of a peer', () => {
  it('is one for all protocols', () => {
    const { visit, gate } = kit({ ...OPEN, peerRate: rate(10) })
    const visitor = visit()

    expect(visitor.askMany('/a', 6) + visitor.askMany('/b', 6)).toBe(10)
    expect(visitor.ask('/c')).toMatchObject({ reason: 'peer-rate', limit: 10, key: visitor.connection.remotePeer.toString() })
    gate.setConfig({ peerRate: rate(12, 'sliding-window') })
    expect(visitor.askMany('/c', 10)).toBe(2)
    gate.setConfig({ peerRate: false })
    expect(visitor.askMany('/c', 10)).toBe(10)
  })

  it('and that of a protocol are asked before any is taken from', () => {
    const { visit } = kit({ ...OPEN, peerRate: rate(4), protocolRates: { '/a': rate(1) } })
    const visitor = visit()
    visitor.askMany('/a', 10)

    expect(visitor.askMany('/b', 10)).toBe(3)
  })
})

describe('a ledger that is full', () => {
  it('gives peers that find no place one quota together, which is nobody\'s offence', () => {
    const { visit, gate, closed, offences } = kit({ ...OPEN, dropsBeforeClose: 0, capacity: 1, peerRate: rate(1) })
    visit(0).askMany('/a', 1)
    const allowed = Array.from({ length: 100 }, (_, n) => visit(n + 1).askMany('/a', 1)).filter(count => count === 1).length

    expect(allowed).toBe(64)
    expect(gate.inspect()).toMatchObject({ rateEntries: 1, denials: { 'overflow-limit': 36 } })
    expect([closed, offences]).toEqual([[], []])
  })
})

describe('places on the node', () => {
  it('are for all peers together, and come back once when a stream closes', () => {
    const { visit, gate } = kit({ ...OPEN, maxStreamsPerProtocol: { '/a/': 10 } })
    const [first, second] = [visit(), visit()]

    expect([first.askMany('/a/1', 6), second.askMany('/a/2', 6)]).toEqual([6, 4])
    expect(gate.inspect().protocols).toEqual({ '/a/': { inbound: 10, outbound: 0 } })

    const [stream] = first.open
    stream!.end()
    stream!.end()
    expect(second.askMany('/a/2', 6)).toBe(1)
  })

  it('come back when the connection goes', () => {
    const { visit, gate } = kit({ ...OPEN, maxStreamsPerProtocol: { '/a': 3 } })
    const first = visit()
    first.askMany('/a', 3)
    gate.disconnected(first.connection)
    for (const stream of first.open) stream.end()

    expect(gate.inspect()).toMatchObject({ connections: 0, streams: { open: 0, pending: 0 }, protocols: { '/a': { inbound: 0 } } })
    expect(visit().askMany('/a', 5)).toBe(3)
  })

  it('are not taken by a stream that has closed while it was negotiated', () => {
    const { visit, gate } = kit({ ...OPEN, maxStreamsPerProtocol: { '/a': 3 } })
    const visitor = visit()
    const stream = mockStream()
    visitor.arrive(stream)
    stream.end()
    stream.protocol = '/a'
    gate.negotiated(visitor.connection, stream)

    expect(gate.inspect()).toMatchObject({ streams: { open: 0, pending: 0 }, protocols: { '/a': { inbound: 0 } } })
  })

  it('that are all taken are nobody\'s offence', () => {
    const { visit, closed, offences } = kit({ openRate: false, maxStreamsPerProtocol: { '/a': 1 }, dropsBeforeClose: 0 })
    visit().ask('/a')
    const late = visit()

    expect(late.ask('/a')).toEqual({ allow: false, action: 'drop', reason: 'protocol-streams', limit: 1, key: '/a' })
    expect(late.askMany('/a', 10)).toBe(0)
    expect([closed, offences]).toEqual([[], []])
  })

  it('are counted anew when they change, of what is open', () => {
    const { visit, gate } = kit({ ...OPEN })
    const visitor = visit()
    visitor.askMany('/a', 5)
    gate.setConfig({ maxStreamsPerProtocol: { '/a': 6 } })
    expect(gate.inspect().protocols).toEqual({ '/a': { inbound: 5, outbound: 0 } })
    expect(visitor.askMany('/a', 5)).toBe(1)

    gate.setConfig({ maxStreamsPerProtocol: { '/': 3 } })
    expect(gate.inspect().protocols).toEqual({ '/': { inbound: 6, outbound: 0 } })
    for (const stream of visitor.open) stream.end()
    expect(gate.inspect().protocols).toEqual({ '/': { inbound: 0, outbound: 0 } })
  })
})

describe('a stream whose protocol is agreed, and which its handler has not seen', () => {
  const LIMITS = { openRate: false, maxStreamsPerProtocol: { '/a': 1 }, idleTimeout: 60_000 } as const

  it.each<[string, (gate: StreamGatePart, connection: Connection) => void]>([
    ['are changed', gate => { gate.setConfig({ maxStreamsPerProtocol: { '/a': 1 } }) }],
    ['are counted anew', gate => { gate.setConfig({ idleTimeout: 50_000 }) }],
    ['are forgotten, and the gate begins again', (gate, connection) => {
      gate.stop()
      gate.start()
      gate.connected(connection, false)
    }]
  ])('takes one place, and gives back one, although the places %s meanwhile', (_, act) => {
    const { visit, gate, clock, idled } = kit(LIMITS)
    const visitor = visit()
    const stream = mockStream()
    visitor.arrive(stream)

    expect(visitor.negotiate('/a', stream, () => { act(gate, visitor.connection) })).toBe(undefined)
    expect([gate.inspect().protocols, stream.listeners]).toEqual([{ '/a': { inbound: 1, outbound: 0 } }, 1])
    stream.end()
    expect([gate.inspect().protocols, gate.inspect().idle]).toEqual([{ '/a': { inbound: 0, outbound: 0 } }, 1])
    clock.advance(60_001)
    expect(idled).toEqual([visitor.connection])
  })
})

describe('streams that we open', () => {
  const LIMITS = { ...OPEN, protocolRates: { '/a': rate(2) }, maxStreamsPerProtocol: { '/b': 2 } }
  const outbound = () => mockStream('', 'outbound')

  it('that hold nothing are not listened to, of whatever direction', () => {
    const visitor = kit({ ...OPEN }).visit()
    visitor.ask('/a')
    visitor.ask('/a', outbound())

    expect(visitor.open.map(({ listeners }) => listeners)).toEqual([0, 0])
  })

  it('are not limited, and not counted among those of a protocol', () => {
    const { visit, gate } = kit(LIMITS)
    const visitor = visit()
    const denials = Array.from({ length: 10 }, () => [visitor.ask('/a', outbound()), visitor.ask('/b', outbound())])

    expect(denials.flat()).toEqual(Array(20).fill(undefined))
    expect(gate.inspect()).toMatchObject({ streams: { open: 20 }, protocols: { '/b': { inbound: 0, outbound: 0 } } })
  })

  it('are limited by themselves where both directions are asked for, and are nobody\'s offence', () => {
    const { visit, gate, closed, offences } = kit({ ...LIMITS, directions: 'both', dropsBeforeClose: 0 })
    const visitor = visit()
    const ask = (protocol: string) => Array.from({ length: 4 }, () => visitor.ask(protocol, outbound())?.reason)

    expect(ask('/a')).toEqual([undefined, undefined, 'protocol-rate', 'protocol-rate'])
    expect(ask('/b')).toEqual([undefined, undefined, 'protocol-streams', 'protocol-streams'])
    expect([visitor.ask('/a'), visitor.ask('/b')]).toEqual([undefined, undefined])
    expect(gate.inspect().protocols).toEqual({ '/b': { inbound: 1, outbound: 2 } })
    expect([closed, offences]).toEqual([[], []])
  })

  it('of the node\'s upkeep are none of the peer\'s rate: js-libp2p gives up a connection that it may not ping', () => {
    const { visit } = kit({ ...OPEN, peerRate: rate(2), protocolRates: { [PING]: rate(6) }, directions: 'both' })
    const visitor = visit()
    const ask = (protocol: string, count: number) => Array.from({ length: count }, () => visitor.ask(protocol, outbound())?.reason)

    expect(ask(PING, 3)).toEqual([undefined, undefined, undefined])
    expect(ask('/a', 3)).toEqual([undefined, undefined, 'peer-rate'])
    expect(ask(PING, 4)).toEqual([undefined, undefined, undefined, 'protocol-rate'])
    expect(visitor.askMany(PING, 5)).toBe(2)
  })

  it('are limited by a rate that is given later, each direction by its own', () => {
    const { visit, gate } = kit({ ...OPEN, directions: 'both' })
    const visitor = visit()
    gate.setConfig({ peerRate: rate(9), protocolRates: { '/a': rate(2) } })

    expect([1, 2, 3].map(() => visitor.ask('/a', outbound())?.reason)).toEqual([undefined, undefined, 'protocol-rate'])
    expect(visitor.askMany('/a', 3)).toBe(2)
    expect(gate.inspect().rateEntries).toBe(2 + 2)
  })

  it('begin to count when both directions are asked for', () => {
    const { visit, gate } = kit(LIMITS)
    visit().ask('/b', outbound())
    gate.setConfig({ directions: 'both' })

    expect(gate.inspect().protocols).toEqual({ '/b': { inbound: 0, outbound: 1 } })
  })
})
