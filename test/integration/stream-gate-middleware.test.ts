import { describe, expect, it } from 'vitest'
import { streamGate } from '../../src/index.ts'
import { gatedNodes, handle, hourly, openMany } from '../support/gated-nodes.ts'
import { componentsOf } from '../support/inside.ts'
import { startNode } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { StreamGate } from '../../src/index.ts'
import type { Libp2p, StreamMiddleware } from '@libp2p/interface'

const APP = '/app/1.0.0'
const { gated, visit, add } = gatedNodes()

interface Registrar {
  use: (protocol: string, middleware: StreamMiddleware[]) => void
  getMiddleware: (protocol: string) => StreamMiddleware[]
}

function registrarOf (node: Libp2p): Registrar {
  return (componentsOf(node) as unknown as { registrar: Registrar }).registrar
}

/** Opens streams one after the other, with a middleware of the user's own. @returns how often the handler, and the middleware, ran for each */
async function runsPerStream (node: Libp2p, streams: number): Promise<{ handler: number[], middleware: number[] }> {
  let [handled, passed] = [0, 0]
  const used: StreamMiddleware[] = [(stream, connection, next) => {
    passed++
    next(stream, connection)
  }]
  registrarOf(node).use(APP, used)
  await node.handle(APP, async stream => {
    handled++
    await stream.close()
  })
  const connection = await visit(node)
  const runs = { handler: [] as number[], middleware: [] as number[] }

  for (let n = 0; n < streams; n++) {
    const [handledBefore, passedBefore] = [handled, passed]
    const stream = await connection.newStream(APP)
    await stream.close()
    await until('it is over', () => node.getConnections()[0]!.streams.length === 0)
    // what runs once more does so in the same turn or the next
    await new Promise(resolve => { setTimeout(resolve, 20) })
    runs.handler.push(handled - handledBefore)
    runs.middleware.push(passed - passedBefore)
  }

  return runs
}

describe('the handler of a protocol that has a middleware of its own', () => {
  it('runs n times for the n-th stream in js-libp2p alone', async () => {
    const node = add(await startNode({ addresses: { listen: ['/memory/plain'] } }))
    expect(await runsPerStream(node, 4)).toEqual({ handler: [1, 2, 3, 4], middleware: [1, 1, 1, 1] })
  })

  it('runs once for each stream with the gate', async () => {
    expect(await runsPerStream(await gated(), 4)).toEqual({ handler: [1, 1, 1, 1], middleware: [1, 1, 1, 1] })
  })

  it('does not run on streams that we open', async () => {
    const node = await gated()
    await runsPerStream(node, 2)
    let handled = 0
    await node.unhandle(APP)
    await node.handle(APP, () => { handled++ })
    const other = add(await startNode({ addresses: { listen: ['/memory/other'] } }))
    await other.handle(APP, () => {})
    await node.dialProtocol(other.getMultiaddrs(), APP)

    expect(handled).toBe(0)
  })
})

describe('a stream whose protocol is agreed, while js-libp2p writes that to the peer store', () => {
  const LIMITS = { maxStreamsPerProtocol: { [APP]: 1 } }

  it.each<[string, (gate: StreamGate) => unknown]>([
    ['are given again', gate => { gate.setConfig(LIMITS) }],
    ['begin again', gate => [gate.stop(), gate.start()]]
  ])('runs its handler, and gives its place back, although the limits %s', async (_, act) => {
    const node = await gated(LIMITS)
    const { streamGate: gate } = node.services
    let handled = 0
    await node.handle(APP, async stream => {
      handled++
      await stream.close()
    })
    const connection = await visit(node)
    let updated = 0
    node.addEventListener('peer:update', () => {
      updated++
      act(gate)
    })
    const stream = await connection.newStream(APP)
    await until('its handler has run', () => handled === 1)
    await stream.close()

    await until('its place is free', () => gate.inspect().protocols[APP]?.inbound === 0)
    expect(updated).toBeGreaterThan(0)
    expect(gate.inspect().denials).toEqual({})
  })
})

describe('when the gate stops', () => {
  it('js-libp2p is as it was', async () => {
    const node = await gated()
    const registrar = registrarOf(node)
    expect(Object.hasOwn(registrar, 'getMiddleware')).toBe(true)

    const used: StreamMiddleware[] = []
    registrar.use(APP, used)
    expect(registrar.getMiddleware(APP)).toHaveLength(1)
    await visit(node)
    await node.services.streamGate.stop()

    expect(Object.hasOwn(registrar, 'getMiddleware')).toBe(false)
    expect(registrar.getMiddleware(APP)).toBe(used)
    const [connection] = node.getConnections()
    expect((connection as unknown as { muxer: { listenerCount: (type: string) => number } }).muxer.listenerCount('stream')).toBe(1)
  })

  it('and others of the node do, js-libp2p is as it was; until then those that run hold', async () => {
    const limits = (limit: number) => streamGate({ protocolRates: { [APP]: hourly(limit) }, dropsBeforeClose: Infinity })
    const node = add(await startNode({ addresses: { listen: ['/memory/two'] }, services: { first: limits(1), second: limits(3) } }))
    const registrar = registrarOf(node)
    const { runs } = await handle(node, APP)
    const { first, second } = node.services
    await node.stop()
    expect(Object.hasOwn(registrar, 'getMiddleware')).toBe(false)

    await node.start()
    await openMany(await visit(node), 9, APP)
    await until('the first has refused', () => first.inspect().denials['protocol-rate'] === 8)
    await first.stop()
    await openMany(await visit(node), 9, APP)
    await until('the second has refused', () => second.inspect().denials['protocol-rate'] === 6)
    expect(runs()).toBe(4)
  })

  it('nothing is limited, and it can begin again with what is open', async () => {
    const node = await gated({ protocolRates: { [APP]: hourly(1) }, dropsBeforeClose: Infinity, maxStreamsPerProtocol: { [APP]: 5 } })
    await node.handle(APP, () => {})
    const connection = await visit(node)
    await node.services.streamGate.stop()
    await Promise.all([1, 2, 3].map(async () => connection.newStream(APP)))
    await until('they are there', () => node.getConnections()[0]!.streams.filter(({ protocol }) => protocol === APP).length === 3)

    await node.services.streamGate.start()
    expect(node.services.streamGate.inspect()).toMatchObject({ connections: 1, streams: { open: 3 }, protocols: { [APP]: { inbound: 3 } } })
    await Promise.allSettled([1, 2, 3].map(async () => connection.newStream(APP)))
    await until('they were answered', () => node.services.streamGate.inspect().denials['protocol-rate'] === 2)
  })
})
