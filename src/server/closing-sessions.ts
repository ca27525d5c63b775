import { DeadlineQueue } from '../clock/deadline-queue.ts'
import { guestsOf } from './guest.ts'
import type { Http2Session, ServerHttp2Stream } from 'node:http2'
import type { Clock } from '../clock/clock.ts'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { Guests } from './guest.ts'

/** HTTP/2 connections that are told to go, and made to. */
export class ClosingSessions {
  readonly #guests: Guests
  readonly #clock: Clock
  readonly #patience: number
  readonly #since = new WeakMap<Http2Session, number>()
  readonly #due: DeadlineQueue<Http2Session>

  constructor (gate: SecurityGate, writeDeadline: number, clock: Clock) {
    this.#guests = guestsOf(gate)
    this.#clock = clock
    this.#patience = gate.config().idleTimeout
    this.#due = new DeadlineQueue(clock, writeDeadline, session => { this.#end(session) })
  }

  /**
   * A GOAWAY: what is being answered is answered, and nothing more is begun. It carries no error, because a client that is told of one throws away
   * the 429 that was on its way.
   */
  close (session: Http2Session): void {
    if (!session.closed && !session.destroyed) session.close()
    if (session.destroyed || this.#due.has(session)) return

    this.#since.set(session, this.#clock.now())
    this.#due.add(session)
    session.once('close', () => { this.#due.delete(session) })
  }

  /** Whom the client does not let go. What was admitted before is waited for as long as we owe the answer, and no longer than anybody may be idle. */
  #end (session: Http2Session): void {
    const streams = this.#guests.get(session)?.streams ?? []
    const isPatient = this.#clock.now() - this.#since.get(session)! < this.#patience

    if (isPatient && [...streams].some(isUnanswered)) this.#due.add(session)
    else session.destroy()
  }
}

const closingByGate = new WeakMap<SecurityGate, ClosingSessions>()

/** Those of the latest `limitConnections` of a gate; undefined where there is none. */
export function closingSessionsOf (gate: SecurityGate): ClosingSessions | undefined {
  return closingByGate.get(gate)
}

export function setClosingSessions (gate: SecurityGate, closing: ClosingSessions): void {
  closingByGate.set(gate, closing)
}

/** Whether it has asked for something, all of it, and the answer is not all given. A client that sends half a request and stops awaits nothing. */
export function isUnanswered (stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.writableEnded && stream.state.remoteClose === 1
}
