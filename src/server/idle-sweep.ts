import { Alarm } from '../clock/alarm.ts'
import { isUnanswered } from './closing-sessions.ts'
import { answerOn, queuedBytes } from './sockets.ts'
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
 * WebSocket ask for nothing and are no idlers, so those that move bytes or await an answer stay. Once an answer is all given to Node, or more of it
 * than it likes, bytes alone tell: a client that asks and never reads is idle.
 */
export class IdleSweep {
  readonly #init: IdleSweepInit
  readonly #alarm: Alarm
  #isStopped = false

  constructor (init: IdleSweepInit) {
    this.#init = init
    this.#alarm = new Alarm(init.clock, () => { this.#look() })
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
  // What only waits for the client to read it has not moved.
  const moved = bytesRead + bytesWritten - queuedBytes(guest.socket)

  if (moved !== guest.moved) {
    guest.moved = moved
    guest.movedAt = now
  }
}

function isIdle (guest: Guest, timeout: number, now: number): boolean {
  return now - guest.movedAt > timeout && !awaitsUs(guest)
}

/** Whether it is our turn: it has asked for something, all of it, and is not the one who keeps the answer from going on. */
function awaitsUs ({ socket, speaker, streams }: Guest): boolean {
  if (streams != null) return [...streams].some(stream => isUnanswered(stream) && !stream.writableNeedDrain)
  const answer = answerOn(speaker ?? socket)

  return answer?.req?.complete === true && !answer.writableEnded && !answer.writableNeedDrain
}
