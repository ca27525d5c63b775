import type { Client, IpClient } from '../address/client-key.ts'
import type { Crowd } from '../limiter/crowd-ledger.ts'
import type { Lease } from '../limiter/lease.ts'
import type { Place } from '../limiter/ports.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { PeerId } from '@libp2p/interface'

export type Direction = 'inbound' | 'outbound'

/**
 * - `pending`: upgrading
 * - `open`: upgraded, it is a `Connection`
 * - `closing`: the connection is closed or was refused, its socket is not gone yet
 * - `gone`: holds nothing
 */
export type HeldState = 'pending' | 'open' | 'closing' | 'gone'

/** How a socket is ended at once. */
export type End = (why: Error) => void

export interface HeldInit {
  readonly client: Client
  readonly direction: Direction
  /** Steady ms. */
  readonly since: number
  readonly end: End
}

/** A connection that is counted, from the turn in which it was first seen until its socket is gone. Its ledger writes what it holds. */
export class Held {
  readonly client: Client
  readonly direction: Direction
  /** Steady ms. */
  readonly since: number
  end: End
  state: HeldState = 'pending'

  /** Of the client's address; absent where it has none. */
  lease: Lease | undefined = undefined
  crowd: Crowd | undefined = undefined
  pendingCrowd: Crowd | undefined = undefined

  /** What a connection shares with the socket it was made of. */
  timeline: object | undefined = undefined

  /** Once it is secured. */
  peer: PeerId | undefined = undefined
  peerText: string | undefined = undefined
  place: Place | undefined = undefined

  /** Why it would have been refused, had not a protected or trusted peer last come from its address. */
  excuse: Denied | undefined = undefined

  /** A socket of a listener holds the place, and gives it back: the connection over it closes before its socket does. */
  isOfSocket = false

  constructor ({ client, direction, since, end }: HeldInit) {
    this.client = client
    this.direction = direction
    this.since = since
    this.end = end
  }

  get ip (): IpClient['ip'] | undefined {
    return this.client.kind === 'ip' ? this.client.ip : undefined
  }
}
