import { MemoryDatastore } from 'datastore-core'
import { describe, expect, it } from 'vitest'
import { simpleMetrics } from '@libp2p/simple-metrics'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { connectionGater, connectionManagerDefaults } from '../../src/index.ts'
import { guarded, plainNode, visitorFrom } from '../support/gater-node.ts'
import { scrapedMetrics } from '../support/scraped-metrics.ts'
import { spyLogger } from '../support/spy-logger.ts'
import { stoppedAfter } from '../support/stopped-after.ts'
import { until } from '../support/until.ts'
import type { Guarded } from '../support/gater-node.ts'
import type { CreateListenerOptions, Libp2p, Transport } from '@libp2p/interface'
import type { WebSocketsComponents } from '@libp2p/websockets'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']
const mine = stoppedAfter()

async function isLetIn (from: Libp2p, to: Libp2p): Promise<boolean> {
  return from.dial(to.getMultiaddrs()[0]!, { force: true }).then(() => true, () => false)
}

/** A node with room for two, and four visitors, of whom the first two are in. */
async function fullHouse (): Promise<Guarded & { readonly visitors: Libp2p[] }> {
  const { node, gater } = await guarded(LISTEN, {}, { lowWater: 2, highWater: 2, hardLimit: 2, outboundReserve: 0 })
  mine(node)
  const visitors = await Promise.all(['127.0.1.1', '127.0.2.1', '127.0.1.2', '127.0.1.3'].map(async address => mine(await visitorFrom(address))))
  expect([await isLetIn(visitors[0]!, node), await isLetIn(visitors[1]!, node)]).toEqual([true, true])
  await until('the house is full', () => gater.inspect().open.inbound === 2)
  return { node, gater, visitors }
}

