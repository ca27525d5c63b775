import type { Clock } from './clock.ts'

export interface FakeClock extends Clock {
  /**
   * Moves time forward by `ms`. Timers that fall due fire in order of their time, then of their making, synchronously, each at its own `now()`.
   * Timers set while advancing fire too when they fall due within the same step. Where a callback
   * moved time further than `ms`, it stays there.
   */
  advance (ms: number): void

  /** Moves time to `at` without firing anything, forwards or back, as a corrected system clock does. */
  jump (at: number): void

  /** Timers that are armed now. */
  readonly pending: number
}

interface Timer {
  readonly due: number
  readonly callback: () => void
}

/**
 * A clock that moves by hand only.
 *
 * @param startAt - epoch ms of its first `now()`; default 1,700,000,000,000
 *
 * @example
 *
 * ```ts
 * import { fakeClock } from 'libp2p-connmgr/testing'
 *
 * const clock = fakeClock()
 * let fired = false
 * clock.after(1_000, () => { fired = true })
 * clock.advance(1_000)
 * console.log(fired) // true
 * ```
 */
export function fakeClock (startAt = 1_700_000_000_000): FakeClock {
  let now = startAt
  const timers = new Set<Timer>()

  function next (): Timer | undefined {
    let first: Timer | undefined

    for (const timer of timers) {
      if (first == null || timer.due < first.due) {
        first = timer
      }
    }

    return first
  }

  return {
    now: () => now,

    after (delay, callback) {
      const timer = { due: now + Math.max(delay, 0), callback }
      timers.add(timer)
      return () => { timers.delete(timer) }
    },

    advance (ms) {
      const end = now + ms

      for (let timer = next(); timer != null && timer.due <= end; timer = next()) {
        timers.delete(timer)
        now = Math.max(now, timer.due)
        timer.callback()
      }

      now = Math.max(now, end)
    },

    jump (at) { now = at },

    get pending () { return timers.size }
  }
}
