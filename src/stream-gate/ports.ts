import type { StreamHook } from './contract.ts'
import type { Offence } from '../limiter/risk-options.ts'
import type { Connection, Logger, Stream } from '@libp2p/interface'

/** What the edge gives to the gate: the other parts, the log, and js-libp2p's inside. */
export interface StreamGatePorts {
  /** Where js-libp2p could not be hooked in. */
  readonly off: () => readonly StreamHook[]

  /** Hears of every stream that the remote opens. @returns what ends that; undefined where it cannot be heard */
  hear (connection: Connection, onStream: (stream: Stream) => void): (() => void) | undefined

  /** Whether rates, caps and the idle sweep leave this connection alone. Only asked when it would be refused or closed. */
  isExempt (connection: Connection): boolean

  /** Whether this protocol is more than the upkeep of a connection: a stream of it keeps its connection from being idle. */
  isLife (protocol: string): boolean

  /** Scores an offence on the connection's client. */
  offend (connection: Connection, offence: Offence): void

  /** Ends a connection at once. */
  close (connection: Connection, why: Error): void

  /**
   * Closes connections gently, and not all at once.
   *
   * @param mayGo - asked about each, by its index, when its turn has come
   */
  closeIdle (connections: readonly Connection[], mayGo: (index: number) => boolean): void

  readonly log: Logger

  /** A line for the log, of which there may be too many. */
  write (now: number, line: () => string): void
}
