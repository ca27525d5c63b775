import { Alarm } from '../clock/alarm.ts'
import { awaitsAnswer } from './http2-streams.ts'
import type { Socket } from 'node:net'
import type { Clock } from '../clock/clock.ts'
import type { Admission } from './admission.ts'
import type { Guest, Guests } from './guest.ts'
import type { GuestList } from './guest-list.ts'

export interface IdleSweepInit {
  readonly guests: Guests
  readonly open: GuestList
  readonly admission: Admission
  readonly interval: number
  readonly clock: Clock
  readonly leave: (guest: Guest) => void
}

/**
 * Looks now and then for connections that nobody uses. The gate says which have been granted no request; but a download, a slow answer and a
 * WebSocket ask for nothing and are no idlers, so those that move bytes or await an answer stay.
 */
export class IdleSweep {
  readonly #init: IdleSweepInit
  readonly #alarm: Alarm
  #isStopped = false

  constructor (init: IdleSweepInit) {
    this.#init = init
    this.#alarm = new Alarm(init.clock, () => { this.#look() })
  }

  /** Whether anybody is ever idle, and looked for. */
  get hasIdlers (): boolean {
    return this.#init.admission.idleTimeout !== Infinity && this.#init.interval !== Infinity
  }

  /** Looks as long as anybody is in, and needs no timer when nobody is. */
  start (): void {
    const { interval, clock } = this.#init
    if (!this.#isStopped && this.#alarm.at == null && interval !== Infinity) this.#alarm.set(clock.now() + interval)
  }

  stop (): void {
    this.#isStopped = true
    this.#alarm.clear()
  }

  #look (): void {
    const { open, admission, guests, clock, leave } = this.#init
    const now = clock.now()

    for (const guest of open) {
      // A library that takes all listeners off a socket takes ours off, too.
      if (guest.socket.closed) leave(guest)
      else if (admission.idleTimeout !== Infinity) note(guest, now)
    }

    for (const id of admission.idle()) {
      const guest = typeof id === 'object' && id != null ? guests.get(id) : undefined
      if (guest != null && open.has(guest) && isIdle(guest, admission.idleTimeout, now)) guest.socket.destroy()
    }

    if (open.size > 0) this.start()
  }
}

function note (guest: Guest, now: number): void {
  const { bytesRead = 0, bytesWritten = 0 } = guest.socket as Partial<Socket>
  const moved = bytesRead + bytesWritten

  if (moved !== guest.moved) {
    guest.moved = moved
    guest.movedAt = now
  }
}

function isIdle ({ answer, streams, movedAt }: Guest, timeout: number, now: number): boolean {
  if (now - movedAt <= timeout) return false

  return streams == null ? answer == null || answer.writableFinished || answer.destroyed : !awaitsAnswer(streams)
}
