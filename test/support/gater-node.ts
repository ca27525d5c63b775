import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connectionGater, connectionManagerDefaults, connManager } from '../../src/index.ts'
import type { ConnectionGater, ConnectionGaterInit, ConnManager, ConnManagerInit } from '../../src/index.ts'
import type { Libp2p, ServiceMap } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

export type GuardedNode = Libp2p<{ connManager: ConnManager }>

export interface Guarded {
  readonly node: GuardedNode
  readonly gater: ConnectionGater
}

export const BASE = {
  transports: [tcp(), webSockets(), memory()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false }
}

/** What a node needs to come and go through a relay. */
export const RELAYED = {
  transports: [...BASE.transports, circuitRelayTransport()],
  services: { identify: identify() }
}

/** As a user would set it up: our gater, our manager, js-libp2p's own limits lifted. No network is exempt unless it is given. */
export async function guarded (listen: string[], gaterInit: ConnectionGaterInit = {}, managerInit: ConnManagerInit = {}, options: Libp2pOptions<ServiceMap> = {}): Promise<Guarded> {
  const gater = connectionGater({ networks: {}, ...gaterInit })
  const node = await createLibp2p({
    ...BASE,
    addresses: { listen },
    connectionGater: gater,
    connectionManager: connectionManagerDefaults,
    ...options,
    services: { connManager: connManager(managerInit), ...options.services }
  } as Libp2pOptions<{ connManager: ConnManager }>)

  return { node, gater }
}

export async function relay (options: Libp2pOptions<ServiceMap> = {}): Promise<Libp2p> {
  return createLibp2p({
    ...BASE,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: RELAYED.transports,
    services: { identify: identify(), relay: circuitRelayServer() },
    ...options
  } as Libp2pOptions<ServiceMap>)
}

export async function plainNode (options: Libp2pOptions<ServiceMap> = {}): Promise<Libp2p> {
  return createLibp2p({ ...BASE, ...options } as Libp2pOptions<ServiceMap>)
}

/** From `127.x.y.z`, without encryption where many are to come. */
export async function visitorFrom (localAddress: string, options: Libp2pOptions<ServiceMap> = {}): Promise<Libp2p> {
  return plainNode({ transports: [tcp({ dialOpts: { localAddress } as never }), webSockets(), memory()], ...options })
}
