import type { Ip } from '../address/ip.ts'
import type { Clock } from '../clock/clock.ts'

/** What one rule of a list is. */
export interface BlockRule {
  /** The blocked range as a CIDR; a bare address where it is one. Written when it is read: what is spread from a rule may lack it. */
  readonly range: string

  /** Epoch ms; the block is over at it. Absent where it has no end. */
  readonly until?: number

  readonly reason?: string

  /** `rule` was set by `blockAddress` or `blockSubnet`, `list` came with `load`. */
  readonly source: 'rule' | 'list'
}

/** How long a rule lasts, and why it is there. */
export interface BlockRuleOptions {
  /**
   * Milliseconds above 0; `Infinity` is for good.
   *
   * @default Infinity
   */
  readonly ttl?: number
  readonly reason?: string
}

/** What became of a list that was loaded. */
export interface LoadReport {
  /** Distinct ranges that are in force now. */
  readonly ipv4: number
  readonly ipv6: number

  /** Lines that said what another one said. */
  readonly duplicates: number

  /** False when a later `load` finished first, and its list is the one in force. */
  readonly applied: boolean
}

/** Options of a block list. */
export interface BlockListInit {
  /**
   * Rules besides the loaded list, which has no bound but its text.
   *
   * @default 100_000
   */
  readonly capacity?: number

  /** @default the system's clock */
  readonly clock?: Clock
}

/** Ranges of addresses, single rules and one long list, asked by address. Synchronous but for `load`. */
export interface BlockList {
  /** Rules that are in force, and ranges of the loaded list. */
  readonly size: number

  /**
   * Blocks an address. A block that is there ends at the later of both ends: only `unblockAddress` shortens it.
   *
   * @returns whether anything changed
   * @throws {@link InvalidAddressError}, {@link InvalidOptionError} for a `ttl` that is not above 0 or a `reason` that is no text, {@link CapacityError}; nothing is changed
   */
  blockAddress (ip: string, options?: BlockRuleOptions): boolean

  /** The same for a CIDR, or a bare address. */
  blockSubnet (cidr: string, options?: BlockRuleOptions): boolean

  /** Takes a rule away; the loaded list stays. @returns whether it was there @throws {@link InvalidAddressError} */
  unblockAddress (ip: string): boolean

  /** Takes away the rule of exactly this range. @returns whether there was one. @throws {@link InvalidAddressError} */
  unblockSubnet (cidr: string): boolean

  /**
   * The narrowest rule that holds the address, if any does; where a rule and the list have the same range, the rule. What is not an address
   * matches nothing. An IPv4-mapped address is its IPv4 address; `::/0` holds no IPv4 address.
   */
  match (ip: string | Ip): BlockRule | undefined

  /** Rules that are in force, those of the loaded list not among them. */
  rules (): BlockRule[]

  /**
   * Replaces the loaded list by the addresses and subnets in `text`, one a line; what follows a `#` or `;` is a comment. The old list is in force
   * until the new one is ready, and then none of it. It works in slices of some ms and lets everybody else run in between.
   *
   * @throws {@link InvalidListError} with the number of the first line that is neither, {@link InvalidOptionError} for what is no text; the old
   * list stays
   */
  load (text: string): Promise<LoadReport>

  /** Everything that is in force, as lines that `load` reads: rules first, with their reason as a comment. Ends are not in it. */
  lines (): Generator<string, void, undefined>
}
