import { formatCidr, parseCidr } from '../address/cidr.ts'
import { parseIp } from '../address/ip.ts'
import { parseAddress } from '../address/parse-address.ts'
import { formatPrefix } from '../address/prefix.ts'
import { nextTurn } from '../clock/next-turn.ts'
import { systemClock } from '../clock/system-clock.ts'
import { CapacityError, InvalidOptionError } from './errors.ts'
import { ListTablesBuilder, NO_TABLES } from './list-tables.ts'
import { ListReader } from './list-text.ts'
import { checkCapacity, checkClock, checkDurationOrNever, checkNames, checkReason } from './options.ts'
import { hostRange, PrefixMap } from './prefix-map.ts'
import { DEFAULT_CAPACITY } from './rate-limiter.ts'
import { SHOWN } from './shown.ts'
import { SteadyTime } from './steady-time.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip } from '../address/ip.ts'
import type { Clock } from '../clock/clock.ts'
import type { BlockList, BlockListInit, BlockRule, BlockRuleOptions, LoadReport } from './block-list-contract.ts'

/** Lines read between two turns of the event loop, some 5 ms of work: IPv6 is slow to read. */
const LINES = 4_096

interface Rule {
  readonly cidr: Cidr
  readonly until: number // steady; Infinity has no end
  readonly reason: string | undefined
}

/**
 * Addresses and subnets that are not let in. Large lists are loaded as text into a frozen table of 12 to 20 bytes a range; rules that come
 * and go are beside it. It has no timers: a rule whose time is over matches nothing, and leaves when its place is needed.
 *
 * @throws {@link InvalidOptionError}
 *
 * @example
 *
 * ```ts
 * import { blockList } from 'libp2p-connmgr/limiter'
 *
 * const list = blockList()
 * list.blockSubnet('192.0.2.0/24', { ttl: 60_000, reason: 'spam' })
 * await list.load('203.0.113.0/24 # from a public list')
 *
 * console.log(list.match('192.0.2.7')?.reason) // spam
 * console.log(list.match('203.0.113.7')?.source) // list
 * ```
 */
export function blockList (init: BlockListInit = {}): BlockList {
  const { capacity = DEFAULT_CAPACITY, clock } = checkNames('init', init, { capacity: true, clock: true }) as BlockListInit

  return new RuleAndTableList(checkCapacity('capacity', capacity), checkClock(clock ?? systemClock))
}

class RuleAndTableList implements BlockList {
  readonly #capacity: number
  readonly #clock: Clock
  readonly #time = new SteadyTime()
  readonly #rules = new PrefixMap<Rule>()
  /** No rule ends before it. */
  #nextEnd = Infinity
  #tables = NO_TABLES
  #loads = 0
  #loaded = 0

  constructor (capacity: number, clock: Clock) {
    this.#capacity = capacity
    this.#clock = clock
  }

  get size (): number {
    this.#dropEnded(this.#now())
    return this.#rules.size + this.#tables.size
  }

  blockAddress (ip: string, options?: BlockRuleOptions): boolean {
    return this.#block(hostRange(parseAddress(ip)), options)
  }

  blockSubnet (cidr: string, options?: BlockRuleOptions): boolean {
    return this.#block(parseCidr(cidr), options)
  }

  unblockAddress (ip: string): boolean {
    return this.#unblock(hostRange(parseAddress(ip)))
  }

  unblockSubnet (cidr: string): boolean {
    return this.#unblock(parseCidr(cidr))
  }

  match (remote: string | Ip): BlockRule | undefined {
    const ip = typeof remote === 'string' ? parseIp(remote) : remote
    if (ip == null) return undefined

    const length = this.#tables.match(ip)
    const rule = this.#rules.size === 0 ? undefined : this.#matchRule(ip, length)

    if (rule != null) return this.#describe(rule)
    return length === -1 ? undefined : new ListedRange(ip, length)
  }

  rules (): BlockRule[] {
    this.#dropEnded(this.#now())
    return this.#rules.values().map(rule => this.#describe(rule))
  }

  async load (text: string): Promise<LoadReport> {
    if (typeof text !== 'string') throw new InvalidOptionError('text', 'a text, one range a line', text)
    const load = ++this.#loads
    const reader = new ListReader(text)
    const builder = new ListTablesBuilder()

    while (reader.read(LINES, builder)) await nextTurn()
    const tables = await builder.build(nextTurn)
    const applied = load > this.#loaded

    if (applied) {
      this.#loaded = load
      this.#tables = tables
    }

    const { ipv4, ipv6, size } = tables
    return { ipv4, ipv6, duplicates: builder.size - size, applied }
  }

  * lines (): Generator<string, void, undefined> {
    for (const { range, reason } of this.rules()) {
      // A reason is one line of a comment, whatever was given.
      yield reason == null ? range : `${range} # ${reason.replaceAll(/\s+/g, ' ')}`
    }

    for (const cidr of this.#tables.ranges()) yield formatCidr(cidr)
  }

  #now (): number {
    return this.#time.at(this.#clock.now())
  }

  #block (cidr: Cidr, options: BlockRuleOptions = {}): boolean {
    const { ttl = Infinity, reason } = checkNames('options', options, { ttl: true, reason: true }) as BlockRuleOptions
    const now = this.#now()
    const until = now + checkDurationOrNever('ttl', ttl)
    checkReason(reason)
    const known = this.#rules.get(cidr)

    if (known != null && known.until >= until && known.until > now) return false
    if (known == null && this.#rules.size >= this.#capacity) this.#makeRoom(cidr, now)

    this.#rules.set(cidr, { cidr, until, reason })
    this.#nextEnd = Math.min(this.#nextEnd, until)
    return true
  }

  #unblock (cidr: Cidr): boolean {
    const known = this.#rules.get(cidr)
    return this.#rules.delete(cidr) && known!.until > this.#now()
  }

  #makeRoom (cidr: Cidr, now: number): void {
    this.#dropEnded(now)
    if (this.#rules.size >= this.#capacity) throw new CapacityError(`block ${formatCidr(cidr)}`, this.#capacity)
  }

  #dropEnded (now: number): void {
    if (now < this.#nextEnd) return
    this.#nextEnd = Infinity

    this.#rules.forEach(({ cidr, until }) => {
      if (until <= now) this.#rules.delete(cidr)
      else this.#nextEnd = Math.min(this.#nextEnd, until)
    })
  }

  /** @param atLeast - the length of the list's match, which a rule wins over at the same length */
  #matchRule (ip: Ip, atLeast: number): Rule | undefined {
    const now = this.#nextEnd === Infinity ? 0 : this.#now()
    return this.#rules.match(ip, ({ until }, length) => length >= atLeast && until > now)
  }

  #describe ({ cidr, until, reason }: Rule): BlockRule {
    const rule: { -readonly [K in keyof BlockRule]: BlockRule[K] } = { range: formatCidr(cidr), source: 'rule' }

    if (until !== Infinity) rule.until = this.#time.toClock(until)
    if (reason != null) rule.reason = reason
    return rule
  }
}

/** Its text is written when it is read: writing an address takes as long as finding it. */
class ListedRange implements BlockRule {
  readonly source = 'list'
  readonly #ip: Ip
  readonly #length: number

  constructor (ip: Ip, length: number) {
    this.#ip = ip
    this.#length = length
  }

  get range (): string {
    return formatPrefix(this.#ip, this.#length)
  }

  toJSON (): object {
    return { range: this.range, source: this.source }
  }

  [SHOWN] (): object {
    return this.toJSON()
  }
}
