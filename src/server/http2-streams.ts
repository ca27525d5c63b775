import { constants } from 'node:http2'
import { DENIAL_MESSAGE } from '../limiter/verdict.ts'
import { ClosingSessions, setClosingSessions } from './closing-sessions.ts'
import { retryAfter } from './rate-limit-fields.ts'
import { ignoreErrors } from './sockets.ts'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Hook } from './accept-hook.ts'
import type { Guest, Guests } from './guest.ts'
import type { GuardConfig } from './options.ts'

/** By which gates: each that stands before a server counts for itself. */
const counted = new WeakMap<object, readonly SecurityGate[]>()

/** Whether a stream has been counted as a request of this gate, so that `limitRequests` behind it does not count it again. */
export function isCounted (stream: object, gate: SecurityGate): boolean {
  return counted.get(stream)?.includes(gate) === true
}

/** One HTTP/2 connection carries every request of a client: its streams are what can be limited, and what tells whether it is used. */
export class StreamGuard {
  readonly #gate: SecurityGate
  readonly #guests: Guests
  readonly #limitStreams: boolean | undefined
  readonly #closing: ClosingSessions

  constructor (gate: SecurityGate, guests: Guests, { limitStreams, writeDeadline, clock }: GuardConfig) {
    this.#gate = gate
    this.#guests = guests
    this.#limitStreams = limitStreams
    this.#closing = new ClosingSessions(gate, writeDeadline, clock)
    setClosingSessions(gate, this.#closing)
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

      counted.set(stream, [...counted.get(stream) ?? [], this.#gate])
    }

    noteStream(guest, stream)
    return pass()
  }

  #refuse (stream: ServerHttp2Stream, verdict: Denied): void {
    const { session } = stream

    refuseStream(stream, verdict)
    if (verdict.action === 'close' && session != null) this.#closing.close(session)
  }
}

export function noteStream (guest: Guest, stream: ServerHttp2Stream): void {
  const streams = guest.streams ??= new Set()
  if (streams.has(stream)) return

  streams.add(stream)
  stream.once('close', () => { streams.delete(stream) })
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
