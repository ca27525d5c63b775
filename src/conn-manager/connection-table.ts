import { grown } from './columns.ts'
import type { Crowd } from '../limiter/crowd-ledger.ts'
import type { Connection } from '@libp2p/interface'

/** "No connection": the end of a peer's list. */
export const NO_CONNECTION = -1

const OUTBOUND = 1
const DIRECT = 2
const CLOSING = 4
const WAITING = 8

/** With one of these a connection is not open as the marks count. */
const UNCOUNTED = CLOSING | WAITING

/**
 * The connections of all peers, in columns: what a trim has to know of each lies side by side, so that choosing among 100,000 reads
 * memory in order. Rows of one peer are linked.
 */
export class ConnectionTable {
  readonly #connection: Array<Connection | undefined> = []
  #openedAt = new Float64Array(64)
  #peer = new Int32Array(64)
  #next = new Int32Array(64)
  #crowd = new Int32Array(64)
  #flags = new Uint8Array(64)

  #free = NO_CONNECTION
  #open = 0
  #openOutbound = 0

  /** Rows run from 0 up to this; free ones among them have no connection. */
  get rows (): number {
    return this.#connection.length
  }

  /** Connections that are not closing, and not waiting for a place. */
  get open (): number {
    return this.#open
  }

  get openOutbound (): number {
    return this.#openOutbound
  }

  /** @returns the new row, in front of `next` */
  add (connection: Connection, peer: number, next: number, crowd: Crowd, now: number): number {
    const row = this.#take()

    this.#connection[row] = connection
    this.#openedAt[row] = now
    this.#peer[row] = peer
    this.#next[row] = next
    this.#crowd[row] = crowd
    this.#flags[row] = (connection.direction === 'outbound' ? OUTBOUND : 0) | (isDirect(connection) ? DIRECT : 0)
    this.#count(row, 1)
    return row
  }

  /** Takes a row out of a peer's list. @returns the list's new head */
  remove (row: number, head: number): number {
    const after = this.#next[row]!
    let newHead = head

    if (head === row) {
      newHead = after
    } else {
      let before = head
      while (this.#next[before] !== row) before = this.#next[before]!
      this.#next[before] = after
    }

    if (this.isCounted(row)) this.#count(row, -1)
    this.#connection[row] = undefined
    this.#next[row] = this.#free
    this.#free = row
    return newHead
  }

  /** From here on it is not counted as open. @returns whether it was */
  markClosing (row: number): boolean {
    return this.#mark(row, CLOSING)
  }

  /** It is not to be closed after all. */
  unmarkClosing (row: number): void {
    this.#unmark(row, CLOSING)
  }

  /** It has no place yet, at a full house, and it is being found out whether it gets one: until then it is nobody's rival. */
  markWaiting (row: number): void {
    this.#mark(row, WAITING)
  }

  unmarkWaiting (row: number): void {
    this.#unmark(row, WAITING)
  }

  find (head: number, connection: Connection): number {
    let row = head
    while (row !== NO_CONNECTION && this.#connection[row] !== connection) row = this.#next[row]!

    return row
  }

  /** Every connection, closing ones included. */
  all (): Connection[] {
    return this.#connection.filter(connection => connection != null)
  }

  connection (row: number): Connection | undefined { return this.#connection[row] }
  openedAt (row: number): number { return this.#openedAt[row]! }
  peer (row: number): number { return this.#peer[row]! }
  next (row: number): number { return this.#next[row]! }
  crowd (row: number): Crowd { return this.#crowd[row]! }
  isOutbound (row: number): boolean { return (this.#flags[row]! & OUTBOUND) !== 0 }
  isDirect (row: number): boolean { return (this.#flags[row]! & DIRECT) !== 0 }
  isClosing (row: number): boolean { return (this.#flags[row]! & CLOSING) !== 0 }

  /** Neither closing nor waiting. */
  isCounted (row: number): boolean { return (this.#flags[row]! & UNCOUNTED) === 0 }

  /** @returns whether it was counted as open until now */
  #mark (row: number, flag: number): boolean {
    const wasCounted = this.isCounted(row)
    this.#flags[row]! |= flag
    if (wasCounted) this.#count(row, -1)

    return wasCounted
  }

  #unmark (row: number, flag: number): void {
    if ((this.#flags[row]! & flag) === 0) return

    this.#flags[row]! &= ~flag
    if (this.isCounted(row)) this.#count(row, 1)
  }

  #count (row: number, by: 1 | -1): void {
    this.#open += by
    if (this.isOutbound(row)) this.#openOutbound += by
  }

  #take (): number {
    const row = this.#free

    if (row !== NO_CONNECTION) {
      this.#free = this.#next[row]!
      return row
    }

    if (this.#connection.length === this.#peer.length) this.#grow()

    return this.#connection.length
  }

  #grow (): void {
    this.#openedAt = grown(this.#openedAt)
    this.#peer = grown(this.#peer)
    this.#next = grown(this.#next)
    this.#crowd = grown(this.#crowd)
    this.#flags = grown(this.#flags)
  }
}

/** A limited connection, over a relay, is cut after so many bytes or seconds. */
function isDirect (connection: Connection): boolean {
  return connection.direct !== false && connection.limits == null
}
