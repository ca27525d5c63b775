/**
 * The one source of time. Every rule and ledger takes `now` as an argument; every part with a life takes a `Clock`, so that a
 * test can move time by hand with `fakeClock()` from `libp2p-connmgr/testing`.
 */
export interface Clock {
  /**
   * Epoch milliseconds. It may jump, forwards or back: rules that take it as `now` say what they do then.
   */
  now (): number

  /**
   * Calls `callback` once, `delay` milliseconds from now. A timer never keeps a process alive. Returns a function that cancels it:
   * calling that twice, or after the timer fired, does nothing.
   */
  after (delay: number, callback: () => void): CancelTimer
}

/** Takes a timer back. Idempotent, and nothing once it has rung. */
export type CancelTimer = () => void
