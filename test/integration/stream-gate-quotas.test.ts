import { describe, expect, it } from 'vitest'
import { rawStream } from '../support/inside.ts'
import { gatedNodes, handle, hourly, LISTEN, openMany } from '../support/gated-nodes.ts'
import { until } from '../support/until.ts'
import type { Gated } from '../support/gated-nodes.ts'
import type { StreamGateInit } from '../../src/index.ts'
import type { Stream } from '@libp2p/interface'

const BURST = 1_000
const APP = '/app/1.0.0'
const OPEN = { openRate: false, maxPendingStreams: Infinity, dropsBeforeClose: Infinity } satisfies StreamGateInit

const { gated, visit, add } = gatedNodes()

async function start (transport: string, init: StreamGateInit): Promise<Gated> {
  return gated(init, { addresses: { listen: [LISTEN[transport]!] } })
}

describe.each(Object.keys(LISTEN))('over %s a burst of 1,000 streams', transport => {
  it('gets exactly as many as its connection may open', async () => {
    const node = await start(transport, { ...OPEN, openRate: hourly(100) })
    const { runs } = await handle(node, APP)
    const connection = await visit(node)
    await openMany(connection, BURST, APP)

    const { streams, denials } = node.services.streamGate.inspect()
    expect([runs(), streams.open, denials]).toEqual([100, 100, { 'stream-rate': BURST - 100 }])
    expect(connection.status).toBe('open')
  })

  it('gets exactly as many as its peer may open of the protocol', async () => {
    const node = await start(transport, { ...OPEN, protocolRates: { '/app/': hourly(70) } })
    const { runs } = await handle(node, APP)
    await openMany(await visit(node), BURST, APP)
    await until('all were answered', () => node.services.streamGate.inspect().denials['protocol-rate'] === BURST - 70)

    expect(runs()).toBe(70)
    expect(node.services.streamGate.inspect()).toMatchObject({ streams: { open: 70, pending: 0 } })
  })

  it('gets exactly the places that the node has for the protocol, and gives them back', async () => {
    const node = await start(transport, { ...OPEN, maxStreamsPerProtocol: { [APP]: 50 } })
    const { runs } = await handle(node, APP)
    const connection = await visit(node)
    const opened = await openMany(connection, BURST, APP)
    await until('all were answered', () => node.services.streamGate.inspect().denials['protocol-streams'] === BURST - 50)
    const inspect = () => node.services.streamGate.inspect().protocols[APP]!.inbound
    expect([runs(), inspect()]).toEqual([50, 50])

    for (const stream of opened) stream.abort(new Error('Enough'))
    await until('they were given back', () => inspect() === 0)
    await openMany(connection, 10, APP)
    expect(inspect()).toBe(10)
  })

  it('gets no connection any more when it goes on after two refusals', async () => {
    const node = await start(transport, { openRate: hourly(20) })
    const { runs } = await handle(node, APP)
    const connection = await visit(node)
    await openMany(connection, BURST, APP)

    await until('it is closed at both ends', () => connection.status !== 'open' && node.getConnections().length === 0)
    expect(runs()).toBeLessThanOrEqual(20)
    expect(node.services.streamGate.inspect()).toMatchObject({ connections: 0, streams: { open: 0, pending: 0 }, denials: { 'stream-rate': 3 } })
  })
})

describe.each(Object.keys(LISTEN))('over %s 1,000 bare openings', transport => {
  async function openBare (node: Gated): Promise<Stream[]> {
    const connection = await visit(node)
    return Promise.all(Array.from({ length: BURST }, async () => rawStream(connection)))
  }

  it('leave as many as the cap', async () => {
    const node = await start(transport, { dropsBeforeClose: Infinity })
    await openBare(node)
    await until('all have come', () => node.services.streamGate.inspect().denials['pending-streams'] === BURST - 64)

    const [connection] = node.getConnections()
    expect(connection!.streams.length).toBe(64)
    expect(node.services.streamGate.inspect().streams).toEqual({ open: 0, pending: 64 })
  })

  it('leave none by default: the connection is closed', async () => {
    const node = await start(transport, {})
    await openBare(node)
    await until('it is closed', () => node.getConnections().length === 0)

    expect(node.services.streamGate.inspect()).toMatchObject({ connections: 0, streams: { open: 0, pending: 0 }, denials: { 'pending-streams': 3 } })
  })
})

it('bare openings do not outlive the negotiation time-out', async () => {
  const node = await start('TCP', { negotiationTimeout: 300, dropsBeforeClose: Infinity })
  const connection = await visit(node)
  await Promise.all(Array.from({ length: 20 }, async () => rawStream(connection)))
  await until('all have come', () => node.services.streamGate.inspect().streams.pending === 20)
  await until('all are gone', () => node.getConnections()[0]!.streams.length === 0)

  expect(node.services.streamGate.inspect()).toMatchObject({ streams: { pending: 0 }, denials: { 'negotiation-timeout': 20 } })
})

it('js-libp2p alone holds every one of 1,000 bare openings', async () => {
  const { startNode } = await import('../support/node.ts')
  const node = add(await startNode({ addresses: { listen: [LISTEN['TCP']!] } }))
  const connection = await visit(node)
  await Promise.all(Array.from({ length: BURST }, async () => rawStream(connection)))

  await until('all have come', () => node.getConnections()[0]!.streams.length === BURST)
})
