import { fakeClock } from '../../src/clock/fake-clock.ts'
import { parseOptions } from '../../src/stream-gate/options.ts'
import { StreamGatePart } from '../../src/stream-gate/stream-gate.ts'
import { asConnection, mockConnection } from '../support/mock-connection.ts'
import { peer } from '../support/peers.ts'
import { spyLogger } from '../support/spy-logger.ts'
import type { FakeClock } from '../../src/clock/fake-clock.ts'
import type { StreamGateInit, StreamHook } from '../../src/stream-gate/contract.ts'
import type { StreamGatePorts } from '../../src/stream-gate/ports.ts'
import type { Rate, RateStrategy } from '../../src/limiter/rate.ts'
import type { Denied } from '../../src/limiter/verdict.ts'
import type { Connection, Stream } from '@libp2p/interface'

export interface MockStream extends Stream {
  /** Ends it, so many ms after it was opened. */
  end (status?: 'closed' | 'aborted' | 'reset', after?: number): void
  readonly listeners: number
}

export function mockStream (protocol = '', direction: 'inbound' | 'outbound' = 'inbound'): MockStream {
  const target = new EventTarget()
  let listeners = 0

  const stream = {
    protocol,
    direction,
    status: 'open',
    timeline: { open: 0 } as { open: number, close?: number },
    addEventListener: (type: string, listener: EventListenerObject) => {
      target.addEventListener(type, listener)
      listeners++
    },
    removeEventListener: (type: string, listener: EventListenerObject) => {
      target.removeEventListener(type, listener)
      listeners--
    },
    get listeners () { return listeners },
    abort: () => { stream.end('aborted') },
    end: (status = 'closed', after = 0) => {
      stream.status = status
      stream.timeline.close = after
      target.dispatchEvent(new Event('close'))
    }
  }
  return stream as unknown as MockStream
}

/** What the gate did to a connection, and how streams come on it. */
export interface Visitor {
  readonly connection: Connection

  /** A stream of no protocol arrives. @returns whether it lives */
  arrive (stream?: MockStream): boolean

  /** So many. @returns how many live */
  arriveMany (count: number): number

  /**
   * A stream that has arrived, or that we open, is negotiated. @returns why it is refused; it is reset then, as js-libp2p does
   *
   * @param meanwhile - js-libp2p writes to its peer store once the protocol is agreed, and asks the middleware after that
   */
  negotiate (protocol: string, stream: MockStream, meanwhile?: () => void): Denied | undefined

  /** A stream of a protocol arrives and is negotiated. @returns why it is refused; it is reset then, as js-libp2p does */
  ask (protocol: string, stream?: MockStream): Denied | undefined
  askMany (protocol: string, count: number): number

  /** Streams that came by `ask` and were let in, oldest first. */
  readonly open: MockStream[]
  readonly isHeard: boolean
}

export interface Kit {
  readonly gate: StreamGatePart
  readonly clock: FakeClock
  readonly exempt: Set<Connection>
  readonly offences: string[]
  readonly closed: Connection[]
  readonly idled: Connection[]
  readonly lines: string[]
  readonly off: Set<StreamHook>

  /** A new connection of the `n`th peer. */
  visit (n?: number, isNew?: boolean, streams?: MockStream[]): Visitor
}

export const PING = '/ipfs/ping/1.0.0'

export function kit (init: StreamGateInit = {}): Kit {
  const clock = fakeClock()
  const known = { exempt: new Set<Connection>(), offences: [] as string[], closed: [] as Connection[], idled: [] as Connection[], lines: [] as string[], off: new Set<StreamHook>() }
  const heard = new Map<Connection, (stream: Stream) => void>()

  const ports: StreamGatePorts = {
    off: () => [...known.off],
    hear: (connection, onStream) => {
      if (known.off.has('muxer')) return undefined
      heard.set(connection, onStream)
      return () => { heard.delete(connection) }
    },
    isExempt: connection => known.exempt.has(connection),
    isLife: protocol => protocol !== PING,
    offend: (_, offence) => { known.offences.push(offence) },
    close: connection => { known.closed.push(connection) },
    closeIdle: (connections, mayGo) => { known.idled.push(...connections.filter((_, at) => mayGo(at))) },
    log: spyLogger().forComponent('test'),
    write: (_, line) => { known.lines.push(line()) }
  }
  const gate = new StreamGatePart(parseOptions({ clock, ...init }), ports)
  gate.start()

  let count = 0
  return {
    ...known,
    gate,
    clock,
    visit: (n = count, isNew = true, streams = []) => visitorOf(gate, heard, asConnection(mockConnection({ id: `c${count++}`, remotePeer: peer(n), remoteAddr: '/ip4/192.0.2.1/tcp/1', streams: streams as never })), isNew)
  }
}

function visitorOf (gate: StreamGatePart, heard: Map<Connection, (stream: Stream) => void>, connection: Connection, isNew: boolean): Visitor {
  const open: MockStream[] = []
  gate.connected(connection, isNew)
  const onStream = heard.get(connection)

  function arrive (stream = mockStream()): boolean {
    connection.streams.push(stream)
    onStream?.(stream)
    return stream.status === 'open'
  }

  function ask (protocol: string, stream = mockStream()): Denied | undefined {
    if (stream.direction === 'inbound' && !arrive(stream)) throw new Error('It was refused at its opening')
    return negotiate(protocol, stream)
  }

  function negotiate (protocol: string, stream: MockStream, meanwhile = () => {}): Denied | undefined {
    if (stream.direction === 'outbound') connection.streams.push(stream)
    stream.protocol = protocol
    meanwhile()
    const denied = gate.negotiated(connection, stream)

    if (denied == null) open.push(stream)
    else stream.abort(new Error('Refused'))
    return denied
  }

  return {
    connection,
    open,
    arrive,
    arriveMany: count => Array.from({ length: count }, () => arrive()).filter(Boolean).length,
    ask,
    negotiate,
    askMany: (protocol, count) => Array.from({ length: count }, () => ask(protocol)).filter(denied => denied == null).length,
    get isHeard () { return heard.has(connection) }
  }
}

/** Nothing comes back in the time of a test. */
export function rate (limit: number, strategy: RateStrategy = 'token-bucket', window = 3_600_000): Rate {
  return { strategy, limit, window }
}
