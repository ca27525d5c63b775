import { Listeners } from '../limiter/listeners.ts'
import type { StreamDenial } from './contract.ts'
import type { Denied, DenyReason } from '../limiter/verdict.ts'
import type { Connection, Stream } from '@libp2p/interface'

export interface StreamDenialsInit {
  write (now: number, line: () => string): void

  /** Only when somebody listens is a denial described: a flood is refused more often than anybody looks. */
  isHeard (): boolean
  tell (denial: StreamDenial): void
}

/** Counts every denial, tells who listens, and writes it to the log. */
export class StreamDenials {
  readonly #init: StreamDenialsInit
  readonly #counts: Partial<Record<DenyReason, number>> = {}

  /** For metrics. The protocol is empty where it is not negotiated. */
  readonly onDeny = new Listeners<{ readonly protocol: string, readonly reason: DenyReason }>()

  constructor (init: StreamDenialsInit) {
    this.#init = init
  }

  get byReason (): Partial<Record<DenyReason, number>> {
    return { ...this.#counts }
  }

  add (stage: StreamDenial['stage'], denied: Denied, connection: Connection, stream: Stream, now: number): void {
    const { reason } = denied
    this.#counts[reason] = (this.#counts[reason] ?? 0) + 1

    if (this.onDeny.size > 0) this.onDeny.emit({ protocol: stream.protocol, reason })
    if (this.#init.isHeard()) this.#init.tell(describe(stage, denied, connection, stream, now))
    this.#init.write(now, () => lineOf(denied, connection, stream))
  }
}

function describe (stage: StreamDenial['stage'], { action, reason, key, limit, retryAfter }: Denied, connection: Connection, stream: Stream, at: number): StreamDenial {
  return {
    stage,
    action,
    reason,
    direction: stream.direction,
    ...stream.protocol !== '' && { protocol: stream.protocol },
    peer: connection.remotePeer,
    connectionId: connection.id,
    ...key != null && { key },
    ...limit != null && { limit },
    ...retryAfter != null && { retryAfter },
    at
  }
}

function lineOf ({ action, reason, limit }: Denied, connection: Connection, stream: Stream): string {
  const what = stream.protocol === '' ? 'a stream' : `a stream of ${stream.protocol}`
  return `denied ${what} ${stream.direction === 'inbound' ? 'from' : 'to'} ${connection.remotePeer}: ${reason}, the limit is ${limit}${action === 'close' ? ', and closed the connection' : ''}`
}
