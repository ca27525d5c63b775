import type { Clock } from './clock.ts'

export interface FakeClock extends Clock {
  /**
   * Moves time forward by `ms`. Timers that fall due fire in order of their time, then of their making, synchronously, each at its own `now()`.
   * Timers set while advancing fire too when they fall due within the same step. Where a callback
   * moved time further than `ms`, it stays there. What a callback throws comes out at its time, and the later timers stay armed.
   *
   * @throws ClockError for what is no finite number from 0: nothing moves, use `jump` to go back
   */
  advance (ms: number): void

  /** Moves time to `at` without firing anything, forwards or back, as a corrected system clock does. */
  jump (at: number): void

  /** Timers that are armed now. */
  readonly pending: number
}

/** A time that is none. A clock that took it would stand still for ever. */
class ClockError extends Error {
  override readonly name = 'ClockError'
  readonly code = 'ERR_CLOCK'

  constructor (action: string, rule: string, received: unknown) {
    super(`Could not ${action}: it must be ${rule}, received ${typeof received === 'number' ? received : typeof received}`)
  }
}

interface Timer {
  readonly due: number
  readonly callback: () => void
}

/**
 * A clock that moves by hand only.
 *
 * @param startAt - epoch ms of its first `now()`; default 1,700,000,000,000
 * @throws ClockError for what is no finite number
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
  let now = finite('start the clock at this time', startAt)
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
      if (typeof delay !== 'number' || Number.isNaN(delay)) throw new ClockError('set a timer', 'a number of milliseconds', delay)
      const timer = { due: now + Math.max(delay, 0), callback }
      timers.add(timer)
      return () => { timers.delete(timer) }
    },

    advance (ms) {
      if (finite('advance the clock', ms) < 0) throw new ClockError('advance the clock', 'a number from 0', ms)
      const end = now + ms

      for (let timer = next(); timer != null && timer.due <= end; timer = next()) {
        timers.delete(timer)
        now = Math.max(now, timer.due)
        timer.callback()
      }

      now = Math.max(now, end)
    },

    jump (at) { now = finite('move the clock to this time', at) },

    get pending () { return timers.size }
  }
}

function finite (action: string, value: number): number {
  if (Number.isFinite(value)) return value
  throw new ClockError(action, 'a finite number of milliseconds', value)
}
