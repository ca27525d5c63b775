import { Alarm } from '../clock/alarm.ts'
import type { Guest } from './guest.ts'
import type { StreamLedger } from './stream-ledger.ts'
import type { Clock } from '../clock/clock.ts'
import type { SteadyTime } from '../limiter/steady-time.ts'

export interface IdleGuest {
  readonly guest: Guest
  readonly idleFor: number
}

export interface IdleWatchInit {
  readonly ledger: StreamLedger
  readonly clock: Clock

  /** The ledger's. */
  readonly time: SteadyTime
  readonly timeout: () => number

  /** These have been idle for longer, and are about to be looked at again in as long. */
  onIdle (guests: readonly IdleGuest[]): void
}

/** Sees when a connection has been idle for too long. One timer for all; it costs as much as there are idle ones. */
export class IdleWatch {
  readonly #init: IdleWatchInit
  readonly #alarm: Alarm
  #started = false

  constructor (init: IdleWatchInit) {
    this.#init = init
    this.#alarm = new Alarm(init.clock, () => { this.#sweep() })
  }

  start (): void {
    this.#started = true
    this.look()
  }

  stop (): void {
    this.#started = false
    this.#alarm.clear()
  }

  /** Somebody may have become idle. The alarm may ring too early, and looks again then: activity only ever moves it to later. */
  look (): void {
    const { ledger, timeout, time } = this.#init
    if (!this.#started || timeout() === Infinity || this.#alarm.at != null) return

    const { idleSince } = ledger
    if (idleSince != null) this.#alarm.set(time.toClock(idleSince + timeout()) + 1)
  }

  /** The time-out has changed. */
  reset (): void {
    this.#alarm.clear()
    this.look()
  }

  #sweep (): void {
    const { ledger, timeout, time, clock, onIdle } = this.#init
    const now = time.at(clock.now())
    const idle = ledger.idleFor(timeout(), now).map(guest => ({ guest, idleFor: now - guest.lastActivity }))

    for (const { guest } of idle) ledger.spare(guest, now)
    if (idle.length > 0) onIdle(idle)
    this.look()
  }
}
