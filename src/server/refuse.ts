import { DeadlineQueue } from '../clock/deadline-queue.ts'
import { httpRefusal } from './http-refusal.ts'
import { isThenable } from '../limiter/thenable.ts'
import { ignoreErrors, reset } from './sockets.ts'
import type { Clock } from '../clock/clock.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { AcceptedHandle } from './handle-hook.ts'
import type { Connection } from './sockets.ts'

/** What a refused connection gets: {@link LimitConnectionsOptions.onDeny}. */
export type DenyAction = 'reset' | 'close' | 'too-many-requests'

/** Closes the socket, in its own way. */
export type DenyHandler = (socket: Connection, verdict: Denied) => void

/** Sockets that are being told why, at most: each holds a file descriptor until it has listened. Above that they are closed without a word. */
const MAX_TELLING = 256

/** What a refused client may still send while it is told. More says that it does not listen. */
const MAX_DISCARDED = 65_536

/** Refuses sockets that nobody else has seen. It never waits for one: whoever is slow to hear is on its own. */
export class Refuser {
  readonly #onDeny: DenyAction | DenyHandler | undefined
  readonly #speaksHttp: boolean
  readonly #telling: DeadlineQueue<Connection>
  #refused = 0

  /** @param speaksHttp - whether a plain HTTP/1.1 answer is one its clients can read */
  constructor (onDeny: DenyAction | DenyHandler | undefined, speaksHttp: boolean, writeDeadline: number, clock: Clock) {
    this.#onDeny = onDeny
    this.#speaksHttp = speaksHttp
    this.#telling = new DeadlineQueue(clock, writeDeadline, socket => { socket.destroy() })
  }

  /** Whether every refusal is a reset or an end without a word: none of them needs a socket. */
  get isSilent (): boolean {
    return this.#onDeny === 'reset' || this.#onDeny === 'close' || (typeof this.#onDeny !== 'function' && !this.#speaksHttp)
  }

  get refused (): number {
    return this.#refused
  }

  /** Sockets that have not closed yet. */
  get telling (): number {
    return this.#telling.size
  }

  /** What has no socket yet; only where refusals are silent. */
  turnAway (handle: AcceptedHandle, verdict: Denied): void {
    this.#refused++
    // A reset that fails has closed nothing.
    const isReset = this.#actionFor(verdict) === 'reset' && handle.reset?.() === 0
    if (!isReset) handle.close()
  }

  refuse (socket: Connection, verdict: Denied): void {
    const action = this.#actionFor(verdict)
    this.#refused++

    if (action === 'reset') reset(socket)
    else if (action === 'close' || (action === 'too-many-requests' && !this.#mayTell())) socket.destroy()
    else if (action === 'too-many-requests') this.#tell(socket, verdict)
    else this.#handOver(socket, verdict, action)
  }

  /** As `refuse`, but in no case says anything: there is no client to say it to. */
  refuseSilently (socket: Connection, verdict: Denied): void {
    this.#refused++
    if (typeof this.#onDeny === 'function') this.#handOver(socket, verdict, this.#onDeny)
    else if (this.#onDeny === 'reset') reset(socket)
    else socket.destroy()
  }

  #actionFor (verdict: Denied): DenyAction | DenyHandler {
    return this.#onDeny ?? (verdict.reason === 'banned' ? 'reset' : 'too-many-requests')
  }

  #mayTell (): boolean {
    return this.#speaksHttp && this.#telling.size < MAX_TELLING
  }

  /**
   * Goes on reading after the answer until the client hangs up or its time is over: closing while something unread has arrived sends a RST,
   * which takes the answer out of the client's hands.
   */
  #tell (socket: Connection, verdict: Denied): void {
    let discarded = 0

    this.#await(socket)
    socket.on('data', (chunk: Uint8Array) => {
      discarded += chunk.length
      if (discarded > MAX_DISCARDED) socket.destroy()
    })
    socket.once('end', () => { socket.destroy() })
    socket.end(httpRefusal(verdict))
  }

  /** What the user's function does not close by the deadline, we do; and at once, when it throws. */
  #handOver (socket: Connection, verdict: Denied, handler: DenyHandler): void {
    this.#await(socket)

    try {
      // A promise may come of it, which TypeScript does not mind.
      const result: unknown = handler(socket, verdict)
      if (isThenable(result)) result.then(undefined, () => { socket.destroy() })
    } catch {
      socket.destroy()
    }
  }

  #await (socket: Connection): void {
    this.#telling.add(socket)
    socket.on('error', ignoreErrors)
    socket.once('close', () => { this.#telling.delete(socket) })
  }
}
