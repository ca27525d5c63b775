import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { describe, expect, it } from 'vitest'
import { connManager } from '../../src/index.ts'
import { fleet, peersOf } from '../support/fleet.ts'
import { tagClosestPeers } from '../support/inside.ts'
import { startNode, inMemory } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { ConnManager } from '../../src/index.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import type { KadDHT } from '@libp2p/kad-dht'
import type { Libp2p } from '@libp2p/interface'

interface Overlays extends Record<string, unknown> {
  dht: KadDHT
  pubsub: GossipSub
}

type Hub = Libp2p<Overlays & { connManager: ConnManager }>

const TOPIC = 'news'
const { add, visitor } = fleet()

const overlays = {
  identify: identify(),
  ping: ping(),
  dht: kadDHT({ protocol: '/test/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper }),
  pubsub: gossipsub({ heartbeatInterval: 100, allowPublishToZeroTopicPeers: true })
}
const manager = connManager({ lowWater: 8, highWater: 12, hardLimit: 60, gracePeriod: 0, silencePeriod: 0 })

let addresses = 0

async function start<T extends Record<string, unknown>> (services: T): Promise<Libp2p<Overlays & { connManager: ConnManager }>> {
  const node = await startNode({ ...inMemory, addresses: { listen: [`/memory/core-${++addresses}`] }, services: services as never })
  return add(node) as unknown as Hub
}

/** Six peers that the hub's DHT has as its closest, and its mesh. */
async function surround (hub: Hub): Promise<Hub[]> {
  const core = await Promise.all(Array.from({ length: 6 }, async () => start(overlays)))
  hub.services.pubsub.subscribe(TOPIC)

  for (const peer of core) {
    peer.services.pubsub.subscribe(TOPIC)
    await peer.dial(hub.getMultiaddrs())
  }

  await until('everybody is tagged', async () => {
    await tagClosestPeers(hub.services.dht)
    return core.every(({ peerId }) => isCore(hub, peerId))
  })
  return core
}

function isCore (hub: Hub, peerId: Libp2p['peerId']): boolean {
  const tags = hub.services.connManager.getTagInfo(peerId)?.tags

  return tags?.[TOPIC] === 100 && tags['kad-close'] === 50 && tags['kad-peer'] === 1
}

/** Strangers in waves of 20, each with more app streams than a core peer has; every other one leaves by itself. */
async function flood (hub: Hub, waves: number): Promise<void> {
  await hub.handle('/app/1.0.0', () => {})

  for (let wave = 0; wave < waves; wave++) {
    const junk = await Promise.all(Array.from({ length: 20 }, async () => visitor()))
    await Promise.all(junk.map(async from => pretendToBeBusy(from, hub)))
    await Promise.all(junk.filter((_, i) => i % 2 === 0).map(async from => from.stop()))
  }
}

async function pretendToBeBusy (from: Libp2p, hub: Hub): Promise<void> {
  // a trim may come in between, or before the dial has ended: nobody has grace here
  const connection = await from.dial(hub.getMultiaddrs()).catch(() => undefined)

  await Promise.allSettled(Array.from({ length: 8 }, async () => connection?.newStream('/app/1.0.0')))
}

describe('a hub with kad-dht and gossipsub', () => {
  it.each([
    ['before', { ...overlays, connManager: manager }],
    ['after', { connManager: manager, ...overlays }]
  ])('keeps its mesh and its closest peers while 200 strangers come and go, with those services %s the manager', async (_, services) => {
    const hub = await start(services)
    const core = await surround(hub)
    const left: string[] = []
    hub.addEventListener('peer:disconnect', ({ detail }) => { left.push(detail.toString()) })
    let trimmed = 0
    hub.services.connManager.addEventListener('trim', ({ detail }) => { trimmed += detail.closed })

    await flood(hub, 10)
    await until('the count is between the marks', () => hub.getConnections().length <= 12)

    expect(trimmed).toBeGreaterThan(50)
    expect(core.map(({ peerId }) => left.includes(peerId.toString()))).toEqual(core.map(() => false))
    expect(core.map(({ peerId }) => peersOf(hub).has(peerId.toString()))).toEqual(core.map(() => true))
    expect(core.map(({ peerId }) => isCore(hub, peerId))).toEqual(core.map(() => true))
  })
})
