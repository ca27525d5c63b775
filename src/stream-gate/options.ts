import { systemClock } from '../clock/system-clock.ts'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkCap, checkCapacity, checkChoice, checkClock, checkDuration, checkDurationOrNever, checkFlag, checkRate, checkRecord, checkRecordOrFalse } from '../limiter/options.ts'
import { DEFAULT_CAPACITY } from '../limiter/rate-limiter.ts'
import { checkRules } from './protocol-rules.ts'
import type { StreamGateConfig, StreamGateInit, StreamGateLimits, StreamHook } from './contract.ts'
import type { Clock } from '../clock/clock.ts'
import type { Rate } from '../limiter/rate.ts'

type Limits = Required<StreamGateLimits>

/**
 * A busy gossipsub, kad-dht and bitswap peer opens some 10 streams a second, an attacker 10,000; 64 pending is js-libp2p's own limit of outbound
 * streams of a protocol, so that one of its nodes may open all of those at once. Its negotiation time-out is ours; two drops are the security gate's.
 */
const DEFAULTS: Limits = {
  openRate: Object.freeze({ strategy: 'token-bucket', limit: 500, window: 10_000 }),
  maxPendingStreams: 64,
  negotiationTimeout: 10_000,
  protocolRates: Object.freeze({}),
  peerRate: false,
  maxStreamsPerProtocol: Object.freeze({}),
  directions: 'inbound',
  dropsBeforeClose: 2,
  idleTimeout: Infinity
}

const CHECKS: { readonly [Name in keyof Limits]: (option: string, value: unknown) => Limits[Name] } = {
  openRate: checkRateOrNone,
  maxPendingStreams: checkCap,
  negotiationTimeout: checkDuration,
  protocolRates: (option, value) => checkRules(option, value, checkRate),
  peerRate: checkRateOrNone,
  maxStreamsPerProtocol: (option, value) => checkRules(option, value, checkCap),
  directions: (option, value) => checkChoice(option, value, ['inbound', 'both']),
  dropsBeforeClose: checkCap,
  idleTimeout: checkDurationOrNever
}

/** What each option needs of js-libp2p. */
const NEEDS: { readonly [Name in keyof Limits]: StreamHook | undefined } = {
  openRate: 'muxer',
  maxPendingStreams: 'muxer',
  negotiationTimeout: 'muxer',
  protocolRates: 'middleware',
  peerRate: 'middleware',
  maxStreamsPerProtocol: 'middleware',
  directions: undefined,
  dropsBeforeClose: undefined,
  idleTimeout: 'middleware'
}

const NAMES = Object.keys(DEFAULTS) as Array<keyof Limits>
const GIVEN_ONCE: readonly string[] = ['strict', 'capacity', 'clock']

export interface StreamGateOptions {
  readonly config: StreamGateConfig
  readonly capacity: number
  readonly clock: Clock

  /** Options that were given, by the hook that they need. */
  readonly asked: Readonly<Record<StreamHook, readonly string[]>>
}

/** What has no limit, so that it can be given one later. */
const NO_RATE: Rate = Object.freeze({ strategy: 'fixed-window', limit: Infinity, window: 1_000 })

export function rateOf (rate: Rate | false): Rate {
  return rate === false ? NO_RATE : rate
}

/** @throws InvalidOptionError */
export function parseOptions (init: StreamGateInit): StreamGateOptions {
  checkInit(init)
  const { strict = false, capacity = DEFAULT_CAPACITY, clock, ...limits } = checkRecord('init', init) as StreamGateInit

  return {
    config: Object.freeze({ ...parseLimits(limits, DEFAULTS, 'init'), strict: checkFlag('strict', strict) }),
    capacity: checkCapacity('capacity', capacity),
    clock: checkClock(clock ?? systemClock),
    asked: { muxer: askedFor(limits, 'muxer'), middleware: askedFor(limits, 'middleware') }
  }
}

/** Whoever forgets the parentheses hands us libp2p's components, which are no plain object. */
function checkInit (init: unknown): void {
  if (typeof init === 'object' && init != null && ![Object.prototype, null].includes(Object.getPrototypeOf(init) as object | null)) {
    throw new InvalidOptionError('init', 'an object of options; among libp2p\'s services the factory is called: streamGate()', init)
  }
}

/** The limits after a change. @throws InvalidOptionError, also for a name that is no limit: one that is misspelt must not pass for one that holds */
export function parseLimits (change: unknown, current: Limits, option = 'change'): Limits {
  const given = checkRecord(option, change)
  const unknown = Object.keys(given).find(name => !(NAMES as string[]).includes(name))

  if (unknown != null && GIVEN_ONCE.includes(unknown)) throw new InvalidOptionError(unknown, 'given when the gate is made: it cannot be changed later', given[unknown])
  if (unknown != null) throw new InvalidOptionError(option, `an object whose keys are among ${[...NAMES, ...GIVEN_ONCE].join(', ')}`, unknown)

  return { ...current, ...Object.fromEntries(NAMES.filter(name => given[name] !== undefined).map(name => [name, CHECKS[name](name, given[name])])) }
}

/** Every option that needs this hook, whether it was given or not. */
export function optionsNeeding (hook: StreamHook): string[] {
  return NAMES.filter(name => NEEDS[name] === hook)
}

function askedFor (given: StreamGateLimits, hook: StreamHook): string[] {
  return NAMES.filter(name => NEEDS[name] === hook && given[name] !== undefined)
}

function checkRateOrNone (option: string, value: unknown): Rate | false {
  return value === false ? false : checkRate(option, checkRecordOrFalse(option, value))
}
