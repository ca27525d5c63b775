import { NO_VIOLATIONS } from '../limiter/violations.ts'
import type { Places } from './protocol-places.ts'
import type { Idler } from '../limiter/idle-queue.ts'
import type { Violations } from '../limiter/violations.ts'
import type { Connection, Stream } from '@libp2p/interface'

/** A connection whose streams are watched. Its ledger writes what is counted on it. */
export class Guest implements Idler {
  readonly connection: Connection

  /** Its row in the rate of openings. */
  readonly row: number

  /** Streams that the remote has opened and whose protocol is awaited. Who closed before that is found out when somebody looks. */
  readonly pending = new Map<Stream, GatedStream>()

  /** Streams that hold something until they close. */
  readonly holders = new Map<Stream, GatedStream>()

  /** Holders that are life. A connection without any is in the idle queue. */
  counted = 0
  violations: Violations = NO_VIOLATIONS

  /** It is being closed, has closed, or is watched no more: what still arrives on it is refused and not counted. */
  isClosing = false

  /** Stops hearing of its streams. */
  undo: (() => void) | undefined = undefined

  // Steady ms, and its neighbours among the idle.
  lastActivity = 0
  older: Idler | undefined = undefined
  newer: Idler | undefined = undefined

  constructor (connection: Connection, row: number) {
    this.connection = connection
    this.row = row
  }
}

type OnClose = (stream: GatedStream) => void

/** A stream that is waited for, or that holds something until it closes. It is its own listener. */
export class GatedStream {
  readonly guest: Guest
  readonly stream: Stream

  /** Steady ms. */
  readonly since: number

  /** Where it is counted on the whole node. */
  places: Places | undefined = undefined

  /** Whether it is life. */
  isCounted = false
  readonly #onClose: OnClose

  constructor (guest: Guest, stream: Stream, since: number, onClose: OnClose) {
    this.guest = guest
    this.stream = stream
    this.since = since
    this.#onClose = onClose
  }

  handleEvent (): void {
    this.#onClose(this)
  }
}
