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

/** Takes `minuend` off at each interval; removes what is zero or less then. */
export function decayFixed (minuend: number): DecayFn {
  return ({ value }) => removeAtZero(value - minuend)
}

/** Multiplies by `coefficient` at each interval, rounding down; removes what is zero or less then. */
export function decayLinear (coefficient: number): DecayFn {
  return ({ value }) => removeAtZero(Math.floor(value * coefficient))
}

/**
 * Keeps the value and removes it once the last bump is `after` ms old, as seen at an interval's end.
 *
 * go-libp2p's preset of this name zeroes the value at the first tick and never removes the tag; this one does what its name says.
 */
export function decayExpireWhenInactive (after: number): DecayFn {
  return ({ value, lastBump }, now) => ({ after: value, remove: now - lastBump >= after })
}

/** Adds the delta. */
export function bumpSumUnbounded (): BumpFn {
  return ({ value }, delta) => value + delta
}

/** Adds the delta and keeps the sum between `min` and `max`. */
export function bumpSumBounded (min: number, max: number): BumpFn {
  return ({ value }, delta) => Math.max(min, Math.min(max, value + delta))
}

/** Replaces the value by the delta. */
export function bumpOverwrite (): BumpFn {
  return (_, delta) => delta
}

function removeAtZero (after: number): { after: number, remove: boolean } {
  return { after, remove: after <= 0 }
}
