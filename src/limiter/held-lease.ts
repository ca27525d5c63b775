import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { SHOWN } from './shown.ts'
import type { Ip } from '../address/ip.ts'
import type { Lease } from './lease.ts'
import type { NetworkCap } from './network-caps.ts'
import type { PrefixPlaces } from './prefix-ledger.ts'

/** The key of all remotes without an IP address that can be read. */
export const UNKNOWN_KEY = '(unknown)'

export interface LeaseOwner {
  /** Once for each lease. */
  release (lease: HeldLease): void
}

/** What it holds, and its place in the ring of all that are open, is its owner's to read and write. */
export class HeldLease implements Lease {
  readonly ip: Ip | undefined
  readonly since: number
  places: PrefixPlaces = -1
  cap: NetworkCap | undefined = undefined
  isApart = false
  isUncounted = false
  next: HeldLease = this
  previous: HeldLease = this
  #owner: LeaseOwner | undefined

  constructor (owner: LeaseOwner | undefined, ip: Ip | undefined, since: number) {
    this.#owner = owner
    this.ip = ip
    this.since = since
  }

  get key (): string {
    return this.ip == null ? UNKNOWN_KEY : formatPrefix(this.ip, CLIENT_PREFIX_LENGTH[this.ip.family])
  }

  get released (): boolean {
    return this.#owner == null
  }

  release (): boolean {
    const owner = this.#owner
    if (owner == null) return false

    this.#owner = undefined
    owner.release(this)
    return true
  }

  [Symbol.dispose] (): void {
    this.release()
  }

  [SHOWN] (): object {
    return { key: this.key, since: this.since, released: this.released }
  }
}
