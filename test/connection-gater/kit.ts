import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { fakeClock } from '../../src/testing.ts'
import { makeGater } from '../../src/connection-gater/connection-gater.ts'
import { gatePort } from '../../src/limiter/ports.ts'
import { EMPTY } from '../support/empty.ts'
import type { GaterEdge, GaterWithPort } from '../../src/connection-gater/connection-gater.ts'
import type { ConnectionGaterInit, Denial, GaterBan } from '../../src/index.ts'
import type { FakeClock } from '../../src/testing.ts'
import type { Gate, House, Place } from '../../src/limiter/ports.ts'
import type { Connection, MultiaddrConnection, PeerId } from '@libp2p/interface'

/** A few peers, made once: keys are slow. */
export const PEERS: readonly PeerId[] = await Promise.all(Array.from({ length: 6 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
export const [ALICE, BOB, CAROL, RELAY, MALLORY] = PEERS as unknown as [PeerId, PeerId, PeerId, PeerId, PeerId]

const log = defaultLogger().forComponent('test')

export type Socket = MultiaddrConnection & { aborts: Error[], websocket?: FakeWebSocket, die: (init?: { local?: boolean, error?: Error }) => void }

/** As js-libp2p's own at run time, as far as a gater looks. */
class FakeSocket extends EventTarget {
  status = 'open'
  readonly timeline = { open: 0 }
  readonly remoteAddr
  readonly direction
  readonly aborts: Error[] = []
  readonly websocket: FakeWebSocket | undefined
  sendReset: (() => void) | undefined = undefined

  constructor (address: string, direction: 'inbound' | 'outbound', websocket: FakeWebSocket | undefined) {
    super()
    this.remoteAddr = multiaddr(address)
    this.direction = direction
    this.websocket = websocket
  }

  abort (error: Error): void {
    if (this.status !== 'open') return
    this.aborts.push(error)
    this.status = 'aborted'
    this.sendReset?.()
    this.die({ local: true, error })
  }

  /** As often as it is called: some transports say twice that they have closed. */
  die ({ local, error }: { local?: boolean, error?: Error } = {}): void {
    if (this.status === 'open') this.status = 'closed'
    this.dispatchEvent(Object.assign(new Event('close'), { local, error }))
  }
}

export class FakeWebSocket extends EventTarget {
  readyState = 1
  terminated = 0
  closed = 0

  close (): void {
    this.closed++
    this.readyState = 2
  }

  terminate (): void {
    this.terminated++
    this.readyState = 2
  }

  /** The socket under it is gone. */
  gone (): void {
    this.readyState = 3
    this.dispatchEvent(new Event('close'))
  }
}

export function socket (address = '/ip4/192.0.2.1/tcp/1', direction: 'inbound' | 'outbound' = 'inbound'): Socket {
  return new FakeSocket(address, direction, address.includes('/ws') ? new FakeWebSocket() : undefined) as unknown as Socket
}

export function connectionOver (socket: Socket, peer: PeerId): Connection {
  return { remotePeer: peer, remoteAddr: socket.remoteAddr, timeline: socket.timeline, direction: socket.direction, status: 'open' } as unknown as Connection
}

export interface Bench {
  readonly gater: GaterWithPort
  readonly gate: Gate
  readonly clock: FakeClock
  readonly denials: Denial[]
  readonly bans: GaterBan[]
}

/** A gater on a clock that moves by hand, and what it said. No network is exempt, and the lot always falls on the first. */
export function bench (init: ConnectionGaterInit = {}, edge: Partial<GaterEdge> = {}): Bench {
  const clock = fakeClock()
  const gater = makeGater({ clock, networks: {}, ...init }, { log, random: () => 0, ...edge })
  const denials: Denial[] = []
  const bans: GaterBan[] = []

  gater.addEventListener('deny', ({ detail }) => { denials.push(detail) })
  gater.addEventListener('ban', ({ detail }) => { bans.push(detail) })
  return { gater, gate: gater[gatePort], clock, denials, bans }
}

/** Through all of its stages. @returns where it was denied, or open */
export function enter (gater: GaterWithPort, socket: Socket, peer: PeerId): 'accept' | 'secured' | 'upgraded' | 'open' {
  if (gater.denyInboundConnection(socket) === true) return 'accept'
  if (gater.denyInboundEncryptedConnection(peer, socket) === true) return 'secured'
  return gater.denyInboundUpgradedConnection(peer, socket) === true ? 'upgraded' : 'open'
}

/** A house with so many places, which tells what was asked of it. */
export class FakeHouse implements House {
  full = false
  readonly protectedPeers = new Set<string>()
  readonly log: string[] = []

  isProtected (peer: PeerId): boolean {
    return this.protectedPeers.has(peer.toString())
  }

  atAccept (_: unknown, favoured: boolean) {
    this.log.push(favoured ? 'accept favoured' : 'accept')
    return this.full && !favoured ? { allow: false, action: 'close', reason: 'contest-rate' } as const : undefined
  }

  trustLost (): void {
    this.log.push('trust lost')
  }

  /** What becomes of the house meanwhile; by default there is nothing to recall. */
  recalled: Promise<void> | undefined = undefined

  recall (): Promise<void> | undefined {
    if (this.recalled != null) this.log.push('recall')
    return this.recalled
  }

  reserve ({ trusted, direction }: { trusted: boolean, direction: string }): Place | { allow: false, action: 'close', reason: 'hard-limit' } {
    this.log.push(`reserve ${direction}${trusted ? ' trusted' : ''}`)
    if (this.full && !trusted) return { allow: false, action: 'close', reason: 'hard-limit' }

    return {
      allow: true,
      take: () => { this.log.push('take') },
      giveBack: () => { this.log.push('give back') }
    }
  }
}

/** Nothing is held, anywhere. */
export const NOTHING = { connections: 0, open: { inbound: 0, outbound: 0 }, pending: { inbound: 0, outbound: 0 }, closing: 0, clients: EMPTY, transports: EMPTY, peers: 0 }
