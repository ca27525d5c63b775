import { bestOfEach } from './best-connections.ts'
import { NO_CONNECTION } from './connection-table.ts'
import { countedStreams, hasCountedStreams } from './counted-streams.ts'
import { GUARD } from './trim-facts.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { Columns, FactsMemory } from './facts-memory.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { TrimFacts } from './trim-facts.ts'
import type { Trust } from '../limiter/ports.ts'
import type { Connection } from '@libp2p/interface'

export interface Gathered {
  readonly facts: TrimFacts

  /** From an index of the facts to a row of the connection table. */
  readonly rows: Int32Array

  /** Those that have ended without anybody telling us: js-libp2p does not always announce it. */
  readonly ended: readonly Connection[]

  /** Rows whose connection somebody else is closing. */
  readonly leaving: readonly number[]

  /** Epoch ms up to which all keep-alive tags hold; Infinity when none has an end. */
  readonly keptUntil: number

  /** What the facts stand in, for `FactsMemory.giveBack`. */
  readonly columns: Columns
}

/** Rows that are read in one go. */
const PART = 512

/** Reads the facts of every open connection. */
export function gatherFacts (ledger: PeerLedger, trust: Trust | undefined, now: number, memory: FactsMemory): Gathered {
  const all = ledger.connections.rows
  const columns = memory.take(all)
  const { rows: filled, ...read } = columns
  const reading: Reading = {
    ledger, trust: trust?.trustsAnybody === true ? trust : undefined, now, facts: read, rows: filled, ended: [], leaving: [], shared: [], size: 0, keptUntil: Infinity
  }

  // in parts: V8 compiles one long loop while it runs, and throws the code away at the first line after it that has never run
  for (let from = 0; from < all; from += PART) readRows(reading, from, Math.min(from + PART, all))

  const { size, ended, leaving, shared } = reading
  const rows = filled.subarray(0, size)
  const facts: TrimFacts = {
    ...read,
    size,
    readUse: items => { readUse(facts, items, rows, ledger) },
    readTies: items => { readTies(facts, items, rows, ledger) },
    // a user's comparator may have ended it
    connectionId: index => ledger.connections.connection(rows[index]!)?.id ?? ''
  }

  if (shared.length > 0) markShared(reading, facts, rows)
  return { facts, rows, ended, leaving, keptUntil: reading.keptUntil, columns }
}

/** What has been read so far. */
interface Reading {
  readonly ledger: PeerLedger

  /** Undefined where nobody is trusted. */
  readonly trust: Trust | undefined
  readonly now: number

  /** At least as long as the table: how many are open is known when all have been seen. */
  readonly facts: Omit<Columns, 'rows'>
  readonly rows: Int32Array
  readonly ended: Connection[]
  readonly leaving: number[]

  /** Those of peers that have several connections. */
  readonly shared: number[]
  size: number
  keptUntil: number
}

function readRows (reading: Reading, from: number, to: number): void {
  const { ledger: { connections }, ended, leaving } = reading

  for (let row = from; row < to; row++) {
    const connection = connections.connection(row)
    if (connection == null) continue

    const { status } = connection
    if (status !== 'open' && status !== 'closing') ended.push(connection)
    else if (!connections.isCounted(row)) continue
    else if (status === 'open') readRow(reading, row, connection)
    else leaving.push(row)
  }
}

function readRow (reading: Reading, row: number, connection: Connection): void {
  const { ledger, trust, now, facts, rows, shared } = reading
  const { connections } = ledger
  const peer = connections.peer(row)
  const i = reading.size++

  rows[i] = row
  facts.value[i] = ledger.value(peer, now)
  facts.outbound[i] = connections.isOutbound(row) ? 1 : 0
  facts.openedAt[i] = connections.openedAt(row)

  if (trust?.isTrusted(connection) === true) facts.guard[i] = GUARD.trusted
  else if (ledger.isProtected(peer)) facts.guard[i] = GUARD.protected

  if (connections.next(ledger.firstConnection(peer)) !== NO_CONNECTION) shared.push(i)
  else markKeptAlive(reading, i, peer)
}

function markKeptAlive (reading: Reading, i: number, peer: number): void {
  const tags = reading.ledger.storeTags(peer, reading.now)
  if (tags?.keepAlive !== true) return

  reading.facts.keepAlive[i] = 1
  reading.keptUntil = Math.min(reading.keptUntil, tags.validUntil)
}

function readUse ({ active, wideCrowd }: TrimFacts, items: Int32Array, rows: Int32Array, { connections, crowds }: PeerLedger): void {
  for (let from = 0; from < items.length; from += PART) {
    const part = items.subarray(from, from + PART)

    readActive(active, part, rows, connections)
    for (const item of part) wideCrowd[item] = crowds.wide(connections.crowd(rows[item]!))
  }
}

/** Nothing but this in its loop: the memory of streams is the slowest thing of a trim, and processors fetch ahead across a short one. */
function readActive (active: Uint8Array, items: Int32Array, rows: Int32Array, connections: ConnectionTable): void {
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    const connection = connections.connection(rows[item]!)
    // a user's comparator may have ended it
    active[item] = connection != null && hasCountedStreams(connection) ? 1 : 0
  }
}

function readTies ({ active, streams, narrowCrowd }: TrimFacts, items: Int32Array, rows: Int32Array, { connections, crowds }: PeerLedger): void {
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    const row = rows[item]!

    const connection = connections.connection(row)
    if (active[item] === 1 && connection != null) streams[item] = countedStreams(connection)
    narrowCrowd[item] = crowds.narrow(connections.crowd(row))
  }
}

function markShared (reading: Reading, facts: TrimFacts, rows: Int32Array): void {
  const { ledger: { connections }, shared } = reading
  const best = bestOfEach(shared, facts, rows, connections)

  for (const i of shared) {
    const peer = connections.peer(rows[i]!)

    if (best.get(peer) === i) markKeptAlive(reading, i, peer)
    else if (facts.active[i] === 0) facts.redundant[i] = 1
  }
}
