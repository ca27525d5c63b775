import { streamGate } from '../../src/index.ts'
import { startNode } from './node.ts'
import { stoppedAfter } from './stopped-after.ts'
import { until } from './until.ts'
import type { Rate, StreamGate, StreamGateInit } from '../../src/index.ts'
import type { Connection, Libp2p, ServiceMap, Stream } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

export type Gated<T extends ServiceMap = ServiceMap> = Libp2p<T & { streamGate: StreamGate }>

export const LISTEN: Readonly<Record<string, string>> = {
  TCP: '/ip4/127.0.0.1/tcp/0',
  WebSockets: '/ip4/127.0.0.1/tcp/0/ws',
  memory: '/memory/stream-gate'
}

/** More than the muxer allows: what holds in these tests is the gate. */
const ANY_NUMBER = { maxInboundStreams: 100_000, maxOutboundStreams: 100_000 }

/** What is used of it does not come back in the time of a test. */
export function hourly (limit: number): Rate {
  return { strategy: 'token-bucket', limit, window: 3_600_000 }
}

export interface GatedNodes {
  add<N extends { stop: () => unknown }>(node: N): N
  gated<T extends ServiceMap>(init?: StreamGateInit, options?: Libp2pOptions<T>): Promise<Gated<T>>

  /** A new node's connection to another. Resolves when that one has it, too. */
  visit (to: Libp2p, from?: Libp2p): Promise<Connection>
}

/** Nodes that are stopped after each test of the file. */
export function gatedNodes (): GatedNodes {
  const add = stoppedAfter()

  return {
    add,

    gated: async <T extends ServiceMap>(init: StreamGateInit = {}, options: Libp2pOptions<T> = {}) => add(await startNode({
      addresses: { listen: ['/memory/stream-gate'] },
      ...options,
      services: { streamGate: streamGate(init), ...options.services }
    } as unknown as Libp2pOptions<T>)) as unknown as Gated<T>,

    visit: async (to, from) => {
      const visitor = from ?? add(await startNode())
      const connection = await visitor.dial(to.getMultiaddrs())

      // js-libp2p gives up a connection on which more than ten streams come before it is ready
      await until('the other side has it', () => to.getConnections(visitor.peerId).length > 0)
      return connection
    }
  }
}

/** Opens so many at once. @returns those that were negotiated */
export async function openMany (connection: Connection, count: number, protocol: string): Promise<Stream[]> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, async () => connection.newStream(protocol, ANY_NUMBER)))

  return outcomes.flatMap(outcome => outcome.status === 'fulfilled' ? [outcome.value] : [])
}

export interface Handled {
  readonly runs: () => number
}

/** A handler that leaves its streams open, and counts how often it ran. */
export async function handle (node: Libp2p, protocol: string): Promise<Handled> {
  let runs = 0
  await node.handle(protocol, () => { runs++ }, ANY_NUMBER)
  return { runs: () => runs }
}
