import { formatCidr, parseCidr } from '../address/cidr.ts'
import { formatIp } from '../address/ip.ts'
import { parseAddress } from '../address/parse-address.ts'
import { blockList } from '../limiter/block-list.ts'
import { deny } from '../limiter/denial.ts'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkDurationOrNever, checkReason } from '../limiter/options.ts'
import { PeerRules } from './peer-rules.ts'
import { isPeerId } from '@libp2p/interface'
import type { BlockOptions } from './contract.ts'
import type { Client } from '../address/client-key.ts'
import type { Ip } from '../address/ip.ts'
import type { Clock } from '../clock/clock.ts'
import type { BlockRule } from '../limiter/block-list-contract.ts'
import type { ConnectionCore } from '../limiter/connection-core.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { PeerId } from '@libp2p/interface'

/** Which rules are in force: blocks of peers, addresses and subnets, and trust in them. No store, no sockets, no events. */
export class Lists {
  readonly #clock: Clock
  readonly #core: ConnectionCore
  readonly #peers: PeerRules
  readonly #addresses: ReturnType<typeof blockList>
  readonly #trustedPeers = new Map<string, PeerId>()
  /** What the clock said to who adds a range: the list's end of it is his own, to the millisecond. */
  #reading: number | undefined

  constructor (core: ConnectionCore, capacity: number, clock: Clock) {
    this.#clock = clock
    this.#core = core
    this.#peers = new PeerRules(capacity)
    this.#addresses = blockList({ capacity, clock: { now: () => this.#reading ?? clock.now(), after: (delay, callback) => clock.after(delay, callback) } })
  }

  /** Why this client is refused whoever it is: its address or subnet, or the relay that it comes through. */
  blockedClient (client: Client): Denied | undefined {
    if (client.kind === 'ip') return this.blockedIp(client.ip)
    return client.kind === 'relay' ? this.blockedPeer(client.relay) : undefined
  }

  blockedIp (ip: Ip): Denied | undefined {
    const rule = this.#addresses.match(ip)
    if (rule == null) return undefined

    return deny({
      action: 'close',
      reason: rule.range.includes('/') ? 'blocked-subnet' : 'blocked-address',
      retryAfter: rule.until == null ? undefined : rule.until - this.#clock.now(),
      key: rule.range
    })
  }

  blockedPeer (peer: string): Denied | undefined {
    if (this.#peers.size === 0) return undefined
    const now = this.#clock.now()
    const rule = this.#peers.find(peer, now)

    return rule == null ? undefined : deny({ action: 'close', reason: 'blocked-peer', retryAfter: rule.until - now, key: peer })
  }

  /** @param now - from when on, as the clock has just said */
  blockPeer (peer: PeerId, { ttl = Infinity, reason }: BlockOptions, now = this.#clock.now()): boolean {
    return this.#peers.add(checkPeer(peer), checkDurationOrNever('ttl', ttl), now, checkReason(reason))
  }

  unblockPeer (peer: PeerId): boolean {
    return this.#peers.delete(peer.toString(), this.#clock.now())
  }

  blockedPeers () {
    return this.#peers.list(this.#clock.now())
  }

  /** @param now - from when on, as the clock has just said */
  blockRange (cidr: string, { ttl, reason }: BlockOptions, now = this.#clock.now()): boolean {
    this.#reading = now
    try {
      return this.#addresses.blockSubnet(cidr, { ...ttl !== undefined && { ttl }, ...reason != null && { reason } })
    } finally {
      this.#reading = undefined
    }
  }

  unblockRange (cidr: string): boolean {
    return this.#addresses.unblockSubnet(cidr)
  }

  blockedRanges (): BlockRule[] {
    return this.#addresses.rules()
  }

  get trustsAnybody (): boolean {
    return this.#trustedPeers.size > 0 || this.#core.trust.size > 0
  }

  /** A trusted relay's clients are not trusted for it. */
  trustsClient (client: Client): boolean {
    return client.kind === 'ip' && this.#core.trust.has(client.ip)
  }

  trustsPeer (peer: string): boolean {
    return this.#trustedPeers.size > 0 && this.#trustedPeers.has(peer)
  }

  trustPeer (peer: PeerId): boolean {
    const text = checkPeer(peer).toString()
    if (this.#trustedPeers.has(text)) return false

    this.#trustedPeers.set(text, peer)
    return true
  }

  untrustPeer (peer: PeerId): boolean {
    return this.#trustedPeers.delete(checkPeer(peer).toString())
  }

  trustedPeers (): PeerId[] {
    return [...this.#trustedPeers.values()]
  }

  trustRange (cidr: string): boolean {
    return this.#core.addTrust(cidr)
  }

  untrustRange (cidr: string): boolean {
    return this.#core.dropTrust(cidr)
  }

  trustedRanges (): string[] {
    return this.#core.trust.list()
  }
}

/** @throws InvalidOptionError */
export function checkPeer (value: unknown): PeerId {
  if (isPeerId(value)) return value
  throw new InvalidOptionError('peer', 'a peer id', value)
}

/** The one text of an address. @throws InvalidAddressError */
export function checkAddress (text: unknown): string {
  return formatIp(parseAddress(text))
}

/** The one text of a range. @throws InvalidAddressError */
export function checkSubnet (text: string): string {
  return formatCidr(parseCidr(text))
}

/** A range of one address is written, and so listed, as that address. */
export function isAddress (range: string): boolean {
  return !range.includes('/')
}
