import { formatCidr, parseCidr } from '../address/cidr.ts'
import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { BITS } from '../address/ip.ts'
import { InvalidOptionError } from './errors.ts'
import { checkCap, checkChoice, checkNames, checkRate, checkRecord, checkRecordOrFalse } from './options.ts'
import { OVERFLOW_FACTOR } from './prefix-ledger.ts'
import type { Cidr } from '../address/cidr.ts'
import type { LevelLimits } from './prefix-ledger.ts'
import type { LevelRates } from './prefix-rates.ts'
import type { Rate } from './rate.ts'

/** Prefix length → connections, by family. `Infinity` counts and never refuses, 0 admits nobody. */
export interface PrefixLimits {
  readonly ipv4?: Readonly<Record<number, number>>
  readonly ipv6?: Readonly<Record<number, number>>
}

/** Prefix length → rate, by family. */
export interface PrefixRateLimits {
  readonly ipv4?: Readonly<Record<number, Rate>>
  readonly ipv6?: Readonly<Record<number, Rate>>
}

/** How many connections there may be, and how often. All may be changed at run time. */
export interface ConnectionLimits {
  /**
   * Connections of one client, which is an IPv4 address or an IPv6 /56: shorthand `n` for the `prefixLimits`
   * `{ ipv4: { 32: n }, ipv6: { 56: n, 48: 8 * n } }`. `Infinity` is unlimited but tracked, 0 admits nobody.
   *
   * @default Infinity
   */
  readonly maxConnsPerIp?: number

  /**
   * Prefix length → connections, by family; all levels hold. An absent family keeps its default. Not together with `maxConnsPerIp`.
   *
   * @default { ipv4: { 32: Infinity }, ipv6: { 56: Infinity, 48: Infinity } }
   */
  readonly prefixLimits?: PrefixLimits

  /**
   * CIDR → cap over all of its addresses together, instead of `prefixLimits`; the narrowest wins, and each range is named once. `Infinity` frees
   * the range from rates and risk, too.
   *
   * @default {}
   */
  readonly networks?: Readonly<Record<string, number>>

  /**
   * All connections together.
   *
   * @default Infinity
   */
  readonly maxConns?: number

  /**
   * How often a client may connect: one rate for each IPv4 address and IPv6 /56, or rates by prefix length, which all hold. An absent family
   * keeps its default, one that is empty has no rate.
   *
   * @default false
   */
  readonly connectRate?: false | Rate | PrefixRateLimits

  /**
   * What is done with a remote that has no IP address, or one that cannot be read (a Unix socket, a proxy's own format): they all share
   * `maxUnknown` places, or are refused.
   *
   * @default 'allow'
   */
  readonly onUnknownAddress?: 'allow' | 'deny'

  /**
   * Connections of all unknown addresses together.
   *
   * @default 8 times the cap of an IPv4 client
   */
  readonly maxUnknown?: number
}

/** The limits in force, as they would be given. */
export interface ConnectionLimiterConfig {
  readonly prefixLimits: Required<PrefixLimits>
  readonly networks: Readonly<Record<string, number>>
  readonly maxConns: number
  readonly connectRate: false | Required<PrefixRateLimits>
  readonly onUnknownAddress: 'allow' | 'deny'
  readonly maxUnknown: number
}

export const LIMIT_NAMES: Readonly<Record<keyof ConnectionLimits, true>> = {
  maxConnsPerIp: true,
  prefixLimits: true,
  networks: true,
  maxConns: true,
  connectRate: true,
  onUnknownAddress: true,
  maxUnknown: true
}

export const FAMILIES: Readonly<Record<keyof PrefixLimits, true>> = { ipv4: true, ipv6: true }

/** The same, checked and ready to use. */
export interface ParsedLimits {
  readonly ipv4: LevelLimits
  readonly ipv6: LevelLimits
  readonly networks: ReadonlyArray<readonly [Cidr, number]>
  readonly maxConns: number
  readonly rates: { readonly ipv4: LevelRates, readonly ipv6: LevelRates } | undefined
  readonly unknown: 'allow' | 'deny'
  readonly maxUnknown: number
  /** `maxUnknown` follows the cap of a client until it is given. */
  readonly isUnknownDerived: boolean
}

const UNLIMITED: ParsedLimits = {
  ...levelsOf(Infinity),
  networks: [],
  maxConns: Infinity,
  rates: undefined,
  unknown: 'allow',
  maxUnknown: Infinity,
  isUnknownDerived: true
}

/**
 * @param current - what stays where `init` says nothing
 * @param option - what a caller knows `init` by
 * @throws {@link InvalidOptionError} or {@link InvalidAddressError}, before anything is changed
 */
