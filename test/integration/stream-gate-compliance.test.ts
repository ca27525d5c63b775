import { yamux } from '@libp2p/yamux'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hearStreams } from '../../src/libp2p/stream-hooks.ts'
import { parseOptions } from '../../src/stream-gate/options.ts'
import { StreamGatePart } from '../../src/stream-gate/stream-gate.ts'
import { peer } from '../support/peers.ts'
import { spyLogger } from '../support/spy-logger.ts'
import type { Connection, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

const TIME_LIMIT = 120_000

/** Mocha's words, in which js-libp2p's suites are written; its time-outs are ours. */
const mocha = { timeout: () => {} }
Object.assign(globalThis, {
  describe: (name: string, tests: () => void) => { describe(name, () => { tests.call(mocha) }) },
  it: (name: string, test: () => unknown) => { it(name, async () => { await test.call(mocha) }, TIME_LIMIT) },
  before: beforeAll,
  after: afterAll,
  beforeEach,
  afterEach
})

const refused: string[] = []
let seen = 0

/** A quota that nobody in the suite uses up: who stays below his quota must not notice a gate. */
function gatedFactory (factory: StreamMuxerFactory): StreamMuxerFactory {
  const gate = new StreamGatePart(parseOptions({ openRate: { strategy: 'sliding-window', limit: 1_000_000, window: 1_000 }, maxPendingStreams: 100_000 }), {
    off: () => [],
    hear: hearStreams,
    isExempt: () => false,
    isLife: () => true,
    offend: () => {},
    close: () => {},
    closeIdle: () => {},
    log: spyLogger().forComponent('test'),
    write: (_, line) => { refused.push(line()) }
  })
  gate.start()

  return { ...factory, protocol: factory.protocol, createStreamMuxer: maConn => withGate(gate, factory.createStreamMuxer(maConn)) }
}

/** As on a node, the gate listens to a muxer once its connection does. */
function withGate (gate: StreamGatePart, muxer: StreamMuxer): StreamMuxer {
  const connection = { id: `c${seen++}`, muxer, multiplexer: muxer.protocol, status: 'open', remotePeer: peer(0), streams: muxer.streams } as unknown as Connection
  const add = muxer.addEventListener.bind(muxer) as (...args: unknown[]) => void
  let isGated = false

  muxer.addEventListener = (...args: unknown[]) => {
    add(...args)
    if (args[0] !== 'stream' || isGated) return

    isGated = true
    gate.connected(connection, true)
    muxer.addEventListener('stream', ({ detail }) => { gate.negotiated(connection, detail) })
  }
  return muxer
}

const { default: streamMuxerSuite } = await import('@libp2p/interface-compliance-tests/stream-muxer')

describe('yamux under the gate, by js-libp2p\'s own suite', () => {
  streamMuxerSuite({
    setup: async () => gatedFactory(yamux()()),
    teardown: async () => {}
  })

  it('was gated, and refused nothing', () => {
    expect(seen).toBeGreaterThan(50)
    expect(refused).toEqual([])
  })
})
