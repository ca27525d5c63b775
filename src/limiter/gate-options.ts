import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { ofBothFamilies } from './client-rates.ts'
import { FAMILIES, LIMIT_NAMES, parseLimits } from './connection-config.ts'
import { InvalidOptionError } from './errors.ts'
import { checkCap, checkCapacity, checkDurationOrNever, checkNames, checkRate, checkRecord, checkRecordOrFalse, mergeRate } from './options.ts'
import { checkPathRule } from './path-rules.ts'
import { normalizeRule } from './path-text.ts'
import { isSameRate, scaleRate } from './rate.ts'
import { DEFAULT_CAPACITY } from './rate-limiter.ts'
import { parseRisk } from './risk-options.ts'
import type { Clock } from '../clock/clock.ts'
import type { ClientRate } from './client-rates.ts'
import type { ConnectionLimits, ParsedLimits, PrefixLimits } from './connection-config.ts'
import type { Rate } from './rate.ts'
import type { RiskConfig, RiskInit } from './risk-options.ts'

/** Options of a security gate. */
export interface SecurityGateInit extends Omit<ConnectionLimits, 'connectRate'> {
  /**
   * Connections of one client.
   *
   * @default 20
   */
  readonly maxConnsPerIp?: number

  /**
   * Prefix length → connections, by family; all levels hold. An absent family keeps its default. Not together with `maxConnsPerIp`.
   *
   * @default { ipv4: { 32: 20 }, ipv6: { 56: 20, 48: 160 } }
   */
  readonly prefixLimits?: PrefixLimits

  /**
   * How often one client may connect; false for no limit.
   *
   * @default { strategy: 'cooldown', limit: 6, window: 1_000 }
   */
  readonly connectRate?: Partial<Rate> | false

  /**
   * How often one connection may ask; false for no limit.
   *
   * @default { strategy: 'sliding-window', limit: 40, window: 1_000 }
   */
  readonly requestRate?: Partial<Rate> | false

  /**
   * How often all connections of one client may ask together, so that reconnecting resets nothing: one rate, or one for each family; false
   * for no limit.
   *
   * @default the requestRate with its limit times the cap of one client of the family, 1 where that is 0
   */
  readonly clientRequestRate?: Rate | { readonly ipv4: Rate, readonly ipv6: Rate } | false

  /**
   * Path → how often one client may ask for it, in addition. `/login` is that path, `/api/` with a trailing slash everything below, `/users/*`
   * one segment where the star is; the most specific rule holds. Escapes and double slashes are read as those of requests are: two texts of
   * one path are refused here, and one to `setPathRate`.
   *
   * @default {}
   */
  readonly pathRates?: Readonly<Record<string, Rate>>

  /**
   * Refused requests of one connection that are dropped before one closes it. They are forgotten after one window without any.
   *
   * @default 2
   */
  readonly dropsBeforeClose?: number

  /**
   * Milliseconds without an admitted request after which a connection is idle; `Infinity` is never.
   *
   * @default 60_000
   */
  readonly idleTimeout?: number

  /**
   * Scores and automatic bans; false for none.
   *
   * @default { threshold: 10, halfLife: 600_000, banTime: 600_000, maxBanTime: 86_400_000 }
   */
  readonly risk?: RiskInit | false

  /** Addresses and subnets without caps, rates and automatic bans. */
  readonly trust?: readonly string[]

  /**
   * Of each ledger.
   *
   * @default 100_000
   */
  readonly capacity?: number

  /** @default the system's clock */
  readonly clock?: Clock
}

/** The original gate's. */
const GATE_DEFAULTS = {
  maxConnsPerIp: 20,
  connectRate: Object.freeze({ strategy: 'cooldown', limit: 6, window: 1_000 }),
  requestRate: Object.freeze({ strategy: 'sliding-window', limit: 40, window: 1_000 }),
  dropsBeforeClose: 2,
  idleTimeout: 60_000
} as const

const NAMES: Readonly<Record<keyof SecurityGateInit, true>> = {
  ...LIMIT_NAMES,
  requestRate: true,
  clientRequestRate: true,
  pathRates: true,
  dropsBeforeClose: true,
  idleTimeout: true,
  risk: true,
  trust: true,
  capacity: true,
  clock: true
}

/** A gate's connect rate is no limit of its core's: `setConnectRate` changes it. */
const { connectRate: _, ...CHANGEABLE } = LIMIT_NAMES

/** What has no limit, so that it can be given one later. */
const NO_RATE: Rate = { strategy: 'fixed-window', limit: Infinity, window: 1_000 }

