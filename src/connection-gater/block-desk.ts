import { parseCidr, cidrContains } from '../address/cidr.ts'
import { parseIp } from '../address/ip.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { checkAddress, checkPeer, checkSubnet, ipOf, isAddress } from './lists.ts'
import { Persistence } from './persistence.ts'
import type { BlockedAddress, BlockedPeer, BlockedSubnet, BlockOptions, Blocked, GaterBan } from './contract.ts'
import type { Held } from './held.ts'
import type { Lives } from './lives.ts'
import type { GaterParts } from './parts.ts'
import type { RuleStore, StoredRule } from './rule-store.ts'
import type { BlockRule } from '../limiter/block-list.ts'
import type { Logger, PeerId } from '@libp2p/interface'

export interface BlockDeskInit {
  readonly parts: GaterParts
  readonly lives: Lives
  readonly store: RuleStore | undefined
  readonly timeout: () => number
  readonly log: Logger
}

/**
 * The life of blocks and bans: in force at once, then stored, and what is open is closed; lifted in the store first. Automatic bans are stored
 * and forgotten in the background.
 */
export class BlockDesk {
  readonly #parts: GaterParts
  readonly #lives: Lives
  readonly persistence: Persistence

  constructor ({ parts, lives, store, timeout, log }: BlockDeskInit) {
    this.#parts = parts
    this.#lives = lives
    this.persistence = new Persistence({ store, timeout, log, clock: parts.clock, apply: rule => { this.#apply(rule) } })

    parts.desk.onBan.add(ban => {
      this.#shutOut(ban)
      this.persistence.inBackground(this.persistence.put(ruleOf(ban)))
    })
    parts.desk.onUnban.add(ban => { this.persistence.inBackground(this.persistence.delete(ruleOf(ban))) })
  }

  /** Rules given at construction: they come again with every start, and are not stored. */
  seed (blocks: ReadonlyArray<string | PeerId>, trust: ReadonlyArray<string | PeerId>): void {
    const { lists } = this.#parts

    for (const block of blocks) {
      if (typeof block === 'string') lists.blockRange(block, {})
      else lists.blockPeer(block, {})
    }
    for (const trusted of trust) {
      if (typeof trusted === 'string') lists.trustRange(trusted)
      else lists.trustPeer(trusted)
    }
  }

  async blockPeer (peer: PeerId, options: BlockOptions = {}): Promise<boolean> {
    const changed = this.#parts.lists.blockPeer(peer, options)
    if (options.closeExisting !== false) this.#closePeer(peer.toString())

    const known = changed ? undefined : this.#parts.lists.blockedPeers().find(rule => rule.peer.equals(peer))
    await this.#store({ list: 'block', kind: 'peer', value: peer.toString() }, options, changed, known)
    return changed
  }

  async unblockPeer (peer: PeerId): Promise<boolean> {
    const value = checkPeer(peer).toString()

    await this.persistence.load()
    await this.persistence.delete({ list: 'block', kind: 'peer', value })
    const wasBlocked = this.#parts.lists.unblockPeer(peer)
    return this.#parts.desk.lift({ peer }) || wasBlocked
  }

  async blockAddress (ip: string, options?: BlockOptions): Promise<boolean> {
    return this.#blockRange(checkAddress(ip), options)
  }

  async unblockAddress (ip: string): Promise<boolean> {
    return this.#unblockRange(checkAddress(ip))
  }

  async blockSubnet (cidr: string, options?: BlockOptions): Promise<boolean> {
    return this.#blockRange(checkSubnet(cidr), options)
  }

  async unblockSubnet (cidr: string): Promise<boolean> {
    return this.#unblockRange(checkSubnet(cidr))
  }

  blockedPeers (): BlockedPeer[] {
    return this.#parts.lists.blockedPeers().map(({ peer, until, reason }) => ({
      peer,
      ...until !== Infinity && { until },
      ...reason != null && { reason },
      persisted: this.persistence.isStored({ list: 'block', kind: 'peer', value: peer.toString() })
    }))
  }

  blockedAddresses (): BlockedAddress[] {
    return this.#ranges(isAddress).map(rule => ({ address: rule.range, ...this.#describe(rule) }))
  }

  blockedSubnets (): BlockedSubnet[] {
    return this.#ranges(range => !isAddress(range)).map(rule => ({ subnet: rule.range, ...this.#describe(rule) }))
  }

  async #blockRange (range: string, options: BlockOptions = {}): Promise<boolean> {
    const changed = this.#parts.lists.blockRange(range, options)
    if (options.closeExisting !== false) this.#closeRange(range)

