import { describe, expect, it } from 'vitest'
import { kit, mockStream, PING } from './kit.ts'
import type { Kit, Visitor } from './kit.ts'
import type { IdleClosing } from '../../src/index.ts'

const TIMEOUT = 60_000

describe('a connection without counted streams', () => {
  it('is closed after the time-out, and not before', () => {
    const { visit, clock, idled } = kit({ idleTimeout: TIMEOUT })
    const visitor = visit()

    clock.advance(TIMEOUT)
    expect(idled).toEqual([])
    clock.advance(1)
    expect(idled).toEqual([visitor.connection])
  })

  it('is not, by default', () => {
    const { visit, clock, idled } = kit()
    visit()
    clock.advance(1e12)

    expect(idled).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it.each<[string, (visitor: Visitor) => void]>([
    ['a ping is no life', visitor => { visitor.ask(PING) }],
    ['nor is our own', visitor => { visitor.ask(PING, mockStream('', 'outbound')) }],
    ['nor is a stream that is not negotiated', visitor => { visitor.arrive() }]
  ])('%s', (_, act) => {
    const { visit, clock, idled } = kit({ idleTimeout: TIMEOUT })
    const visitor = visit()

    for (let n = 0; n < 6; n++) {
      clock.advance(TIMEOUT / 6)
      act(visitor)
    }
    clock.advance(1)
    expect(idled).toEqual([visitor.connection])
  })

  it.each<['inbound' | 'outbound']>([['inbound'], ['outbound']])('is alive while an %s stream is open, and for the time-out after it', direction => {
    const { visit, clock, idled, gate } = kit({ idleTimeout: TIMEOUT })
    const visitor = visit()
    visitor.ask('/a', mockStream('', direction))
    clock.advance(10 * TIMEOUT)
    expect([idled, gate.inspect().idle]).toEqual([[], 0])

    visitor.open[0]!.end()
    clock.advance(TIMEOUT)
    expect(idled).toEqual([])
    clock.advance(1)
    expect(idled).toEqual([visitor.connection])
  })

  it('is told of, with how long it was idle', () => {
    const { visit, clock, gate } = kit({ idleTimeout: TIMEOUT })
    const told: IdleClosing[] = []
    gate.addEventListener('idle', ({ detail }) => { told.push(detail) })
    const { connection } = visit()
    clock.advance(TIMEOUT + 1)

    expect(told).toEqual([{ peer: connection.remotePeer, connectionId: connection.id, idleFor: TIMEOUT + 1, at: clock.now() }])
  })

  it('stays where it is exempt, and goes when it no longer is', () => {
    const { visit, clock, idled, exempt } = kit({ idleTimeout: TIMEOUT })
    const { connection } = visit()
    exempt.add(connection)
    clock.advance(5 * TIMEOUT)
    expect(idled).toEqual([])

    exempt.delete(connection)
    clock.advance(TIMEOUT + 1)
    expect(idled).toEqual([connection])
  })

  it.each<[string, (second: Visitor, all: Kit) => void]>([
    ['a stream begins on it', second => { second.ask('/a') }],
    ['it becomes exempt', ({ connection }, { exempt }) => { exempt.add(connection) }],
    ['the time-out is taken away', (_, { gate }) => { gate.setConfig({ idleTimeout: Infinity }) }],
    ['it closes by itself', ({ connection }, { gate }) => { gate.disconnected(connection) }],
    ['the gate stops', (_, { gate }) => { gate.stop() }]
  ])('is not closed, nor told of, when %s before its turn to be closed comes', (_, act) => {
    const all = kit({ idleTimeout: TIMEOUT })
    const [first, second] = [all.visit(), all.visit()]
    const told: string[] = []
    all.gate.addEventListener('idle', ({ detail }) => {
      told.push(detail.connectionId)
      act(second, all)
    })
    all.clock.advance(TIMEOUT + 1)

    expect([all.idled, told]).toEqual([[first.connection], [first.connection.id]])
  })

  it('is looked at again when its closing came to nothing', () => {
    const { visit, clock, idled } = kit({ idleTimeout: TIMEOUT })
    const { connection } = visit()
    clock.advance(2 * (TIMEOUT + 1))

    expect(idled).toEqual([connection, connection])
  })

  it('has a new time-out as soon as it is set', () => {
    const { visit, clock, idled, gate } = kit({ idleTimeout: TIMEOUT })
    const { connection } = visit()
    clock.advance(TIMEOUT - 1)
    gate.setConfig({ idleTimeout: TIMEOUT / 2 })
    clock.advance(1)
    expect(idled).toEqual([connection])

    gate.setConfig({ idleTimeout: Infinity })
    expect(clock.pending).toBe(0)
  })

  it('is idle from when there is a time-out, and not when a stream is open then', () => {
    const { visit, clock, idled, gate } = kit()
    const [idle, busy] = [visit(), visit()]
    busy.ask('/a')
    clock.advance(10 * TIMEOUT)
    gate.setConfig({ idleTimeout: TIMEOUT })

    clock.advance(TIMEOUT)
    expect(idled).toEqual([])
    clock.advance(1)
    expect(idled).toEqual([idle.connection])
    busy.open[0]!.end()
    clock.advance(TIMEOUT + 1)
    expect(idled).toContain(busy.connection)
  })

  it('is never closed where streams are not heard of when they are negotiated', () => {
    const { visit, clock, idled, off } = kit({ idleTimeout: TIMEOUT })
    off.add('middleware')
    visit()
    clock.advance(10 * TIMEOUT)

    expect(idled).toEqual([])
  })

  it('is one of those that are looked at: who is alive is not', () => {
    const { visit, clock, gate, idled } = kit({ idleTimeout: TIMEOUT })
    for (let n = 0; n < 100; n++) visit().ask('/a')
    const idle = [visit(), visit()]

    expect(gate.inspect()).toMatchObject({ connections: 102, idle: 2 })
    clock.advance(TIMEOUT + 1)
    expect(idled).toEqual(idle.map(({ connection }) => connection))
  })
})

describe('the gate', () => {
  it('has one timer for each kind of waiting, however many wait', () => {
    const { visit, clock } = kit({ idleTimeout: TIMEOUT })
    for (let n = 0; n < 50; n++) visit().arriveMany(10)

    expect(clock.pending).toBe(2)
  })

  it('undoes everything when it stops, and begins anew', () => {
    const { visit, clock, gate } = kit({ idleTimeout: TIMEOUT, maxStreamsPerProtocol: { '/a': 5 } })
    const visitor = visit()
    const pending = mockStream()
    visitor.arrive(pending)
    visitor.ask('/a')
    gate.stop()

    expect(clock.pending).toBe(0)
    expect([pending.listeners, visitor.open[0]!.listeners, visitor.isHeard]).toEqual([0, 0, false])
    expect(gate.inspect()).toMatchObject({ connections: 0, idle: 0, streams: { open: 0, pending: 0 }, protocols: { '/a': { inbound: 0 } } })
    expect(gate.negotiated(visitor.connection, mockStream('/a'))).toBeUndefined()

    gate.start()
    expect(visit().askMany('/a', 10)).toBe(5)
  })

  it('adopts what was open before it', () => {
    const { visit, gate, clock } = kit({ maxStreamsPerProtocol: { '/a': 2 } })
    const [known, pending, ours, dead] = [mockStream('/a'), mockStream(), mockStream('', 'outbound'), mockStream('/a')]
    dead.end()
    const visitor = visit(0, false, [known, pending, ours, dead])

    expect(gate.inspect()).toMatchObject({ streams: { open: 1, pending: 1 }, protocols: { '/a': { inbound: 1 } } })
    expect(visitor.askMany('/a', 2)).toBe(1)
    clock.advance(10_000)
    expect([pending.status, ours.status]).toEqual(['aborted', 'open'])
  })

  it('leaves alone what it was never told of, and what died while it opened', () => {
    const { visit, gate } = kit({ protocolRates: {} })
    const { connection } = visit()
    gate.connected(connection, true)
    gate.disconnected(connection)
    gate.disconnected(connection)
    Object.assign(connection, { status: 'aborted' })
    gate.connected(connection, true)

    expect(gate.inspect().connections).toBe(0)
  })
})
