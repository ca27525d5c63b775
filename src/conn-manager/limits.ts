import { quoted } from '../limiter/quoted.ts'
import { InvalidLimitError } from './errors.ts'
import type { Limits } from './contract.ts'

/** go-libp2p's host defaults (`defaults.go`). */
const DEFAULT_LOW_WATER = 160
const DEFAULT_HIGH_WATER = 192

/** The marks, by name. */
export const MARKS: Readonly<Record<keyof Limits, true>> = { lowWater: true, highWater: true, hardLimit: true, outboundReserve: true }

/**
 * Fills in the marks that were not given, with those in force or else from those that were, and refuses a set that contradicts itself: two limits
 * that disagree in silence are what made go-libp2p's trimmer never run (go-libp2p#1640).
 */
export function resolveLimits (given: Partial<Limits>, inForce?: Limits): Limits {
  const limits = inForce == null ? derive(given) : change(inForce, given)

  validate(limits, given)
  return limits
}

function change (inForce: Limits, given: Partial<Limits>): Limits {
  return {
    lowWater: given.lowWater ?? inForce.lowWater,
    highWater: given.highWater ?? inForce.highWater,
    hardLimit: given.hardLimit ?? inForce.hardLimit,
    outboundReserve: given.outboundReserve ?? inForce.outboundReserve
  }
}

function derive (given: Partial<Limits>): Limits {
  // before anything is derived from it: the error names the mark that was given
  if (given.highWater != null) wholeOrInfinite('highWater', given.highWater)

  const lowWater = given.lowWater ?? lowFrom(given.highWater)
  const highWater = given.highWater ?? highFrom(given.lowWater)
  const hardLimit = given.hardLimit ?? hardFrom(highWater)
  const outboundReserve = given.outboundReserve ?? (hardLimit === Infinity ? 0 : Math.floor(hardLimit / 10))

  return { lowWater, highWater, hardLimit, outboundReserve }
}

function lowFrom (highWater: number | undefined): number {
  if (highWater == null) return DEFAULT_LOW_WATER

  return highWater === Infinity ? DEFAULT_LOW_WATER : Math.max(1, Math.floor(highWater * 5 / 6))
}

function highFrom (lowWater: number | undefined): number {
  return lowWater == null ? DEFAULT_HIGH_WATER : Math.ceil(lowWater * 6 / 5)
}

/** A mark as large as can be is an operator's "no limit"; its double would not be a whole number any more. */
function hardFrom (highWater: number): number {
  return highWater > Number.MAX_SAFE_INTEGER / 2 ? Infinity : 2 * highWater
}

function validate (limits: Limits, given: Partial<Limits>): void {
  const { lowWater, highWater, hardLimit, outboundReserve } = limits
  wholeFrom(1, 'lowWater', lowWater)
  wholeOrInfinite('highWater', highWater)
  wholeOrInfinite('hardLimit', hardLimit)
  wholeFrom(0, 'outboundReserve', outboundReserve)

  const must = (holds: boolean, mark: keyof Limits, be: string, other: keyof Limits): void => {
    if (holds) return

    const received = given[mark] == null ? 'it was not given, and is' : 'received'
    const bound = given[other] == null ? `${limits[other]}, which was not given` : limits[other]
    throw new InvalidLimitError(`Could not set the watermarks: ${mark} must be ${be} ${other} (${bound}), ${received} ${limits[mark]}`)
  }

  must(highWater >= lowWater, 'highWater', 'at least', 'lowWater')
  must(hardLimit >= highWater, 'hardLimit', 'at least', 'highWater')
  must(outboundReserve < hardLimit, 'outboundReserve', 'below', 'hardLimit')
}

function wholeFrom (least: number, name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidLimitError(`Could not set ${name}: it must be a whole number of at least ${least}, received ${quoted(value)}`)
  }
}

function wholeOrInfinite (name: string, value: number): void {
  if (value !== Infinity) wholeFrom(1, name, value)
}

/** A duration in ms: finite, not negative. */
export function checkPeriod (name: string, value: number, least: 'zero' | 'above-zero'): number {
  const fits = least === 'zero' ? value >= 0 : value > 0

  if (!Number.isFinite(value) || !fits) {
    throw new InvalidLimitError(`Could not set ${name}: it must be a finite number of ms ${least === 'zero' ? 'of at least' : 'above'} 0, received ${quoted(value)}`)
  }

  return value
}
