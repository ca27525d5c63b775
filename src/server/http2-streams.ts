import { constants } from 'node:http2'
import { DeadlineQueue } from '../clock/deadline-queue.ts'
import { DENIAL_MESSAGE } from '../limiter/verdict.ts'
import { retryAfter } from './rate-limit-fields.ts'
import { ignoreErrors } from './sockets.ts'
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Hook } from './accept-hook.ts'
import type { Guest, Guests } from './guest.ts'
import type { GuardConfig } from './options.ts'

const counted = new WeakMap<object, SecurityGate>()

/** Whether a stream has been counted as a request of this gate, so that `limitRequests` behind it does not count it again. */
export function isCounted (stream: object, gate: SecurityGate): boolean {
  return counted.get(stream) === gate
}

/** One HTTP/2 connection carries every request of a client: its streams are what can be limited, and what tells whether it is used. */
export class StreamGuard {
  readonly #gate: SecurityGate
  readonly #guests: Guests
  readonly #limitStreams: boolean | undefined
  readonly #closing: DeadlineQueue<Http2Session>

  constructor (gate: SecurityGate, guests: Guests, { limitStreams, writeDeadline, clock }: GuardConfig) {
    this.#gate = gate
    this.#guests = guests
    this.#limitStreams = limitStreams
    this.#closing = new DeadlineQueue(clock, writeDeadline, session => { this.#end(session) })
  }

  readonly hook: Hook = (args, pass) => {
    const [stream, headers] = args as [ServerHttp2Stream, IncomingHttpHeaders]
    const guest = stream.session == null ? undefined : this.#guests.get(stream.session)
    if (guest == null || guest.proxies != null || isCounted(stream, this.#gate)) return pass()

    if (this.#limitStreams ?? !this.#guests.areAskedBehind) {
      const verdict = this.#gate.allowRequest(guest.socket, headers[':path'] ?? '/')
      if (!verdict.allow) {
        this.#refuse(stream, verdict)
        return true
      }

      counted.set(stream, this.#gate)
    }

    noteStream(guest, stream)
    return pass()
  }

  /** Whom the client does not let go. What was admitted before is still answered, as long as the sweep for the idle lets it. */
  #end (session: Http2Session): void {
    const streams = this.#guests.get(session)?.streams

    if (streams != null && [...streams].some(isUnanswered)) this.#closing.add(session)
    else session.destroy()
  }

  #refuse (stream: ServerHttp2Stream, verdict: Denied): void {
    const { session } = stream

    refuseStream(stream, verdict)
    if (verdict.action === 'drop' || session == null) return
    closeSession(session)
    if (!session.destroyed && !this.#closing.has(session)) {
      this.#closing.add(session)
      session.once('close', () => { this.#closing.delete(session) })
    }
  }
}

function noteStream (guest: Guest, stream: ServerHttp2Stream): void {
  const streams = guest.streams ??= new Set()

  streams.add(stream)
  stream.once('close', () => { streams.delete(stream) })
}

/** Whether it has asked for something, all of it, and the answer is not all given. A client that sends half a request and stops awaits nothing. */
export function isUnanswered (stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.writableEnded && stream.state.remoteClose === 1
}

/** A whole answer, after which the request's body is not wanted any more: RFC 9113 §8.1. */
export function refuseStream (stream: ServerHttp2Stream, verdict: Denied): void {
  stream.on('error', ignoreErrors)
  if (stream.destroyed || stream.closed) return

  if (!stream.headersSent) {
    stream.respond({
      ':status': 429,
      'retry-after': String(retryAfter(verdict.retryAfter)),
      'content-type': 'text/plain; charset=utf-8',
      'content-length': DENIAL_MESSAGE.length
    })
    stream.end(DENIAL_MESSAGE)
  }

  stream.once('finish', () => { stream.close(constants.NGHTTP2_NO_ERROR) })
}

/**
 * A GOAWAY: what is being answered is answered, and nothing more is begun. It carries no error, because a client that is told of one throws away
 * the 429 that was on its way.
 */
export function closeSession (session: Http2Session): void {
  if (!session.closed && !session.destroyed) session.close()
}
