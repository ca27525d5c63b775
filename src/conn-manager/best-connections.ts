import { hasCountedStreams } from './counted-streams.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { TrimFacts } from './trim-facts.ts'

/**
 * Which connection of each peer is its best: it alone can be kept alive, and others without counted streams are redundant. Reads whether they have
 * any.
 *
 * @param shared - those of peers that have several
 * @returns by peer
 */
export function bestOfEach (shared: readonly number[], facts: TrimFacts, rows: Int32Array, connections: ConnectionTable): ReadonlyMap<number, number> {
  const best = new Map<number, number>()

  for (const i of shared) {
    const row = rows[i]!
    facts.active[i] = hasCountedStreams(connections.connection(row)!) ? 1 : 0

    const peer = connections.peer(row)
    const other = best.get(peer)
    if (other == null || isBetter(i, other, facts, rows, connections)) best.set(peer, i)
  }

  return best
}

/** Direct before limited, with counted streams before without, outbound before inbound, older, smaller id. */
function isBetter (a: number, b: number, facts: TrimFacts, rows: Int32Array, connections: ConnectionTable): boolean {
  const order =
    Number(connections.isDirect(rows[b]!)) - Number(connections.isDirect(rows[a]!)) ||
    facts.active[b]! - facts.active[a]! ||
    facts.outbound[b]! - facts.outbound[a]! ||
    facts.openedAt[a]! - facts.openedAt[b]! ||
    (facts.connectionId(a) < facts.connectionId(b) ? -1 : 1)

  return order < 0
}
