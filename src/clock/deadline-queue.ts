import { Alarm } from './alarm.ts'
import type { Clock } from './clock.ts'

/**
 * Members that have the same time to do something. As all wait equally long, who came first is due first: one timer is enough for
 * however many there are, and adding, removing and ringing cost the same at any number.
 */
export class DeadlineQueue<Member> {
  readonly #clock: Clock
  readonly #delay: number
  readonly #onDue: (member: Member) => void
  readonly #due = new Map<Member, number>()
  readonly #alarm: Alarm

  /** @param delay - ms; `Infinity` is never */
  constructor (clock: Clock, delay: number, onDue: (member: Member) => void) {
    this.#clock = clock
    this.#delay = delay
    this.#onDue = onDue
    this.#alarm = new Alarm(clock, () => { this.#ring() })
  }

  get size (): number {
    return this.#due.size
  }

  /** From now on; who is in begins anew. */
  add (member: Member): void {
    this.#due.delete(member)
    this.#due.set(member, this.#clock.now() + this.#delay)
    if (this.#alarm.at == null) this.#arm()
  }

  /** It came in time, or need not come any more. @returns whether it was in */
  delete (member: Member): boolean {
    const isKnown = this.#due.delete(member)
    // while others wait it stays where it is, and may ring once for nobody: members that come and go cost no timer
    if (this.#due.size === 0) this.#alarm.clear()
    return isKnown
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
    for (const [member, due] of this.#due) {
      // Asked each time: who is added anew by `onDue` may be added later than we began, and is not due again now.
      const now = this.#clock.now()
      // a clock that jumped back makes nobody wait for longer than the delay
      if (due > now && due <= now + this.#delay) break
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
