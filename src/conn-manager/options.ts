import { systemClock } from '../clock/system-clock.ts'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkClock, checkFlag, checkNames, checkRate } from '../limiter/options.ts'
import { quoted } from '../limiter/quoted.ts'
import { checkPeriod, MARKS, resolveLimits } from './limits.ts'
import { InvalidLimitError } from './errors.ts'
import type { ConnManagerInit, Limits } from './contract.ts'
import type { Rate } from '../limiter/rate.ts'

/**
 * The defaults that are not marks; `limits.ts` has those. Grace and silence are go-libp2p's (`connmgr/options.go`), the decay resolution
 * its decayer's.
 */
const defaults = {
  onHardLimit: 'evict',
  contestRate: { strategy: 'token-bucket', limit: 32, window: 10_000 },
  gracePeriod: 60_000,
  silencePeriod: 10_000,
  decayResolution: 60_000,
  maxUnconnectedPeers: 4_096,
  takeOver: true
} as const

export interface ConnManagerOptions extends Required<Omit<ConnManagerInit, keyof Limits | 'trimOrder' | 'contestRate'>> {
  readonly limits: Limits
  readonly contestRate: Rate
  readonly trimOrder: ConnManagerInit['trimOrder']
}

const NAMES: Readonly<Record<keyof ConnManagerInit, true>> = {
  ...MARKS,
  onHardLimit: true,
  contestRate: true,
  gracePeriod: true,
  silencePeriod: true,
  decayResolution: true,
  maxUnconnectedPeers: true,
  takeOver: true,
  trimOrder: true,
  clock: true
}

/** Checks a user's options once and fills in the rest. */
export function resolveOptions (init: ConnManagerInit): ConnManagerOptions {
  checkInit(init)

  return {
    limits: resolveLimits(init),
    onHardLimit: checkOnHardLimit(init.onHardLimit ?? defaults.onHardLimit),
    contestRate: checkRate('contestRate', init.contestRate ?? defaults.contestRate),
    gracePeriod: checkPeriod('gracePeriod', init.gracePeriod ?? defaults.gracePeriod, 'zero'),
    silencePeriod: checkPeriod('silencePeriod', init.silencePeriod ?? defaults.silencePeriod, 'zero'),
    decayResolution: checkPeriod('decayResolution', init.decayResolution ?? defaults.decayResolution, 'above-zero'),
    maxUnconnectedPeers: checkCapacity(init.maxUnconnectedPeers ?? defaults.maxUnconnectedPeers),
    takeOver: checkFlag('takeOver', init.takeOver ?? defaults.takeOver),
    trimOrder: checkTrimOrder(init.trimOrder),
    clock: checkClock(init.clock ?? systemClock)
  }
}

/** Whoever forgets the parentheses hands us libp2p's components, which are no plain object. */
function checkInit (init: unknown): void {
  if (typeof init === 'object' && init != null && ![Object.prototype, null].includes(Object.getPrototypeOf(init) as object | null)) {
    throw new InvalidOptionError('init', 'an object of options; among libp2p\'s services the factory is called: connManager()', init)
  }

  checkNames('init', init, NAMES)
}

function checkOnHardLimit (value: 'evict' | 'deny'): 'evict' | 'deny' {
  if (value !== 'evict' && value !== 'deny') {
    throw new InvalidLimitError(`Could not set onHardLimit: it must be 'evict' or 'deny', received ${quoted(value)}`)
  }

  return value
}

function checkCapacity (value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidLimitError(`Could not set maxUnconnectedPeers: it must be a whole number of at least 0, received ${quoted(value)}`)
  }

  return value
}

function checkTrimOrder (value: ConnManagerInit['trimOrder']): ConnManagerInit['trimOrder'] {
  if (value != null && typeof value !== 'function') {
    throw new InvalidLimitError(`Could not set trimOrder: it must be a function of two candidates, received ${quoted(value)}`)
  }

  return value
}
