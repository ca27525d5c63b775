import { maxHeaderSize } from 'node:http'
import { DeadlineQueue } from '../clock/deadline-queue.ts'
import { handOn, handOnNow, headerEnd, hold } from './hold.ts'
import type { GuardConfig } from './options.ts'
import type { ServerKind } from './server-kind.ts'
import type { Connection } from './sockets.ts'

type Pass = () => boolean

/**
 * What has to have come of a connection, and until when, before its server sees it. Deadlines run from accept on and are the accepted
 * socket's, below TLS, as is everything that is given here unless it says otherwise.
 */
export class FirstBytes {
  readonly #kind: ServerKind
  readonly #silent: DeadlineQueue<Connection>
  readonly #slow: DeadlineQueue<Connection>
  readonly #awaitsByte: boolean
  readonly #awaitsHeader: boolean
  /** Those whose server has not seen them, and what lets it. */
  readonly #held = new Map<Connection, () => void>()
  #isStopped = false

  constructor (kind: ServerKind, { firstByteDeadline, headerDeadline, clock }: GuardConfig) {
    const close = (socket: Connection): void => { socket.destroy() }

    this.#kind = kind
    this.#awaitsByte = firstByteDeadline !== Infinity
    this.#awaitsHeader = headerDeadline !== Infinity
    this.#silent = new DeadlineQueue(clock, firstByteDeadline, close)
    this.#slow = new DeadlineQueue(clock, headerDeadline, close)
  }

  /** How many are held. */
  get size (): number {
    return this.#held.size
  }

  /** It is accepted: its time begins. */
  accepted (socket: Connection): void {
    if (this.#awaitsByte) this.#silent.add(socket)
    if (this.#awaitsHeader) this.#slow.add(socket)
  }

  /** It has said something. */
  spoke (socket: Connection): void {
    this.#silent.delete(socket)
  }

  /** It has asked for something: a whole header of HTTP/2. */
  asked (socket: Connection): void {
    this.#slow.delete(socket)
  }

  /** Calls `pass` when the server may see it, which may be now; then it returns what that did, else true. */
  await (socket: Connection, pass: Pass): boolean {
    if (this.#isStopped) return pass()
    if (this.#awaitsHeader && this.#kind.protocol === 'http1' && !this.#kind.isSecure) return this.#awaitHeader(socket, socket, pass)
    return this.#awaitsByte ? this.#hold(socket, socket, () => true, pass) : pass()
  }

  /** @param secured - the TLS socket on top */
  awaitSecured (socket: Connection, secured: Connection, pass: Pass): boolean {
    // What HTTP/2 begins with has the blank line that ends a header of HTTP/1; its first request is told by its own event.
    return this.#slow.has(socket) && !isHttp2(secured) ? this.#awaitHeader(socket, secured, pass) : pass()
  }

  /** It is gone, or refused. */
  forget (socket: Connection): void {
    this.#held.delete(socket)
    this.#silent.delete(socket)
    this.#slow.delete(socket)
  }

  closeAll (): void {
    for (const socket of this.#held.keys()) socket.destroy()
  }

  /** Lets all go on, also those that come yet: some are on their way here. */
  stop (): void {
    this.#isStopped = true
    for (const letIn of [...this.#held.values()]) letIn()
    this.#silent.clear()
    this.#slow.clear()
  }

  #awaitHeader (socket: Connection, readable: Connection, pass: Pass): boolean {
    const isWhole = headerEnd(maxHeaderSize)

    return this.#hold(socket, readable, piece => {
      this.#silent.delete(socket)
      return isWhole(piece)
    }, () => {
      this.#slow.delete(socket)
      return pass()
    })
  }

  #hold (socket: Connection, readable: Connection, look: (piece: Uint8Array) => boolean, pass: Pass): true {
    const letIn = (bytes: Uint8Array, hand: typeof handOn): void => {
      this.#held.delete(socket)
      this.#silent.delete(socket)
      hand(readable, bytes, pass)
    }
    const letGo = hold(readable, look, ({ bytes, ended }) => {
      // What ends before it has begun has nothing to ask, and its end was heard by us already.
      if (ended && bytes.length > 0) readable.destroy()
      else letIn(bytes, handOn)
    })

    this.#held.set(socket, () => { letIn(letGo(), handOnNow) })
    return true
  }
}

function isHttp2 (secured: Connection): boolean {
  return (secured as { readonly alpnProtocol?: string | false | null }).alpnProtocol === 'h2'
}
