import { multiaddr } from '@multiformats/multiaddr'
import { connManager } from '../../src/index.ts'
import { inMemory, startNode } from './node.ts'
import { stoppedAfter } from './stopped-after.ts'
import { until } from './until.ts'
import type { BadLink } from './bad-link.ts'
import type { ConnManager, ConnManagerInit } from '../../src/index.ts'
import type { Connection, Libp2p, PeerId, ServiceMap } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

export type Hub<T extends ServiceMap = ServiceMap> = Libp2p<T & { connManager: ConnManager }>

/** A test's hub with a manager, and those who visit it. */
export interface Fleet {
  add<N extends { stop: () => unknown }>(node: N): N

  /** In memory unless `options` name other transports. */
  hub<T extends ServiceMap>(init?: ConnManagerInit, options?: Libp2pOptions<T>): Promise<Hub<T>>
  visitor (options?: Libp2pOptions): Promise<Libp2p>

  /** New visitors, and their connections to the hub, one after the other. Resolves when the hub has them too. */
  visit (hub: Hub, count: number, options?: Libp2pOptions): Promise<Visit[]>

  /** The same over a link that can go bad, to the hub's TCP or WebSocket port. */
  visitOver (hub: Hub, link: BadLink, count: number, options: Libp2pOptions): Promise<Visit[]>
}

export interface Visit {
  readonly from: Libp2p
  readonly peerId: PeerId
  readonly connection: Connection
}

let hubs = 0

/** Everything that is started here is stopped after each test of the file. */
export function fleet (): Fleet {
  const add = stoppedAfter()

  async function hub<T extends ServiceMap> (init: ConnManagerInit = {}, options: Libp2pOptions<T> = {}): Promise<Hub<T>> {
    return add(await startNode({
      ...inMemory,
      addresses: { listen: [`/memory/hub-${++hubs}`] },
      ...options,
      services: { connManager: connManager({ gracePeriod: 0, silencePeriod: 0, ...init }), ...options.services }
    } as Libp2pOptions<T>)) as unknown as Hub<T>
  }

  async function visitor (options: Libp2pOptions = {}): Promise<Libp2p> {
    return add(await startNode({ ...inMemory, ...options }))
  }

  async function visit (to: Hub, count: number, options?: Libp2pOptions): Promise<Visit[]> {
    return visitAt(to.getMultiaddrs(), to, count, options)
  }

  async function visitOver (to: Hub, link: BadLink, count: number, options: Libp2pOptions): Promise<Visit[]> {
    return visitAt([addressOver(to, link)], to, count, options)
  }

  async function visitAt (addresses: Multiaddr[], to: Hub, count: number, options?: Libp2pOptions): Promise<Visit[]> {
    const visits: Visit[] = []

    for (let i = 0; i < count; i++) {
      const from = await visitor(options)
      const connection = await from.dial(addresses)
      await until('the hub knows the visitor', () => to.services.connManager.getTagInfo(from.peerId) != null)
      visits.push({ from, peerId: from.peerId, connection })
    }

    return visits
  }

  return { add, hub, visitor, visit, visitOver }
}

/** Peers that the hub is connected to, as strings. */
export function peersOf (hub: Libp2p): Set<string> {
  return new Set(hub.getPeers().map(String))
}

/** Which of these the hub is connected to, by their number. */
export function present (hub: Libp2p, visits: ReadonlyArray<{ peerId: PeerId }>): number[] {
  const peers = peersOf(hub)

  return [...visits.keys()].filter(i => peers.has(visits[i]!.peerId.toString()))
}

/** The port of the first address that the node listens on. */
export function portOf (node: Libp2p): number {
  return Number(/\/tcp\/(\d+)/.exec(node.getMultiaddrs().join())![1])
}

/** The node's first address, by way of the link. */
export function addressOver (node: Libp2p, link: BadLink): Multiaddr {
  return multiaddr(node.getMultiaddrs()[0]!.toString().replace(`/tcp/${portOf(node)}`, `/tcp/${link.port}`))
}
