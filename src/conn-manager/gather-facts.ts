import { NO_CONNECTION } from './connection-table.ts'
import { countedStreams } from './counted-streams.ts'
import { GUARD } from './trim-facts.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { TrimFacts } from './trim-facts.ts'
import type { Trust } from '../limiter/ports.ts'

export interface Gathered {
  readonly facts: TrimFacts

  /** From an index of the facts to a row of the connection table. */
  readonly rows: Int32Array

  /** Rows whose connection has ended without anybody telling us: js-libp2p does not always announce it. */
  readonly ended: readonly number[]
}

/** Reads the facts of every open connection, in one pass over the ledger. */
export function gatherFacts (ledger: PeerLedger, trust: Trust | undefined, now: number): Gathered {
  const { rows, ended } = openRows(ledger)
  const size = rows.length
  const facts = {
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
    connectionId: (index: number) => ledger.connections.connection(rows[index]!)!.id
  } satisfies TrimFacts

  const { connections, crowds } = ledger
  const anyTrusted = trust?.trustsAnybody === true

  for (let i = 0; i < size; i++) {
    const row = rows[i]!
    const peer = connections.peer(row)
    const family = connections.crowdFamily(row)
    const high = connections.crowdHigh(row)
    const low = connections.crowdLow(row)

    facts.value[i] = ledger.value(peer, now)
    facts.streams[i] = countedStreams(connections.connection(row)!)
    facts.outbound[i] = connections.isOutbound(row) ? 1 : 0
    facts.openedAt[i] = connections.openedAt(row)
    facts.wideCrowd[i] = crowds.wide(family, high, low)
    facts.narrowCrowd[i] = crowds.narrow(family, high, low)

    if (anyTrusted && trust.isTrusted(connections.connection(row)!)) facts.guard[i] = GUARD.trusted
    else if (ledger.isProtected(peer)) facts.guard[i] = GUARD.protected
  }

  markBest(ledger, facts, rows, now)
  return { facts, rows, ended }
}

function openRows ({ connections }: PeerLedger): { rows: Int32Array, ended: number[] } {
  const rows = new Int32Array(connections.rows)
  const ended: number[] = []
  let open = 0

  for (let row = 0; row < connections.rows; row++) {
    const connection = connections.connection(row)
    if (connection == null || connections.isClosing(row)) continue

    switch (connection.status) {
      case 'open':
        rows[open++] = row
        break
      case 'closing':
        break
      default:
        ended.push(row)
    }
  }

  return { rows: rows.subarray(0, open), ended }
}

/** Finds each peer's best connection: only it can be kept alive, and others without counted streams are redundant. */
function markBest (ledger: PeerLedger, facts: Marks, rows: Int32Array, now: number): void {
  const { connections } = ledger
  let several: Map<number, number> | undefined

  for (let i = 0; i < rows.length; i++) {
    const peer = connections.peer(rows[i]!)
    const alone = connections.next(ledger.firstConnection(peer)) === NO_CONNECTION

    if (alone) {
      if (ledger.storeTags(peer, now)?.keepAlive === true) facts.keepAlive[i] = 1
      continue
    }

    several ??= new Map()
    const best = several.get(peer)
    if (best == null || isBetter(connections, facts, rows, i, best)) several.set(peer, i)
  }

  if (several == null) return

  for (let i = 0; i < rows.length; i++) {
    const peer = connections.peer(rows[i]!)
    const best = several.get(peer)

    if (best === i) facts.keepAlive[i] = ledger.storeTags(peer, now)?.keepAlive === true ? 1 : 0
    else if (best != null && facts.streams[i] === 0) facts.redundant[i] = 1
  }
}

type Marks = Pick<TrimFacts, 'keepAlive' | 'redundant' | 'streams' | 'outbound' | 'openedAt' | 'connectionId'>

/** Direct before limited, with counted streams before without, outbound before inbound, older, smaller id. */
function isBetter (connections: PeerLedger['connections'], facts: Marks, rows: Int32Array, a: number, b: number): boolean {
  const order =
    Number(connections.isDirect(rows[b]!)) - Number(connections.isDirect(rows[a]!)) ||
    Math.min(facts.streams[b]!, 1) - Math.min(facts.streams[a]!, 1) ||
    facts.outbound[b]! - facts.outbound[a]! ||
    facts.openedAt[a]! - facts.openedAt[b]! ||
    (facts.connectionId(a) < facts.connectionId(b) ? -1 : 1)

  return order < 0
}