export function parseLimits (init: ConnectionLimits, current = UNLIMITED, option = 'init'): ParsedLimits {
  const { maxConnsPerIp, prefixLimits, networks, maxConns, connectRate, onUnknownAddress, maxUnknown } = checkNames(option, init, LIMIT_NAMES) as ConnectionLimits

  if (maxConnsPerIp !== undefined && prefixLimits !== undefined) {
    throw new InvalidOptionError('prefixLimits', 'absent where maxConnsPerIp is given, which is a shorthand for it', prefixLimits)
  }

  const levels = maxConnsPerIp !== undefined ? levelsOf(checkCap('maxConnsPerIp', maxConnsPerIp)) : parseLevels(prefixLimits, current)
  const isUnknownDerived = maxUnknown === undefined && current.isUnknownDerived

  return {
    ...levels,
    networks: networks === undefined ? current.networks : parseNetworks(networks),
    maxConns: maxConns === undefined ? current.maxConns : checkCap('maxConns', maxConns),
    rates: connectRate === undefined ? current.rates : parseRates(connectRate, current.rates),
    unknown: onUnknownAddress === undefined ? current.unknown : checkChoice('onUnknownAddress', onUnknownAddress, ['allow', 'deny']),
    maxUnknown: maxUnknown !== undefined ? checkCap('maxUnknown', maxUnknown) : isUnknownDerived ? unknownOf(levels.ipv4) : current.maxUnknown,
    isUnknownDerived
  }
}

/** As it would be given. */
export function formatLimits ({ ipv4, ipv6, networks, maxConns, rates, unknown, maxUnknown }: ParsedLimits, format: (cidr: Cidr) => string): ConnectionLimiterConfig {
  return {
    prefixLimits: { ipv4: Object.fromEntries(ipv4), ipv6: Object.fromEntries(ipv6) },
    networks: Object.fromEntries(networks.map(([cidr, limit]) => [format(cidr), limit])),
    maxConns,
    connectRate: rates == null ? false : { ipv4: Object.fromEntries(rates.ipv4), ipv6: Object.fromEntries(rates.ipv6) },
    onUnknownAddress: unknown,
    maxUnknown
  }
}

/** go-libp2p's ladder: a /48 may have what eight clients may. */
function levelsOf (limit: number): { ipv4: LevelLimits, ipv6: LevelLimits } {
  return { ipv4: new Map([[32, limit]]), ipv6: new Map([[56, limit], [48, limit * 8]]) }
}

function unknownOf (ipv4: LevelLimits): number {
  return OVERFLOW_FACTOR * (ipv4.get(CLIENT_PREFIX_LENGTH[4]) ?? Infinity)
}

function parseLevels (limits: PrefixLimits | undefined, current: ParsedLimits): { ipv4: LevelLimits, ipv6: LevelLimits } {
  if (limits === undefined) return { ipv4: current.ipv4, ipv6: current.ipv6 }
  const { ipv4, ipv6 } = checkNames('prefixLimits', limits, FAMILIES)

  return {
    ipv4: ipv4 === undefined ? current.ipv4 : byLength('prefixLimits.ipv4', ipv4, BITS[4], checkCap),
    ipv6: ipv6 === undefined ? current.ipv6 : byLength('prefixLimits.ipv6', ipv6, BITS[6], checkCap)
  }
}

function parseNetworks (networks: unknown): Array<readonly [Cidr, number]> {
  const parsed = new Map<string, readonly [Cidr, number]>()

  for (const [text, limit] of Object.entries(checkRecord('networks', networks))) {
    const cidr = parseCidr(text)
    const range = formatCidr(cidr)
    if (parsed.has(range)) throw new InvalidOptionError(`networks['${text}']`, `another range than ${range}, which has a cap already`, text)
    parsed.set(range, [cidr, checkCap(`networks['${text}']`, limit)])
  }

  return [...parsed.values()]
}

function parseRates (rates: unknown, current: ParsedLimits['rates']): ParsedLimits['rates'] {
  if (rates === false) return undefined
  const record = checkRecordOrFalse('connectRate', rates)

  if (!('ipv4' in record || 'ipv6' in record)) {
    const rate = checkRate('connectRate', rates)
    return { ipv4: new Map([[CLIENT_PREFIX_LENGTH[4], rate]]), ipv6: new Map([[CLIENT_PREFIX_LENGTH[6], rate]]) }
  }

  const { ipv4, ipv6 } = checkNames('connectRate', rates, FAMILIES)
  const { ipv4: current4, ipv6: current6 } = current ?? { ipv4: new Map<number, Rate>(), ipv6: new Map<number, Rate>() }

  return {
    ipv4: ipv4 === undefined ? current4 : byLength('connectRate.ipv4', ipv4, BITS[4], checkRate),
    ipv6: ipv6 === undefined ? current6 : byLength('connectRate.ipv6', ipv6, BITS[6], checkRate)
  }
}

function byLength<T> (option: string, value: unknown, most: number, check: (option: string, value: unknown) => T): Map<number, T> {
  return new Map(Object.entries(checkRecord(option, value)).map(([text, limit]) => {
    const length = Number(text)
    if (!Number.isInteger(length) || length < 0 || length > most || String(length) !== text) {
      throw new InvalidOptionError(option, `an object whose keys are prefix lengths from 0 to ${most}`, text)
    }

    return [length, check(`${option}.${text}`, limit)]
  }))
}