describe('a gater and a manager on one node', () => {
  it('have stored blocks in force before the node listens', async () => {
    const datastore = new MemoryDatastore()
    await connectionGater({ datastore }).blockAddress('127.0.0.9')
    const slow = Object.assign(Object.create(datastore) as MemoryDatastore, {
      async * query (q: Parameters<MemoryDatastore['query']>[0]) {
        await new Promise(resolve => { setTimeout(resolve, 200) })
        yield * datastore.query(q)
      }
    })
    const { node, gater } = await guarded(LISTEN, { datastore: slow })
    mine(node)

    expect(gater.blockedAddresses()).toEqual([{ address: '127.0.0.9', persisted: true }])
    expect(await isLetIn(mine(await visitorFrom('127.0.0.9')), node)).toBe(false)
    expect(await isLetIn(mine(await visitorFrom('127.0.0.8')), node)).toBe(true)
  })

  it('let a protected peer in at the full house, and a stranger not', async () => {
    const { node, gater, visitors: [, , stranger, friend] } = await fullHouse()

    await isLetIn(stranger!, node)
    await until('he is refused', () => gater.inspect().denials['hard-limit'] === 1)
    node.services.connManager.protect(friend!.peerId, 'mine')
    expect(await isLetIn(friend!, node)).toBe(true)
    await until('somebody went for him', () => node.getConnections(friend!.peerId).length === 1 && gater.inspect().connections === 2)
  })

  it('let one in at the full house whom another service has tagged in the peer store, and never announce the one who loses', async () => {
    const { node, gater, visitors: [first, , stranger, known] } = await fullHouse()
    node.services.connManager.tagPeer(first!.peerId, 'own', 10)
    await node.peerStore.merge(stranger!.peerId, { tags: { mesh: { value: 0 } } })
    await node.peerStore.merge(known!.peerId, { tags: { mesh: { value: 5 } } })

    await isLetIn(stranger!, node)
    await until('he is refused', () => gater.inspect().denials['hard-limit'] === 1)
    expect(await isLetIn(known!, node)).toBe(true)
    await until('somebody went for him', () => node.getConnections(known!.peerId).length === 1 && gater.inspect().connections === 2)
    expect(node.getConnections(first!.peerId)).toHaveLength(1)
    expect(gater.inspect().denials).toEqual({ 'hard-limit': 1 })
  })

  it('may share their gater with another node: a full one shuts nobody out of the other, and keeps its own limit', async () => {
    const marks = { lowWater: 1, highWater: 2, hardLimit: 2, outboundReserve: 0 }
    const { node, gater } = await guarded(LISTEN, {}, marks)
    mine(node)
    const { node: other } = await guarded(LISTEN, {}, marks, { connectionGater: gater })
    mine(other)
    const visitors = await Promise.all([1, 2, 3].map(async n => mine(await visitorFrom(`127.0.${n}.1`))))
    for (const visitor of visitors.slice(0, 2)) expect(await isLetIn(visitor, other)).toBe(true)

    for (const visitor of visitors.slice(0, 2)) expect(await isLetIn(visitor, node)).toBe(true)
    await until('both are full', () => [node, other].every(({ services: { connManager } }) => connManager.getInfo().connCount === 2))
    await isLetIn(visitors[2]!, node)
    await until('one too many is gone', () => gater.inspect().connections === 4 && gater.inspect().open.inbound === 4)
    expect([node, other].map(({ services: { connManager } }) => connManager.getInfo().connCount)).toEqual([2, 2])
    expect(gater.inspect().denials).toEqual({})
  })

  it('trust whom js-libp2p\'s own allow list names, from accept on', async () => {
    const { node } = await guarded(LISTEN, { maxConnsPerIp: 0 }, {}, { connectionManager: { ...connectionManagerDefaults, allow: ['/ip4/127.0.5.0/ipcidr/24'] } } as never)
    mine(node)

    expect(await isLetIn(mine(await visitorFrom('127.0.5.1')), node)).toBe(true)
    expect(await isLetIn(mine(await visitorFrom('127.0.6.1')), node)).toBe(false)
  })

  it('count denials in libp2p\'s metrics', async () => {
    let seen: unknown
    const { node } = await guarded(LISTEN, { maxConnsPerIp: 0 }, {}, { metrics: simpleMetrics({ onMetrics: metrics => { seen = metrics }, intervalMs: 20 }) } as never)
    mine(node)
    await isLetIn(mine(await plainNode()), node)

    await until('it is counted', () => JSON.stringify(seen)?.includes('"accept/connection-limit":1') === true)
    expect(seen).toMatchObject({ libp2p_connmgr_denied_total: { 'accept/connection-limit': 1 } })
  })

  it('count denials while they run, and no longer: the next node of the same gater counts them itself', async () => {
    const [before, after] = [scrapedMetrics(), scrapedMetrics()]
    const { node: first, gater } = await guarded(LISTEN, { blocks: ['192.0.2.1'] }, {}, { metrics: before.metrics })
    await first.stop()
    const { node: second } = await guarded(LISTEN, {}, {}, { connectionGater: gater, metrics: after.metrics })
    mine(second)
    gater.denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/1'))
    await second.stop()
    await second.start()
    gater.denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/1'))

    expect(await before.scrape('libp2p_connmgr_denied')).toEqual({ libp2p_connmgr_denied_total: {} })
    expect(await after.scrape('libp2p_connmgr_denied')).toEqual({ libp2p_connmgr_denied_total: { 'addr-dial/blocked-address': 2 } })
  })

  it.each([
    ['where it is out of reach, say so at start, and its sockets are accepted all the same', hidden(), 1],
    ['where it is within reach, say nothing', webSockets(), 0]
  ])('guard the server of a /ws listener, and %s', async (_, transport, lines) => {
    const logger = spyLogger()
    const { node } = await guarded(['/ip4/127.0.0.1/tcp/0/ws'], {}, {}, { transports: [transport], logger } as never)
    mine(node)

    expect(logger.errors('libp2p:connmgr').filter(line => line.includes('WebSocket listener'))).toHaveLength(lines)
    expect(await isLetIn(mine(await plainNode()), node)).toBe(true)
  })
})

/** A later js-libp2p, which has moved its listener's server. */
function hidden (): (components: WebSocketsComponents) => Transport {
  return components => {
    const transport = webSockets()(components)
    const create = transport.createListener.bind(transport)

    return Object.assign(transport, {
      createListener: (options: CreateListenerOptions) => new Proxy(create(options), {
        get: (listener, name) => name === 'server' ? undefined : bound(listener, name)
      })
    })
  }
}

function bound (target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}
