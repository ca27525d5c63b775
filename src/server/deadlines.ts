import { Alarm } from '../clock/alarm.ts'
import type { Clock } from '../clock/clock.ts'

/**
 * Members that have the same time to do something. As all wait equally long, who came first is due first: one timer is enough for
 * however many there are, and adding, removing and ringing cost the same at any number.
 */
export class Deadlines<Member> {
  readonly #clock: Clock
  readonly #ms: number
  readonly #onDue: (member: Member) => void
  readonly #due = new Map<Member, number>()
  readonly #alarm: Alarm

  /** @param ms - `Infinity` is never */
  constructor (clock: Clock, ms: number, onDue: (member: Member) => void) {
    this.#clock = clock
    this.#ms = ms
    this.#onDue = onDue
    this.#alarm = new Alarm(clock, () => { this.#ring() })
  }

  get size (): number {
    return this.#due.size
  }

  /** From now on; who is in begins anew. */
  add (member: Member): void {
    this.#due.delete(member)
    this.#due.set(member, this.#clock.now() + this.#ms)
    if (this.#alarm.at == null) this.#arm()
  }

  /** @returns whether it was in */
  delete (member: Member): boolean {
    // The alarm stays where it is, and rings once for nobody: members that come and go cost no timer.
    return this.#due.delete(member)
  }

  has (member: Member): boolean {
    return this.#due.has(member)
  }

  /** Nobody is due any more. */
  clear (): void {
    this.#due.clear()
    this.#alarm.clear()
  }

  #ring (): void {
    const now = this.#clock.now()

    for (const [member, due] of this.#due) {
      if (due > now) break
      this.#due.delete(member)
      this.#onDue(member)
    }

    this.#arm()
  }

  #arm (): void {
    const [first] = this.#due.values()
    this.#alarm.set(first)
  }
}
