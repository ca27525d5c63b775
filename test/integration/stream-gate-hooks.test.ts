import { describe, expect, it } from 'vitest'
import { streamGate } from '../../src/index.ts'
import { gatedNodes, handle, hourly, openMany } from '../support/gated-nodes.ts'
import { startNode } from '../support/node.ts'
import { spyLogger } from '../support/spy-logger.ts'
import { until } from '../support/until.ts'
import type { StreamGateInit } from '../../src/index.ts'
import type { Connection, Libp2pEvents } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

const APP = '/app/1.0.0'
const LOG = 'libp2p:connmgr:streams'
const { add, gated, visit } = gatedNodes()

/** A js-libp2p of another day, in which the registrar has no `getMiddleware`. Today's connections need it: it comes back when all have started. */
function moveMiddleware ({ registrar }: { registrar: object }): object {
  Object.defineProperty(registrar, 'getMiddleware', { configurable: true, value: undefined })
  return { start: () => {}, stop: () => {}, afterStart: () => { Reflect.deleteProperty(registrar, 'getMiddleware') } }
}

/** One in which a connection does not show its muxer. */
function moveMuxer ({ events }: { events: TypedEventTarget<Libp2pEvents> }): object {
  events.addEventListener('connection:open', ({ detail }) => {
    const hidden = detail as Connection & { muxer: EventTarget }
    Object.defineProperty(hidden.muxer, 'addEventListener', { value: undefined })
  })
  return {}
}

describe('where the registrar has no getMiddleware', () => {
  it.each<StreamGateInit>([
    { protocolRates: {} },
    { peerRate: hourly(5) },
    { maxStreamsPerProtocol: { [APP]: 1 } },
    { idleTimeout: 1_000 }
  ])('%j refuses to start when it is strict', async init => {
    await expect(startNode({ services: { moved: moveMiddleware, streamGate: streamGate({ ...init, strict: true }) } as never })).rejects.toMatchObject({
      name: 'StreamHookError', code: 'ERR_STREAM_HOOK', hook: 'middleware', options: Object.keys(init)
    })
  })

  it('a strict gate of which nothing of the kind was asked starts', async () => {
    const node = await gated({ openRate: hourly(5), strict: true }, { services: { moved: moveMiddleware } as never })
    expect(node.services.streamGate.inspect().off).toEqual(['middleware'])
  })

  it('the gate says what is without effect, and limits openings all the same', async () => {
    const logger = spyLogger()
    const node = add(await startNode({ logger, addresses: { listen: ['/memory/moved'] }, services: { moved: moveMiddleware, streamGate: streamGate({ openRate: hourly(9), protocolRates: { [APP]: hourly(1) }, dropsBeforeClose: Infinity }) } as never }))
    const { runs } = await handle(node, APP)
    expect(logger.errors(LOG)).toEqual(['js-libp2p has moved registrar.getMiddleware: protocolRates, peerRate, maxStreamsPerProtocol, idleTimeout are without effect'])

    await openMany(await visit(node), 30, APP)
    expect(runs()).toBe(9)
    expect((node.services as unknown as { streamGate: ReturnType<ReturnType<typeof streamGate>> }).streamGate.inspect()).toMatchObject({ off: ['middleware'], denials: { 'stream-rate': 21 } })
  })
})

it('a gate that begins again where js-libp2p has the field has all its options', async () => {
  const { services: { streamGate: gate } } = await gated({ idleTimeout: 60_000 }, { services: { moved: moveMiddleware } as never })
  expect(gate.inspect().off).toEqual(['middleware'])
  await gate.stop()
  await gate.start()

  expect(gate.inspect().off).toEqual([])
})

describe('where a connection does not show its muxer', () => {
  it('the gate says once what is without effect, and limits protocols all the same', async () => {
    const logger = spyLogger()
    const node = await gated({ openRate: hourly(2), protocolRates: { [APP]: hourly(7) }, dropsBeforeClose: Infinity }, { logger, services: { moved: moveMuxer } as never })
    const { runs } = await handle(node, APP)
    await openMany(await visit(node), 30, APP)
    await openMany(await visit(node), 30, APP)

    expect(runs()).toBe(14)
    expect(node.services.streamGate.inspect().off).toEqual(['muxer'])
    expect(logger.errors(LOG)).toEqual(['js-libp2p has moved connection.muxer: openRate, maxPendingStreams, negotiationTimeout are without effect'])
  })

  it('a strict gate closes it when that was asked for', async () => {
    const node = await gated({ openRate: hourly(2), strict: true }, { services: { moved: moveMuxer } as never })
    const connection = await visit(node).catch(() => undefined)
    await until('it is closed', () => node.getConnections().length === 0)

    expect(connection?.status).not.toBe('open')
  })

  it('a strict gate of which nothing of the kind was asked keeps it', async () => {
    const node = await gated({ peerRate: hourly(2), strict: true }, { services: { moved: moveMuxer } as never })
    expect((await visit(node)).status).toBe('open')
  })
})
