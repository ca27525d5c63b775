import { formatIp } from '../address/ip.ts'
import { formatLimits, parseLimits } from '../limiter/connection-config.ts'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkCap, checkChoice, checkDuration, checkFlag, checkRecord } from '../limiter/options.ts'
import { parseRisk } from '../limiter/risk-options.ts'
import type { Cidr } from '../address/cidr.ts'
import type { ConnectionGaterConfig, ConnectionGaterLimits, LimitedTransport } from './options.ts'
import type { ConnectionLimits, ParsedLimits } from '../limiter/connection-config.ts'
import type { RiskConfig } from '../limiter/risk-options.ts'

/** What the shared core knows of: given by its own limiter where one is shared. */
const CORE_LIMITS = ['prefixLimits', 'maxConnsPerIp', 'networks', 'maxConns', 'connectRate'] as const

const CAPS = ['maxConnsPerPeer', 'maxPending', 'maxPendingPerIp', 'maxInbound', 'maxOutbound', 'maxPendingOutbound', 'maxConnsPerRelay'] as const
const POLICIES = ['dialPrivate', 'dialInsecure'] as const
const TRANSPORTS: readonly LimitedTransport[] = ['tcp', 'ws', 'quic', 'webrtc', 'relay', 'memory', 'unix']

type Caps = Readonly<Record<typeof CAPS[number], number>>
type Policies = Readonly<Record<typeof POLICIES[number], boolean>>

/** The gater's own limits, next to those of the core. */
export interface OwnLimits extends Caps, Policies {
  readonly transportLimits: Readonly<Partial<Record<LimitedTransport, number>>>
}

export interface CheckOptions {
  readonly checkTimeout: number
  readonly onCheckFailed: 'deny' | 'allow'
}

/** go-libp2p's `conn_limiter.go` and `conn_rate_limiter.go`: 0.2 per second with bursts of 16, 0.5 per second with bursts of 80. */
const CORE_DEFAULTS: ConnectionLimits = {
  prefixLimits: { ipv4: { 32: 8 }, ipv6: { 56: 8, 48: 64 } },
  networks: { '127.0.0.0/8': Infinity, '::1/128': Infinity },
  connectRate: {
    ipv4: { 32: { strategy: 'token-bucket', limit: 16, window: 80_000 } },
    ipv6: {
      56: { strategy: 'token-bucket', limit: 16, window: 80_000 },
      48: { strategy: 'token-bucket', limit: 80, window: 160_000 }
    }
  },
  // Those without an IP have caps of their own here.
  maxUnknown: Infinity
}

/** 8 connections a peer is go-libp2p's resource manager; 64 pending is its transient scope at 1 GiB, doubled for what makes room there. */
export const OWN_DEFAULTS: OwnLimits = {
  maxConnsPerPeer: 8,
  maxPending: 64,
  maxPendingPerIp: 4,
  maxInbound: Infinity,
  maxOutbound: Infinity,
  maxPendingOutbound: Infinity,
  maxConnsPerRelay: 64,
  transportLimits: {},
  dialPrivate: true,
  dialInsecure: true
}

const CHECK_DEFAULTS: CheckOptions = { checkTimeout: 5_000, onCheckFailed: 'deny' }

/** What a change may name. */
const CHANGEABLE: readonly string[] = [...CORE_LIMITS, ...CAPS, ...POLICIES, 'transportLimits', 'checkTimeout', 'onCheckFailed', 'risk']
const GIVEN_ONCE: readonly string[] = ['also', 'blocks', 'trust', 'datastore', 'limiter', 'capacity', 'clock']

/** @throws InvalidOptionError, InvalidAddressError */
export function parseCoreLimits (init: ConnectionGaterLimits): ParsedLimits {
  return parseLimits(pickCore(init), parseLimits(CORE_DEFAULTS))
}

/** The core's limits after a change. */
export function changeCoreLimits (change: ConnectionGaterLimits, current: ParsedLimits): ParsedLimits {
  return parseLimits(pickCore(change), current)
}

