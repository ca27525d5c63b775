/**
 * Time that never goes back: where the clock jumps back, it goes on from where it was.
 *
 * Every ledger that remembers times asks through one of its own. Without it a clock corrected by an hour would keep a refused client out for
 * that hour (its window "ends in an hour") or free it (its window "has not begun"); with it everybody has exactly the wait they had. A jump
 * forward cannot be told from time that passed, and counts as such.
 *
 * Whole milliseconds, because quotas are counted in whole numbers.
 */
export class SteadyTime {
  #last = 0
  #behind = 0

  at (now: number): number {
    const time = Math.floor(now) + this.#behind
    if (time >= this.#last) {
      this.#last = time
      return time
    }

    // `NaN` ends here, too, and is no time at all.
    if (time < this.#last) this.#behind += this.#last - time
    return this.#last
  }

  /** The clock's own reading of a steady time, for people and for other clocks. */
  toClock (time: number): number {
    return time - this.#behind
  }
}
