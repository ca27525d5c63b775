import { grown } from './columns.ts'
import { ConnectionTable, NO_CONNECTION } from './connection-table.ts'
import { refreshed } from './peer-store-tags.ts'
import { NO_TAGS, TagTable } from './tag-table.ts'
import { UnconnectedHeap } from './unconnected-heap.ts'
import type { TagInfo } from './contract.ts'
import type { PeerStoreTags } from './peer-store-tags.ts'
import type { Client } from '../address/client-key.ts'
import type { CrowdLedger } from '../limiter/crowd-ledger.ts'
import type { Connection } from '@libp2p/interface'

const NO_STORE_TAGS: PeerStoreTags['tags'] = []

/** No such peer. */
export const NO_PEER = -1

export interface PeerLedgerInit {
  /** Shared with the gater, which enters connections that are upgrading. */
  readonly crowds: CrowdLedger
  readonly maxUnconnectedPeers: number
  readonly isProtected: (id: string) => boolean

  readonly forEachDecaying: (id: string, visit: (tag: string, value: number) => void) => void

  /** Called when a peer without connections lost its place, so that what others keep of it can go too. */
  readonly onForgotten: (id: string) => void
}

/**
 * Everything that is known of peers: their connections, tags and values. A peer has a row while it has a connection or a tag; rows
 * without connections are bounded, so strangers cannot fill memory by coming and going.
 *
 * Columns like its tables, for the same reasons.
 */
export class PeerLedger {
  readonly connections = new ConnectionTable()
  readonly crowds: CrowdLedger

  readonly #init: PeerLedgerInit
  readonly #rows = new Map<string, number>()
  readonly #tags = new TagTable()
  readonly #unconnected: UnconnectedHeap

  readonly #ids: string[] = []
  readonly #storeTags: Array<PeerStoreTags | undefined> = []
  #firstSeen = new Float64Array(64)
  #ownValue = new Float64Array(64)
  #tagHead = new Int32Array(64)
  #connectionHead = new Int32Array(64)
  #decayingTags = new Uint16Array(64)
  #protected = new Uint8Array(64)
  readonly #free: number[] = []

