import { InvalidOptionError } from '../limiter/errors.ts'
import { checkWeight } from '../limiter/options.ts'
import type { PeerId } from '@libp2p/interface'

/** One peer's value of one decaying tag. A copy: changing it changes nothing. */
export interface DecayingValue {
  readonly tag: string
  readonly peer: PeerId

  /** Epoch ms of the first bump. */
  readonly added: number

  /** Epoch ms of the last bump. Unlike go-libp2p's `LastVisit`, decaying does not move it. */
  readonly lastBump: number
  readonly value: number
}

/**
 * Called once for each interval that has passed. `after` replaces the value, rounded down; with `remove` the tag leaves the peer.
 */
export type DecayFn = (value: DecayingValue, now: number) => { after: number, remove: boolean }

/** Makes the new value out of the present one, 0 for a new one, and the delta of a bump. */
export type BumpFn = (value: DecayingValue, delta: number) => number

/** Never decays. */
export function decayNone (): DecayFn {
  return ({ value }) => ({ after: value, remove: false })
}

/**
 * Takes `minuend` off at each interval; removes what is zero or less then.
 *
 * @throws {@link InvalidOptionError} for what is no finite number from 0
 */
export function decayFixed (minuend: number): DecayFn {
  checkWeight('minuend', minuend)
  return ({ value }) => removeAtZero(value - minuend)
}

/**
 * Multiplies by `coefficient` at each interval, rounding down; removes what is zero or less then.
 *
 * @throws {@link InvalidOptionError} for what is no number from 0 to 1
 */
export function decayLinear (coefficient: number): DecayFn {
  check('coefficient', coefficient, coefficient >= 0 && coefficient <= 1, 'a number from 0 to 1')
  return ({ value }) => removeAtZero(Math.floor(value * coefficient))
}

/**
 * Keeps the value and removes it once the last bump is `after` ms old, as seen at an interval's end.
 *
 * go-libp2p's preset of this name zeroes the value at the first tick and never removes the tag; this one does what its name says.
 *
 * @throws {@link InvalidOptionError} for what is no number from 0; `Infinity` is never
 */
export function decayExpireWhenInactive (after: number): DecayFn {
  check('after', after, after >= 0, 'a number of milliseconds from 0, or Infinity')
  return ({ value, lastBump }, now) => ({ after: value, remove: now - lastBump >= after })
}

/** Adds the delta. */
export function bumpSumUnbounded (): BumpFn {
  return ({ value }, delta) => value + delta
}

/**
 * Adds the delta and keeps the sum between `min` and `max`.
 *
 * @throws {@link InvalidOptionError} for what is no number, and a `max` below `min`
 */
export function bumpSumBounded (min: number, max: number): BumpFn {
  check('min', min, !Number.isNaN(min), 'a number')
  check('max', max, max >= min, `a number of at least min (${min})`)
  return ({ value }, delta) => Math.max(min, Math.min(max, value + delta))
}

/** Replaces the value by the delta. */
export function bumpOverwrite (): BumpFn {
  return (_, delta) => delta
}

function check (option: string, value: unknown, holds: boolean, rule: string): void {
  if (typeof value !== 'number' || !holds) throw new InvalidOptionError(option, rule, value)
}

function removeAtZero (after: number): { after: number, remove: boolean } {
  return { after, remove: after <= 0 }
}
