import fc from 'fast-check'
import { expect, it } from 'vitest'
import { kit, mockStream, PING, rate } from './kit.ts'
import type { MockStream, Visitor } from './kit.ts'

const PROTOCOLS = ['/a/1', '/a/2', '/b', PING]
const CAPS = { '/a/': 6, '/b': 4 }

/** What the counts have to be, by looking at every stream. */
interface Model {
  readonly visitors: Map<Visitor, MockStream[]>
}

const change = fc.constantFrom({ idleTimeout: 20_000 }, { idleTimeout: Infinity }, { directions: 'both' as const }, { directions: 'inbound' as const }, { maxStreamsPerProtocol: CAPS }, { maxStreamsPerProtocol: {} }, { openRate: rate(30, 'sliding-window') })

const step = fc.oneof(
  fc.record({ do: fc.constant('visit' as const), peer: fc.nat(3) }),
  fc.record({ do: fc.constant('arrive' as const), visitor: fc.nat(5) }),
  fc.record({ do: fc.constant('ask' as const), visitor: fc.nat(5), protocol: fc.constantFrom(...PROTOCOLS), isOurs: fc.boolean(), meanwhile: fc.oneof(fc.constant({}), change) }),
  fc.record({ do: fc.constant('end' as const), visitor: fc.nat(5), stream: fc.nat(20), status: fc.constantFrom('closed' as const, 'reset' as const, 'aborted' as const) }),
  fc.record({ do: fc.constant('leave' as const), visitor: fc.nat(5) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(15_000) }),
  fc.record({ do: fc.constant('change' as const), to: change })
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function isLive (stream: MockStream, protocols: readonly string[]): boolean {
  return stream.status === 'open' && protocols.includes(stream.protocol)
}

it('whatever happens in whatever order, every count is what is open, and all are zero at the end', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), steps => {
    const all = kit({ openRate: rate(200), dropsBeforeClose: Infinity, maxPendingStreams: 5, maxStreamsPerProtocol: CAPS })
    const model: Model = { visitors: new Map() }

    for (const one of steps) {
      run(all, model, one)
      const { connections, idle, streams, protocols, config } = all.gate.inspect()
      const open = [...model.visitors.values()].flat()
      const isCounted = ({ direction }: MockStream): boolean => direction === 'inbound' || config.directions === 'both'
      const count = (names: readonly string[], direction: string): number => open.filter(stream => isCounted(stream) && stream.direction === direction && isLive(stream, names)).length

      expect(connections).toBe(model.visitors.size)
      expect(streams).toEqual({ open: open.filter(stream => isLive(stream, PROTOCOLS)).length, pending: open.filter(stream => isLive(stream, [''])).length })
      expect(idle).toBe([...model.visitors.values()].filter(its => !its.some(stream => isLive(stream, ['/a/1', '/a/2', '/b']))).length)
      expect(protocols).toEqual(Object.keys(config.maxStreamsPerProtocol).length === 0
        ? {}
        : {
            '/a/': { inbound: count(['/a/1', '/a/2'], 'inbound'), outbound: count(['/a/1', '/a/2'], 'outbound') },
            '/b': { inbound: count(['/b'], 'inbound'), outbound: count(['/b'], 'outbound') }
          })
      expect(streams.pending).toBeLessThanOrEqual(5 * connections)
    }

    all.gate.stop()
    expect(all.gate.inspect()).toMatchObject({ connections: 0, idle: 0, streams: { open: 0, pending: 0 } })
    expect(Object.values(all.gate.inspect().protocols).flatMap(({ inbound, outbound }) => [inbound, outbound]).filter(left => left !== 0)).toEqual([])
    expect([...model.visitors.values()].flat().filter(({ status }) => status === 'open').map(({ listeners }) => listeners).filter(left => left > 0)).toEqual([])
    expect(all.clock.pending).toBe(0)
  }), { numRuns: 300 })
})

function run (all: ReturnType<typeof kit>, { visitors }: Model, one: Step): void {
  const at = <T>(list: readonly T[], index: number): T | undefined => list.length === 0 ? undefined : list[index % list.length]
  const [visitor, streams] = at([...visitors], 'visitor' in one ? one.visitor : 0) ?? []

  if (one.do === 'visit') {
    visitors.set(all.visit(one.peer), [])
  } else if (one.do === 'wait') {
    all.clock.advance(one.ms)
  } else if (one.do === 'change') {
    all.gate.setConfig(one.to)
  } else if (visitor != null && streams != null) {
    if (one.do === 'leave') {
      all.gate.disconnected(visitor.connection)
      visitors.delete(visitor)
      for (const stream of streams) if (stream.status === 'open') stream.end()
    } else if (one.do === 'end') {
      const stream = at(streams.filter(({ status }) => status === 'open'), one.stream)
      stream?.end(one.status)
    } else {
      const stream = mockStream('', one.do === 'ask' && one.isOurs ? 'outbound' : 'inbound')
      streams.push(stream)
      const isIn = stream.direction === 'outbound' || visitor.arrive(stream)
      if (one.do === 'ask' && isIn) visitor.negotiate(one.protocol, stream, () => { all.gate.setConfig(one.meanwhile) })
    }
  }
}