    const known = changed ? undefined : this.#parts.lists.blockedRanges().find(rule => rule.range === range)
    await this.#store({ list: 'block', kind: kindOf(range), value: range }, options, changed, known)
    return changed
  }

  async #unblockRange (range: string): Promise<boolean> {
    // A rule that is still to be loaded would be back a moment later.
    await this.persistence.load()
    await this.persistence.delete({ list: 'block', kind: kindOf(range), value: range })

    const wasBlocked = this.#parts.lists.unblockRange(range)
    const ip = ipOf(range) ?? parseCidr(range).ip
    return this.#liftOf(range, ip) || wasBlocked
  }

  /** An address lifts the ban of its client; a subnet those of all clients in it. */
  #liftOf (range: string, ip: NonNullable<ReturnType<typeof ipOf>>): boolean {
    const { desk } = this.#parts
    if (isAddress(range)) return desk.lift({ ip })

    const subnet = parseCidr(range)
    const banned = desk.bans().flatMap(ban => ban.ip == null ? [] : [parseIp(ban.ip)!]).filter(ip => cidrContains(subnet, ip))
    return banned.map(ip => desk.lift({ ip })).includes(true)
  }

  /** What is in force already, and in the store, need not be stored; what could not be stored before is tried again. */
  async #store (rule: Pick<StoredRule, 'list' | 'kind' | 'value'>, { ttl, reason }: BlockOptions, changed: boolean, known: { until?: number, reason?: string | undefined } | undefined): Promise<void> {
    if (!changed && (known == null || this.persistence.isStored(rule))) return
    const until = changed ? (ttl == null ? Infinity : this.#parts.clock.now() + ttl) : known?.until ?? Infinity
    const why = changed ? reason : known?.reason

    await this.persistence.put({ ...rule, ...until !== Infinity && { until }, ...why != null && { reason: why } })
  }

  #apply ({ list, kind, value, until, reason }: StoredRule): void {
    const { lists, desk, clock } = this.#parts
    const options = { ...until != null && { ttl: until - clock.now() }, ...reason != null && { reason } }

    if (list === 'ban') {
      desk.restore(kind === 'peer' ? { peer: peerIdFromString(value) } : { ip: parseCidr(value).ip }, until ?? Infinity, reason)
    } else if (kind === 'peer') {
      lists.blockPeer(peerIdFromString(value), options)
      this.#closePeer(value)
    } else {
      lists.blockRange(value, options)
      this.#closeRange(value)
    }
  }

  #closePeer (peer: string): void {
    for (const held of this.#parts.held.listOfPeer(peer)) this.#lives.end(held)
    for (const held of this.#parts.held.list()) if (held.client.kind === 'relay' && held.client.relay === peer) this.#lives.end(held)
  }

  #closeRange (range: string): void {
    const subnet = parseCidr(range)

    this.#closeWhere(held => held.ip != null && cidrContains(subnet, held.ip))
  }

  /**
   * A banned address may be a network full of people: only what is still pending goes, of them who are no friends. Of a banned peer, too; what
   * offended is closed by who reports it.
   */
  #shutOut ({ ip, peer, key }: GaterBan): void {
    const range = ip == null ? undefined : parseCidr(key)

    this.#closeWhere(held => held.state === 'pending' && !held.isFree && !this.#isFriend(held.peer) &&
      (range == null ? held.peer != null && peer?.equals(held.peer) === true : held.ip != null && held.direction === 'inbound' && cidrContains(range, held.ip)))
  }

  #isFriend (peer: PeerId | undefined): boolean {
    const { lists, house } = this.#parts
    return peer != null && (lists.trustsPeer(peer.toString()) || house?.isProtected(peer) === true)
  }

  #closeWhere (isMeant: (held: Held) => boolean): void {
    for (const held of this.#parts.held.list()) if (isMeant(held)) this.#lives.end(held)
  }

  #ranges (isWanted: (range: string) => boolean): BlockRule[] {
    return this.#parts.lists.blockedRanges().filter(({ range }) => isWanted(range))
  }

  #describe ({ range, until, reason }: BlockRule): Blocked {
    return {
      ...until != null && { until },
      ...reason != null && { reason },
      persisted: this.persistence.isStored({ list: 'block', kind: kindOf(range), value: range })
    }
  }
}

function kindOf (range: string): 'address' | 'subnet' {
  return isAddress(range) ? 'address' : 'subnet'
}

function ruleOf ({ key, peer, until, reason }: GaterBan): StoredRule {
  return {
    list: 'ban',
    kind: peer == null ? kindOf(key) : 'peer',
    value: key,
    ...until !== Infinity && { until },
    ...reason != null && { reason }
  }
}
