import { Alarm } from '../clock/alarm.ts'
import type { GatedStream } from './guest.ts'
import type { Clock } from '../clock/clock.ts'
import type { SteadyTime } from '../limiter/steady-time.ts'

export interface PendingWatchInit {
  readonly clock: Clock

  /** The ledger's. */
  readonly time: SteadyTime
  readonly timeout: () => number
  onDue (stream: GatedStream): void
}

/**
 * Streams whose protocol is awaited, in the order in which they came, and one timer for all. It is not moved when one of them is done, which nearly
 * every stream is before anybody looks: it rings, and looks at who is left.
 */
export class PendingWatch {
  readonly #init: PendingWatchInit
  readonly #waiting = new Set<GatedStream>()
  readonly #alarm: Alarm

  constructor (init: PendingWatchInit) {
    this.#init = init
    this.#alarm = new Alarm(init.clock, () => { this.#ring() })
  }

  add (stream: GatedStream): void {
    this.#waiting.add(stream)
    if (this.#alarm.at == null) this.#arm(stream)
  }

  delete (stream: GatedStream): void {
    this.#waiting.delete(stream)
  }

  clear (): void {
    this.#waiting.clear()
    this.#alarm.clear()
  }

  /** The time-out has changed: whoever waits has the new one, from when it came. */
  reset (): void {
    this.#alarm.clear()
    for (const oldest of this.#waiting) {
      this.#arm(oldest)
      return
    }
  }

  #arm ({ since }: GatedStream): void {
    const { time, timeout } = this.#init
    this.#alarm.set(time.toClock(since + timeout()))
  }

  #ring (): void {
    const { time, clock, timeout, onDue } = this.#init
    const now = time.at(clock.now())

    for (const stream of this.#waiting) {
      if (stream.since + timeout() > now) break
      this.#waiting.delete(stream)
      onDue(stream)
    }
    this.reset()
  }
}
