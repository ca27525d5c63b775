import { ConnManagerPart } from '../../src/conn-manager/conn-manager.ts'
import { resolveOptions } from '../../src/conn-manager/options.ts'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { connManager } from '../../src/index.ts'
import { CrowdLedger } from '../../src/limiter/crowd-ledger.ts'
import { asConnection, mockConnection } from './mock-connection.ts'
import { peer } from './peers.ts'
import type { MockConnection, MockConnectionInit } from './mock-connection.ts'
import type { FakeClock } from '../../src/clock/fake-clock.ts'
import type { ConnManagerPorts } from '../../src/conn-manager/conn-manager.ts'
import type { ConnManager, ConnManagerEvents, ConnManagerInit } from '../../src/index.ts'
import type { Logger, Peer, PeerId, Tag } from '@libp2p/interface'

type OpenInit = Partial<Omit<MockConnectionInit, 'onEnd'>>

/** A manager on a fake clock, and the connections of its house. */
export interface MockHouse<M extends ConnManager = ConnManager> {
  readonly manager: M
  readonly clock: FakeClock

  /** All there were, in the order of their opening. */
  readonly connections: MockConnection[]

  /** Makes a connection without announcing it. By default each has a peer and a /24 of its own. */
  make (init?: OpenInit): MockConnection

  /** Makes one and announces it. */
  open (init?: OpenInit): MockConnection
  openMany (count: number, init?: OpenInit): MockConnection[]

  announce (connection: MockConnection): void
  announceEnd (connection: MockConnection): void
}

/** Through the public door, without libp2p. */
export function mockHouse (init: ConnManagerInit = {}): MockHouse {
  const clock = fakeClock()

  return houseOf(connManager({ clock, ...init })(), clock)
}

export interface PartHouse extends MockHouse<ConnManagerPart> {
  /** What was logged as an error. */
  readonly errors: unknown[][]
  readonly crowds: CrowdLedger
}

/** The part itself, with ports of one's own: a gate's trust, a peer store. */
export function partHouse (init: ConnManagerInit = {}, ports: Partial<ConnManagerPorts> = {}): PartHouse {
  const clock = fakeClock()
  const errors: unknown[][] = []
  const crowds = new CrowdLedger()
  const part = new ConnManagerPart(resolveOptions({ clock, ...init }), {
    log: spyLog(errors), trust: undefined, crowds, readPeer: undefined, ...ports
  })

  return { ...houseOf(part, clock), errors, crowds }
}

function houseOf<M extends ConnManager> (manager: M, clock: FakeClock): MockHouse<M> {
  const notifee = manager.notifee()
  const connections: MockConnection[] = []

  function make (init: OpenInit = {}): MockConnection {
    const n = connections.length
    const connection = mockConnection({
      id: `c${String(n).padStart(4, '0')}`,
      remotePeer: peer(n),
      remoteAddr: `/ip4/10.${n >> 8}.${n & 255}.1/tcp/4001`,
      onEnd: ended => { notifee.disconnected(ended) },
      ...init
    })

    connections.push(connection)
    return connection
  }

  function announce (connection: MockConnection): void { notifee.connected(asConnection(connection)) }

  function open (init?: OpenInit): MockConnection {
    const connection = make(init)
    announce(connection)
    return connection
  }

  return {
    manager,
    clock,
    connections,
    make,
    open,
    openMany: (count, init) => Array.from({ length: count }, () => open(init)),
    announce,
    announceEnd: connection => { notifee.disconnected(asConnection(connection)) }
  }
}

export function spyLog (errors: unknown[][] = []): Logger {
  const log = Object.assign(() => {}, {
    enabled: true,
    error: (...args: unknown[]) => { errors.push(args) },
    trace () {},
    newScope: () => log
  }) as unknown as Logger

  return log
}

/** Ids of those that are still open. */
export function openOnes (connections: readonly MockConnection[]): string[] {
  return connections.filter(connection => connection.status === 'open').map(({ id }) => id)
}

export function ids (connections: ReadonlyArray<{ id: string }>): string[] {
  return connections.map(({ id }) => id)
}

/** Details of all events of this type, from now on. */
export function heard<T extends keyof ConnManagerEvents> (manager: ConnManager, type: T): Array<ConnManagerEvents[T]['detail']> {
  const details: Array<ConnManagerEvents[T]['detail']> = []
  manager.addEventListener(type, event => { details.push(event.detail) })
  return details
}

/** The detail of the next event of this type. */
export async function next<T extends keyof ConnManagerEvents> (manager: ConnManager, type: T): Promise<ConnManagerEvents[T]['detail']> {
  const { promise, resolve } = Promise.withResolvers<ConnManagerEvents[T]['detail']>()
  manager.addEventListener(type, event => { resolve(event.detail) }, { once: true })
  return promise
}

/** A peer as the peer store tells of it. */
export function storedPeer (id: PeerId, tags: Record<string, number | { value: number, expiry: number }>): Peer {
  const entries = Object.entries(tags).map(([name, tag]): [string, Tag] => [name, typeof tag === 'number' ? { value: tag } : tag])

  return { id, addresses: [], protocols: [], metadata: new Map(), tags: new Map(entries) }
}