export interface GateConfig {
  readonly limits: ParsedLimits
  readonly connectRate: Rate
  readonly requestRate: Rate
  /** Undefined follows `requestRate` and the cap of a client. */
  readonly clientRequestRate: ClientRate | undefined
  readonly pathRates: ReadonlyArray<readonly [string, Rate]>
  readonly dropsBeforeClose: number
  readonly idleTimeout: number
  readonly risk: RiskConfig | undefined
  readonly capacity: number
}

/** @throws {@link InvalidOptionError} or {@link InvalidAddressError} */
export function parseGate (init: SecurityGateInit): GateConfig {
  const { connectRate, requestRate, clientRequestRate, pathRates, dropsBeforeClose, idleTimeout, risk, capacity, trust: _trust, clock: _clock, ...limits } = checkNames('init', init, NAMES) as SecurityGateInit

  return {
    limits: parseLimits(limits, parseLimits({ maxConnsPerIp: GATE_DEFAULTS.maxConnsPerIp })),
    connectRate: parseRate('connectRate', connectRate, GATE_DEFAULTS.connectRate),
    requestRate: parseRate('requestRate', requestRate, GATE_DEFAULTS.requestRate),
    clientRequestRate: clientRequestRate === undefined ? undefined : parseClientRate(clientRequestRate),
    pathRates: parsePathRates(pathRates ?? {}),
    dropsBeforeClose: checkCap('dropsBeforeClose', dropsBeforeClose ?? GATE_DEFAULTS.dropsBeforeClose),
    idleTimeout: checkDurationOrNever('idleTimeout', idleTimeout ?? GATE_DEFAULTS.idleTimeout),
    risk: risk === false ? undefined : parseRisk(risk ?? {}),
    capacity: checkCapacity('capacity', capacity ?? DEFAULT_CAPACITY)
  }
}

/** @throws {@link InvalidOptionError} or {@link InvalidAddressError} */
export function changeLimits (change: unknown, current: ParsedLimits): ParsedLimits {
  return parseLimits(checkNames('change', change, CHANGEABLE), current)
}

/** A whole rate, or the fields of one that differ from `current`; false is no limit. */
export function parseRate (option: string, change: unknown, current: Rate): Rate {
  if (change === undefined) return current
  if (change === false) return NO_RATE
  return mergeRate(option, current, checkRecordOrFalse(option, change))
}

function parsePathRates (rates: unknown): GateConfig['pathRates'] {
  const parsed = new Map<string, Rate>()

  for (const [path, rate] of Object.entries(checkRecord('pathRates', rates))) {
    const rule = normalizeRule(checkPathRule(`pathRates['${path}']`, path))
    if (parsed.has(rule)) throw new InvalidOptionError(`pathRates['${path}']`, `another path than ${rule}, which has a rate already`, path)
    parsed.set(rule, checkRate(`pathRates['${path}']`, rate))
  }

  return [...parsed]
}

function parseClientRate (rate: unknown): ClientRate {
  const isByFamily = typeof rate === 'object' && rate != null && ('ipv4' in rate || 'ipv6' in rate)
  if (!isByFamily) return ofBothFamilies(parseRate('clientRequestRate', rate, NO_RATE))

  const { ipv4, ipv6 } = checkNames('clientRequestRate', rate, FAMILIES)
  return { ipv4: checkRate('clientRequestRate.ipv4', ipv4), ipv6: checkRate('clientRequestRate.ipv6', ipv6) }
}

/** As it would be given. */
export function formatClientRate ({ ipv4, ipv6 }: ClientRate): Rate | ClientRate {
  return isSameRate(ipv4, ipv6) ? ipv4 : { ipv4, ipv6 }
}

/** "Per client key at `limit × maxConnsPerIp`": what a client's connections may do, it may do by reconnecting, and no more. */
export function deriveClientRate (requestRate: Rate, { ipv4, ipv6 }: ParsedLimits): ClientRate {
  return {
    ipv4: rateOfAll(requestRate, ipv4.get(CLIENT_PREFIX_LENGTH[4])),
    ipv6: rateOfAll(requestRate, ipv6.get(CLIENT_PREFIX_LENGTH[6]))
  }
}

/** Who is open when a cap is lowered to 0 may go on asking: it closes nothing. */
function rateOfAll (requestRate: Rate, conns = Infinity): Rate {
  return conns === Infinity || requestRate.limit === Infinity ? NO_RATE : scaleRate(requestRate, Math.max(conns, 1))
}
