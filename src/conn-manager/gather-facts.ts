import { NO_CONNECTION } from './connection-table.ts'
import { countedStreams } from './counted-streams.ts'
import { GUARD } from './trim-facts.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { TrimFacts } from './trim-facts.ts'
import type { Trust } from '../limiter/ports.ts'

export interface Gathered {
  readonly facts: TrimFacts

  /** From an index of the facts to a row of the connection table. */
  readonly rows: Int32Array

  /** Rows whose connection has ended without anybody telling us: js-libp2p does not always announce it. */
  readonly ended: readonly number[]

  /** Rows whose connection somebody else is closing. */
  readonly leaving: readonly number[]
}

/**
 * Reads the facts of every open connection.
 *
 * Each loop over all connections stands in a function of its own with nothing behind it: V8 compiles a long loop while it runs, and
 * throws the code away at the first line after it that has never run. That made one pass four times slower.
 */
export function gatherFacts (ledger: PeerLedger, trust: Trust | undefined, now: number): Gathered {
  const ended: number[] = []
  const leaving: number[] = []
  const rows = openRows(ledger.connections, ended, leaving)
  const size = rows.length

  const facts: TrimFacts = {
    size,
    value: new Float64Array(size),
    streams: new Int32Array(size),
    outbound: new Uint8Array(size),
    redundant: new Uint8Array(size),
    wideCrowd: new Int32Array(size),
    narrowCrowd: new Int32Array(size),
    openedAt: new Float64Array(size),
    guard: new Uint8Array(size),
    keepAlive: new Uint8Array(size),
    readTies: items => { readTies(facts, items, rows, ledger) },
    connectionId: index => ledger.connections.connection(rows[index]!)!.id
  }

  readFacts(facts, rows, ledger, now)
  markGuarded(facts.guard, rows, ledger, trust?.trustsAnybody === true ? trust : undefined)
  markBest(ledger, facts, rows, now)

  return { facts, rows, ended, leaving }
}

function openRows (connections: ConnectionTable, ended: number[], leaving: number[]): Int32Array {
  const rows = new Int32Array(connections.rows)

  return rows.subarray(0, fillOpenRows(rows, connections, ended, leaving))
}

/** @returns how many there are */
function fillOpenRows (rows: Int32Array, connections: ConnectionTable, ended: number[], leaving: number[]): number {
  let open = 0

  for (let row = 0; row < connections.rows; row++) {
    const connection = connections.connection(row)
    if (connection == null) continue

    const { status } = connection
    if (status !== 'open' && status !== 'closing') ended.push(row)
    else if (connections.isClosing(row)) continue
    else if (status === 'open') rows[open++] = row
    else leaving.push(row)
  }

  return open
}

function readFacts (facts: TrimFacts, rows: Int32Array, ledger: PeerLedger, now: number): void {
  const { connections } = ledger
  const { value, outbound, openedAt } = facts

  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!

    value[i] = ledger.value(connections.peer(row), now)
    outbound[i] = connections.isOutbound(row) ? 1 : 0
    openedAt[i] = connections.openedAt(row)
  }
}

function readTies (facts: TrimFacts, items: Int32Array, rows: Int32Array, ledger: PeerLedger): void {
  const { connections, crowds } = ledger
  const { streams, wideCrowd, narrowCrowd } = facts

  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    const row = rows[item]!
    const crowd = connections.crowd(row)

    streams[item] = countedStreams(connections.connection(row)!)
    wideCrowd[item] = crowds.wide(crowd)
    narrowCrowd[item] = crowds.narrow(crowd)
  }
}

function markGuarded (guard: Uint8Array, rows: Int32Array, ledger: PeerLedger, trust: Trust | undefined): void {
  const { connections } = ledger

  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!

    if (trust?.isTrusted(connections.connection(row)!) === true) guard[i] = GUARD.trusted
    else if (ledger.isProtected(connections.peer(row))) guard[i] = GUARD.protected
  }
}

/** Finds each peer's best connection: it alone can be kept alive, and others without counted streams are redundant. */
function markBest (ledger: PeerLedger, facts: TrimFacts, rows: Int32Array, now: number): void {
  const best = new Map<number, number>()
  markSingles(ledger, facts, rows, best, now)
  if (best.size > 0) markRedundant(ledger, facts, rows, best, now)
}

/** @param best - gets the index of the best connection of each peer that has several */
function markSingles (ledger: PeerLedger, facts: TrimFacts, rows: Int32Array, best: Map<number, number>, now: number): void {
  const { connections } = ledger

  for (let i = 0; i < rows.length; i++) {
    const peer = connections.peer(rows[i]!)

    if (connections.next(ledger.firstConnection(peer)) === NO_CONNECTION) {
      if (ledger.storeTags(peer, now)?.keepAlive === true) facts.keepAlive[i] = 1
    } else {
      facts.streams[i] = countedStreams(connections.connection(rows[i]!)!)
      const other = best.get(peer)
      if (other == null || isBetter(connections, facts, rows, i, other)) best.set(peer, i)
    }
  }
}

function markRedundant (ledger: PeerLedger, facts: TrimFacts, rows: Int32Array, best: ReadonlyMap<number, number>, now: number): void {
  for (let i = 0; i < rows.length; i++) {
    const peer = ledger.connections.peer(rows[i]!)
    const bestOfPeer = best.get(peer)

    if (bestOfPeer === i) facts.keepAlive[i] = ledger.storeTags(peer, now)?.keepAlive === true ? 1 : 0
    else if (bestOfPeer != null && facts.streams[i] === 0) facts.redundant[i] = 1
  }
}

/** Direct before limited, with counted streams before without, outbound before inbound, older, smaller id. */
function isBetter (connections: ConnectionTable, facts: TrimFacts, rows: Int32Array, a: number, b: number): boolean {
  const order =
    Number(connections.isDirect(rows[b]!)) - Number(connections.isDirect(rows[a]!)) ||
    Math.min(facts.streams[b]!, 1) - Math.min(facts.streams[a]!, 1) ||
    facts.outbound[b]! - facts.outbound[a]! ||
    facts.openedAt[a]! - facts.openedAt[b]! ||
    (facts.connectionId(a) < facts.connectionId(b) ? -1 : 1)

  return order < 0
}