/** Limits that a shared limiter rules cannot be given here as well. */
export function refuseCoreLimits (given: ConnectionGaterLimits): void {
  const name = CORE_LIMITS.find(name => given[name] !== undefined)
  if (name != null) throw new InvalidOptionError(name, 'absent where a limiter is shared, whose own limits rule', given[name])
}

export function hasCoreLimits (given: ConnectionGaterLimits): boolean {
  return CORE_LIMITS.some(name => given[name] !== undefined)
}

/** @throws InvalidOptionError, also for a name that is no option: a limit that is misspelt must not pass for one that holds */
export function parseOwnLimits (given: ConnectionGaterLimits, current: OwnLimits): OwnLimits {
  const change: Record<string, unknown> = {}

  for (const name of CAPS) if (given[name] !== undefined) change[name] = checkCap(name, given[name])
  for (const name of POLICIES) if (given[name] !== undefined) change[name] = checkFlag(name, given[name])
  if (given.transportLimits !== undefined) change['transportLimits'] = parseTransportLimits(given.transportLimits)

  return { ...current, ...change }
}

export function checkNames (given: unknown, when: 'made' | 'changed'): void {
  const names = when === 'made' ? [...CHANGEABLE, ...GIVEN_ONCE] : CHANGEABLE
  const option = when === 'made' ? 'init' : 'change'
  const unknown = Object.keys(checkRecord(option, given)).find(name => !names.includes(name))
  if (unknown == null) return

  throw GIVEN_ONCE.includes(unknown)
    ? new InvalidOptionError(unknown, 'given when the gater is made: it cannot be changed later', (given as Record<string, unknown>)[unknown])
    : new InvalidOptionError(option, `an object whose keys are among ${names.join(', ')}`, unknown)
}

export function parseChecks (given: ConnectionGaterLimits, current = CHECK_DEFAULTS): CheckOptions {
  const { checkTimeout = current.checkTimeout, onCheckFailed = current.onCheckFailed } = given

  return {
    checkTimeout: checkDuration('checkTimeout', checkTimeout),
    onCheckFailed: checkChoice('onCheckFailed', onCheckFailed, ['deny', 'allow'])
  }
}

/** @returns undefined where nothing is scored */
export function parseRiskInit (risk: ConnectionGaterLimits['risk'] = {}): RiskConfig | undefined {
  return risk === false ? undefined : parseRisk(risk)
}

export function formatConfig (core: ParsedLimits, own: OwnLimits, checks: CheckOptions, risk: RiskConfig | undefined): ConnectionGaterConfig {
  const { prefixLimits, networks, maxConns, connectRate } = formatLimits(core, rangeText)

  return {
    prefixLimits, networks, maxConns, connectRate,
    ...own,
    transportLimits: { ...own.transportLimits },
    ...checks,
    risk: risk == null ? false : formatRisk(risk)
  }
}

/** As it would be given: weights are named where they are not 1. */
function formatRisk ({ weights, ...risk }: RiskConfig): Exclude<ConnectionGaterConfig['risk'], false> {
  const unusual = Object.entries(weights).filter(([, weight]) => weight !== 1)

  return { ...risk, ...unusual.length > 0 && { weights: Object.fromEntries(unusual) } }
}

/** With its length, also where that is one address: as operators write it. */
function rangeText ({ ip, length }: Cidr): string {
  return `${formatIp(ip)}/${length}`
}

function pickCore (given: ConnectionGaterLimits): ConnectionLimits {
  return Object.fromEntries(CORE_LIMITS.filter(name => given[name] !== undefined).map(name => [name, given[name]]))
}

function parseTransportLimits (limits: unknown): OwnLimits['transportLimits'] {
  return Object.fromEntries(Object.entries(checkRecord('transportLimits', limits)).map(([name, limit]) => [
    checkChoice('transportLimits', name, TRANSPORTS),
    checkCap(`transportLimits.${name}`, limit)
  ]))
}
