import type { TrimFacts } from './trim-facts.ts'

/** What is read of connections, and in which row of the connection table each was. */
export type Columns = Omit<TrimFacts, 'size' | 'readUse' | 'readTies' | 'connectionId'> & { readonly rows: Int32Array }

/**
 * The memory of a trim, for the next one as long as nobody else needs it: at a million connections it is 40 MB, and taking as much for each
 * plan made the collector run in each of them, which took three times as long as the plan.
 */
export class FactsMemory {
  #last: WeakRef<Columns> | undefined

  /** Columns with so many places, all zero, for nobody else until they are given back: a user's comparator may ask for a plan of its own. */
  take (places: number): Columns {
    const last = this.#last?.deref()
    this.#last = undefined

    if (last == null || last.rows.length < places || last.rows.length > 2 * places) return newColumns(places)

    for (const column of Object.values(last)) column.fill(0)
    return last
  }

  giveBack (columns: Columns): void {
    this.#last = new WeakRef(columns)
  }
}

function newColumns (places: number): Columns {
  return {
    rows: new Int32Array(places),
    value: new Float64Array(places),
    active: new Uint8Array(places),
    streams: new Int32Array(places),
    outbound: new Uint8Array(places),
    redundant: new Uint8Array(places),
    wideCrowd: new Int32Array(places),
    narrowCrowd: new Int32Array(places),
    openedAt: new Float64Array(places),
    guard: new Uint8Array(places),
    keepAlive: new Uint8Array(places)
  }
}
