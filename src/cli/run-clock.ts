import { SteadyTime } from '../limiter/steady-time.ts'
import type { Clock } from '../clock/clock.ts'

const SECOND = 1_000

/** How long a run has lasted, by a clock that may be corrected meanwhile: set back, no time is taken back; set forward, the seconds between are left out. */
export class RunClock {
  readonly #clock: Clock
  readonly #time = new SteadyTime()
  #begun: number | undefined

  constructor (clock: Clock) {
    this.#clock = clock
  }

  begin (): void {
    this.#begun = this.#now()
  }

  /** Milliseconds; 0 before it has begun. */
  elapsed (): number {
    return this.#begun == null ? 0 : this.#now() - this.#begun
  }

  /** @param tell - called after each second, until it says false */
  eachSecond (tell: () => boolean, second = 1): void {
    this.#clock.after(second * SECOND - this.elapsed(), () => {
      // timers may be a millisecond early
      if (tell()) this.eachSecond(tell, Math.max(second, Math.floor(this.elapsed() / SECOND)) + 1)
    })
  }

  #now (): number {
    return this.#time.at(this.#clock.now())
  }
}