  constructor (init: PeerLedgerInit) {
    this.#init = init
    this.crowds = init.crowds
    this.#unconnected = new UnconnectedHeap({
      value: row => this.#ownValue[row]!,
      since: row => this.#firstSeen[row]!
    })
  }

  /** Peers with a connection or a tag. */
  get size (): number {
    return this.#rows.size
  }

  find (id: string): number {
    return this.#rows.get(id) ?? NO_PEER
  }

  /** The row of one of a peer's connections, `NO_CONNECTION` when it is not here. */
  rowOf (id: string, connection: Connection): number {
    const peer = this.find(id)
    return peer === NO_PEER ? NO_CONNECTION : this.connections.find(this.#connectionHead[peer]!, connection)
  }

  isProtected (row: number): boolean { return this.#protected[row] === 1 }
  firstConnection (row: number): number { return this.#connectionHead[row]! }

  /** @returns the connection's row, or `NO_CONNECTION` when it is here already */
  connected (id: string, connection: Connection, client: Client, now: number): number {
    const row = this.#rows.get(id) ?? this.#add(id, now)
    const head = this.#connectionHead[row]!

    if (head === NO_CONNECTION) {
      // an early tag must not eat the grace of the first connection
      this.#unconnected.delete(row)
      this.#firstSeen[row] = now
    } else if (this.connections.find(head, connection) !== NO_CONNECTION) {
      return NO_CONNECTION
    }

    const added = this.connections.add(connection, row, head, this.crowds.enter(client), now)
    this.#connectionHead[row] = added
    return added
  }

  /** @returns the row it had, or `NO_CONNECTION` when it was not here */
  disconnected (id: string, connection: Connection, now: number): number {
    const { connections } = this
    const gone = this.rowOf(id, connection)
    if (gone === NO_CONNECTION) return NO_CONNECTION

    const row = connections.peer(gone)
    this.crowds.leave(connections.crowd(gone))
    this.#connectionHead[row] = connections.remove(gone, this.#connectionHead[row]!)

    if (this.#connectionHead[row] === NO_CONNECTION) {
      this.#storeTags[row] = undefined
      this.#firstSeen[row] = now
      this.#settle(row)
    }

    return gone
  }

  getTag (id: string, tag: string): number | undefined {
    const row = this.find(id)

    return row === NO_PEER ? undefined : this.#tags.get(this.#tagHead[row]!, tag)
  }

  setTag (id: string, tag: string, value: number, now: number): void {
    const row = this.#rows.get(id) ?? this.#add(id, now)
    const head = this.#tagHead[row]!

    const moved = value - (this.#tags.get(head, tag) ?? 0)

    this.#tagHead[row] = this.#tags.set(head, tag, value)
    this.#moveValue(row, moved)
    this.#settle(row)
  }

  /** @returns whether the peer had it */
  deleteTag (id: string, tag: string): boolean {
    const row = this.find(id)
    if (row === NO_PEER) return false

    const value = this.#tags.get(this.#tagHead[row]!, tag)
    if (value == null) return false

    this.#tagHead[row] = this.#tags.delete(this.#tagHead[row]!, tag)
    this.#moveValue(row, -value)
    this.#settle(row)
    return true
  }

  /** A decaying tag of this peer came (`tags` 1), went (-1) or changed (0), and its value moved by `delta`. */
  changeDecaying (id: string, tags: -1 | 0 | 1, delta: number, now: number): void {
    const row = this.#rows.get(id) ?? this.#add(id, now)

    this.#decayingTags[row]! += tags
    this.#moveValue(row, delta)
    this.#settle(row)
  }

  setProtected (id: string, isProtected: boolean): void {
    const row = this.find(id)
    if (row !== NO_PEER) this.#protected[row] = isProtected ? 1 : 0
  }

  /** For connected peers alone: what the peer store says of others is not ours to keep. */
  setStoreTags (row: number, tags: PeerStoreTags | undefined): void {
    this.#storeTags[row] = tags
  }

  storeTags (row: number, now: number): PeerStoreTags | undefined {
    const known = this.#storeTags[row]
    if (known == null) return undefined

    return this.#storeTags[row] = refreshed(known, now)
  }

  value (row: number, now: number): number {
    return this.#ownValue[row]! + (this.storeTags(row, now)?.value ?? 0)
  }

  info (row: number, now: number): TagInfo {
    const tags: Record<string, number> = {}
    const conns: Record<string, number> = {}
    const set = (tag: string, value: number): void => { put(tags, tag, value) }
    const add = (tag: string, value: number): void => { put(tags, tag, (Object.hasOwn(tags, tag) ? tags[tag]! : 0) + value) }

    this.#tags.forEach(this.#tagHead[row]!, set)
    if (this.#decayingTags[row] !== 0) this.#init.forEachDecaying(this.#ids[row]!, add)
    for (const tag of this.storeTags(row, now)?.tags ?? NO_STORE_TAGS) add(tag.name, tag.value)

    for (let at = this.#connectionHead[row]!; at !== NO_CONNECTION; at = this.connections.next(at)) {
      put(conns, this.connections.connection(at)!.id, this.connections.openedAt(at))
    }

    return { firstSeen: this.#firstSeen[row]!, value: this.value(row, now), tags, conns }
  }

  /** After a tag has changed. Beyond the safe integers adding and taking off again is not exact, so there the sum is made anew. */
  #moveValue (row: number, delta: number): void {
    const before = this.#ownValue[row]!
    let after = before + delta

    if (!Number.isSafeInteger(before) || !Number.isSafeInteger(delta) || !Number.isSafeInteger(after)) {
      after = 0
      this.#forEachOwn(row, (_tag, value) => { after += value })
    }

    this.#ownValue[row] = after
  }

  #forEachOwn (row: number, visit: (tag: string, value: number) => void): void {
    this.#tags.forEach(this.#tagHead[row]!, visit)
    if (this.#decayingTags[row] !== 0) this.#init.forEachDecaying(this.#ids[row]!, visit)
  }

  #add (id: string, now: number): number {
    const row = this.#free.pop() ?? this.#ids.length
    if (row === this.#firstSeen.length) this.#grow()

    this.#ids[row] = id
    this.#storeTags[row] = undefined
    this.#firstSeen[row] = now
    this.#ownValue[row] = 0
    this.#tagHead[row] = NO_TAGS
    this.#connectionHead[row] = NO_CONNECTION
    this.#decayingTags[row] = 0
    this.#protected[row] = this.#init.isProtected(id) ? 1 : 0
    this.#rows.set(id, row)
    return row
  }

  /** Gives a peer without connections its place among the unconnected, or none when it has no tags left or others are worth more. */
  #settle (row: number): void {
    if (this.#connectionHead[row] !== NO_CONNECTION) return

    if (this.#tagHead[row] === NO_TAGS && this.#decayingTags[row] === 0) {
      this.#forget(row)
    } else if (this.#unconnected.has(row)) {
      this.#unconnected.update(row)
    } else {
      this.#unconnected.add(row)
      if (this.#unconnected.size > this.#init.maxUnconnectedPeers) this.#forget(this.#unconnected.first!)
    }
  }

  #forget (row: number): void {
    const id = this.#ids[row]!
    const hadDecaying = this.#decayingTags[row] !== 0

    this.#unconnected.delete(row)
    this.#tags.clear(this.#tagHead[row]!)
    this.#rows.delete(id)
    this.#ids[row] = ''
    this.#free.push(row)
    if (hadDecaying) this.#init.onForgotten(id)
  }

  #grow (): void {
    this.#firstSeen = grown(this.#firstSeen)
    this.#ownValue = grown(this.#ownValue)
    this.#tagHead = grown(this.#tagHead)
    this.#connectionHead = grown(this.#connectionHead)
    this.#decayingTags = grown(this.#decayingTags)
    this.#protected = grown(this.#protected)
  }
}

/** Assigning `__proto__` would set an object's prototype instead of a property, and tag names may be a stranger's. */
function put (into: Record<string, number>, name: string, value: number): void {
  if (name === '__proto__') {
    Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true })
  } else {
    into[name] = value
  }
}
