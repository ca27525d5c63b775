import { parseCidr, cidrContains } from '../address/cidr.ts'
import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { checkArray, checkFlag, checkNames } from '../limiter/options.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { checkAddress, checkPeer, checkSubnet, isAddress } from './lists.ts'
import { NewRules } from './new-rules.ts'
import { isFree } from './parts.ts'
import { Persistence } from './persistence.ts'
import type { BlockedAddress, BlockedPeer, BlockedSubnet, BlockOptions, Blocked } from './contract.ts'
import type { Lives } from './lives.ts'
import type { GaterParts } from './parts.ts'
import type { RuleKey, RuleTerms } from './persistence.ts'
import type { Offender } from './risk-desk.ts'
import type { RuleStore, StoredRule } from './rule-store.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip } from '../address/ip.ts'
import type { BlockRule } from '../limiter/block-list-contract.ts'
import type { Logger, PeerId } from '@libp2p/interface'

const BLOCK_OPTIONS: Readonly<Record<keyof BlockOptions, true>> = { ttl: true, reason: true, closeExisting: true }

/** What the lists of a gater's making are of. */
const RULES = 'addresses, CIDRs and peer ids'

/** What a block of peers and one of ranges do in their own way. */
interface Blocking {
  /** @returns whether anything changed */
  readonly add: (options: BlockOptions, now: number) => boolean
  readonly find: () => { readonly until?: number, readonly reason?: string | undefined } | undefined
  readonly close: () => void
}

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
    this.persistence = new Persistence({ store, timeout, log, clock: parts.clock, apply: (rules, onUnusable) => { this.#applyAll(rules, onUnusable) } })

    parts.desk.onBan.add(ban => {
      // Strangers get themselves banned as often as they like, each for some sockets: nobody is looked at whom a ban can not mean.
      this.#close(new NewRules().ban(ban), ban.peer == null ? [...parts.held.waiting] : parts.held.listOfPeer(ban.peer.toString()))
      this.persistence.inBackground(this.persistence.put(banKey(ban.key, ban.peer != null), () => termsOf(ban.until, ban.reason)))
    })
  }

  /** Rules given at construction: they come again with every start, and are not stored. */
  seed (blocks: ReadonlyArray<string | PeerId>, trust: ReadonlyArray<string | PeerId>): void {
    const { lists } = this.#parts
    // All of it is read first: a limiter that others share keeps what it is told.
    const friends = checkArray('trust', trust, RULES).map(one => typeof one === 'string' ? checkSubnet(one) : checkPeer(one))

    for (const block of checkArray('blocks', blocks, RULES)) {
      if (typeof block === 'string') lists.blockRange(block, {})
      else lists.blockPeer(block, {})
    }
    for (const friend of friends) {
      if (typeof friend === 'string') lists.trustRange(friend)
      else lists.trustPeer(friend)
    }
  }

  async blockPeer (peer: PeerId, options: BlockOptions = {}): Promise<boolean> {
    const { lists } = this.#parts

    return this.#block({ list: 'block', kind: 'peer', value: checkPeer(peer).toString() }, options, {
      add: (options, now) => lists.blockPeer(peer, options, now),
      find: () => lists.blockedPeers().find(rule => rule.peer.equals(peer)),
      close: () => { this.#close(new NewRules().blockPeer(peer.toString())) }
    })
  }

  async unblockPeer (peer: PeerId): Promise<boolean> {
    const value = checkPeer(peer).toString()
    const unblocking = this.persistence.delete({ list: 'block', kind: 'peer', value }, () => this.#parts.lists.unblockPeer(peer))

    return changedAny([unblocking, this.#lift({ key: value, peer })])
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
      ...termsOf(until, reason),
      persisted: this.persistence.isStored({ list: 'block', kind: 'peer', value: peer.toString() }, until)
    }))
  }

  blockedAddresses (): BlockedAddress[] {
    return this.#ranges(isAddress).map(rule => ({ address: rule.range, ...this.#describe(rule) }))
  }

  blockedSubnets (): BlockedSubnet[] {
    return this.#ranges(range => !isAddress(range)).map(rule => ({ subnet: rule.range, ...this.#describe(rule) }))
  }

  async #blockRange (range: string, options: BlockOptions = {}): Promise<boolean> {
    const { lists } = this.#parts

    return this.#block({ list: 'block', kind: kindOf(range), value: range }, options, {
      add: (options, now) => lists.blockRange(range, options, now),
      find: () => lists.blockedRanges().find(rule => rule.range === range),
      close: () => { this.#close(new NewRules().blockRange(range)) }
    })
  }

  /** An address lifts the ban of its client; a subnet those of all clients that lie in it. */
  async #unblockRange (range: string): Promise<boolean> {
    const unblocking = this.persistence.delete({ list: 'block', kind: kindOf(range), value: range }, () => this.#parts.lists.unblockRange(range))
    const subnet = parseCidr(range)
    const { ip } = subnet
    if (isAddress(range)) return changedAny([unblocking, this.#lift({ key: formatPrefix(ip, CLIENT_PREFIX_LENGTH[ip.family]), ip })])

    // Those that are still to be loaded, too. One after the other: a store that is slow has its time for each.
    let changed = await unblocking
    this.persistence.liftUnread(rule => isBanOfAddress(rule) && containsIfAny(subnet, rule.value))
    for (const ban of this.#bansIn(subnet)) if (await this.#lift(ban)) changed = true
    return changed
  }

  /** From the store first, whether or not it is known to be there: it may come with the next start. @returns whether there was one */
  async #lift ({ key, ...offender }: Offender & { readonly key: string }): Promise<boolean> {
    return this.persistence.delete(banKey(key, 'peer' in offender), () => this.#parts.desk.lift(offender))
  }

  /** In force or only stored, as those are that found no place when they were loaded: they would find one with the next start. */
  #bansIn (subnet: Cidr): Array<{ readonly key: string, readonly ip: Ip }> {
    const inForce = this.#parts.desk.bans().flatMap(({ key, peer }) => peer == null ? [key] : [])
    const stored = this.persistence.stored.flatMap(rule => isBanOfAddress(rule) ? [rule.value] : [])

    return [...new Set([...inForce, ...stored])].filter(key => containsIfAny(subnet, key)).map(key => ({ key, ip: parseCidr(key).ip }))
  }

  /** In force at once, and then once more when its turn to be stored has come: an unblock that was called before may have lifted it by then. */
  async #block (key: RuleKey, options: BlockOptions, { add, find, close }: Blocking): Promise<boolean> {
    const { ttl = Infinity, reason, closeExisting = true } = checkNames('options', options, BLOCK_OPTIONS) as BlockOptions
    checkFlag('closeExisting', closeExisting)
    const { clock, age } = this.#parts
    const start = clock.now()
    // Steady: what a clock that jumps back does before its turn has come makes it no longer.
    const end = age.at(start) + ttl
    let changed = add(optionsOf({ ttl, reason }), start)
    if (closeExisting) close()

    await this.persistence.put(key, () => {
      const now = clock.now()
      const left = end - age.at(now)
      if (left > 0 && add(optionsOf({ ttl: left, reason }), now)) changed = true

      if (changed) return left > 0 ? termsOf(now + left, reason) : undefined
      // What could not be stored before is tried again.
      const known = this.persistence.isStored(key) ? undefined : find()
      return known == null ? undefined : termsOf(known.until, known.reason)
    })
    return changed
  }

  #applyAll (rules: readonly StoredRule[], onUnusable: (rule: StoredRule, error: unknown) => void): void {
    const applied = new NewRules()

    for (const rule of rules) {
      try {
        this.#apply(rule, applied)
      } catch (error) {
        onUnusable(rule, error)
      }
    }
    this.#close(applied)
  }

  #apply ({ list, kind, value, until, reason }: StoredRule, applied: NewRules): void {
    const { lists, desk, clock } = this.#parts
    const now = clock.now()
    const options = optionsOf({ ttl: until == null ? Infinity : until - now, reason })

    if (list === 'ban') {
      const offender = kind === 'peer' ? { peer: peerIdFromString(value) } : { ip: parseCidr(value).ip }
      if (desk.restore(offender, until ?? Infinity, reason)) applied.ban({ key: value, ...offender })
    } else if (kind === 'peer') {
      const peer = peerIdFromString(value)
      lists.blockPeer(peer, options, now)
      applied.blockPeer(peer.toString())
    } else {
      lists.blockRange(value, options, now)
      applied.blockRange(value)
    }
  }

  /** Whom they mean; a ban no friends. */
  #close (rules: NewRules, all = this.#parts.held.list()): void {
    for (const held of all) {
      if (rules.blocks(held) || (rules.bans(held) && !this.#isFriend(held.peer) && !isFree(this.#parts, held.client))) this.#lives.end(held)
    }
  }

  #isFriend (peer: PeerId | undefined): boolean {
    const { lists, house } = this.#parts
    return peer != null && (lists.trustsPeer(peer.toString()) || house?.isProtected(peer) === true)
  }

  #ranges (isWanted: (range: string) => boolean): BlockRule[] {
    return this.#parts.lists.blockedRanges().filter(({ range }) => isWanted(range))
  }

  #describe ({ range, until, reason }: BlockRule): Blocked {
    return {
      ...termsOf(until, reason),
      persisted: this.persistence.isStored({ list: 'block', kind: kindOf(range), value: range }, until)
    }
  }
}

function kindOf (range: string): 'address' | 'subnet' {
  return isAddress(range) ? 'address' : 'subnet'
}

function isBanOfAddress ({ list, kind }: RuleKey): boolean {
  return list === 'ban' && kind !== 'peer'
}

/** Whether a client lies wholly inside: a banned IPv6 /56 is more than a /64 of it. What is stored may be no range: it is skipped with a word when it is applied. */
function containsIfAny (subnet: Cidr, key: string): boolean {
  try {
    const { ip, length } = parseCidr(key)
    return length >= subnet.length && cidrContains(subnet, ip)
  } catch {
    return false
  }
}

function banKey (key: string, isPeer: boolean): RuleKey {
  return { list: 'ban', kind: isPeer ? 'peer' : kindOf(key), value: key }
}

async function changedAny (changes: ReadonlyArray<boolean | Promise<boolean>>): Promise<boolean> {
  return (await Promise.all(changes)).includes(true)
}

function termsOf (until = Infinity, reason: string | undefined): RuleTerms {
  return { ...until !== Infinity && { until }, ...reason != null && { reason } }
}

function optionsOf ({ ttl, reason }: { readonly ttl: number, readonly reason: string | undefined }): BlockOptions {
  return { ttl, ...reason != null && { reason } }
}
