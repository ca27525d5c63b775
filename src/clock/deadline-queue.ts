import { Alarm } from './alarm.ts'
import type { Clock } from './clock.ts'

/** One deadline for many things, each from when it was added: they fall due in the order in which they came, so one timer is enough. */
export class DeadlineQueue<T> {
  readonly #clock: Clock
  readonly #delay: number
  readonly #due = new Map<T, number>()
  readonly #alarm: Alarm
  readonly #onDue: (item: T) => void

  constructor (clock: Clock, delay: number, onDue: (item: T) => void) {
    this.#clock = clock
    this.#delay = delay
    this.#onDue = onDue
    this.#alarm = new Alarm(clock, () => { this.#ring() })
  }

  get size (): number {
    return this.#due.size
  }

  add (item: T): void {
    this.#due.set(item, this.#clock.now() + this.#delay)
    if (this.#due.size === 1) this.#arm()
  }

  /** It came in time, or need not come any more. */
  delete (item: T): boolean {
    const isKnown = this.#due.delete(item)
    if (this.#due.size === 0) this.#alarm.clear()
    return isKnown
  }

  clear (): void {
    this.#due.clear()
    this.#alarm.clear()
  }

  #ring (): void {
    const now = this.#clock.now()

    for (const [item, due] of this.#due) {
      // A clock that jumped back makes nobody wait for longer than the delay.
      if (due > now && due <= now + this.#delay) break
      this.#due.delete(item)
      this.#onDue(item)
    }
    this.#arm()
  }

  #arm (): void {
    for (const due of this.#due.values()) {
      this.#alarm.set(due)
      return
    }
    this.#alarm.clear()
  }
}
