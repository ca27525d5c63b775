import type { Rate } from '../rate.ts'

/**
 * One rate over many keys, without knowing them: each key's state is `width` numbers of `cells`, from `at`, and all zeros is a key that was
 * never seen. The answer depends on these numbers, `now` and `cost` only.
 *
 * `now` is a whole number of ms and never goes back (see `SteadyTime`); `cost` is a whole number from 0.
 */
export interface RateSteps {
  readonly rate: Rate

  readonly width: number

  /**
   * Spends nothing.
   *
   * @returns 0 when `cost` may be taken now; else the exact number of ms after which it may, if nothing else is taken meanwhile; `Infinity`
   * when it never may, because it is more than the limit
   */
  wait (cells: Float64Array, at: number, now: number, cost: number): number

  /**
   * Takes `cost`, unless it may not be taken.
   *
   * @returns as `wait`; nothing was taken unless it is 0
   */
  take (cells: Float64Array, at: number, now: number, cost: number): number

  /** How much of the limit is in use: 0 to `limit`, a whole number. What is partly in use counts whole. */
  used (cells: Float64Array, at: number, now: number): number

  /** In how many ms the key will be equal to one that was never seen; 0 when it is. */
  settles (cells: Float64Array, at: number, now: number): number

  /** Makes a key that was never seen one that took `used` at `now`, but not more than the limit. */
  seed (cells: Float64Array, at: number, now: number, used: number): void

  /** Makes the key one that was never seen. */
  clear (cells: Float64Array, at: number): void
}
