import { Counts } from './counts.ts'
import type { Eviction } from '../conn-manager/contract.ts'
import type { TrimReport } from '../conn-manager/trim-contract.ts'
import type { Denial } from '../connection-gater/contract.ts'

/** What a run has come to so far: plain data, and with `--json` printed as it is. */
export interface Facts {
  /** Ms since the doors opened. */
  readonly elapsed: number
  readonly open: number
  readonly low: number
  readonly high: number
  readonly hardLimit: number

  /** Connections opened so far. */
  readonly opened: number

  /** The most that were open at once. */
  readonly peak: number
  readonly denied: number
  readonly deniedByReason: Readonly<Record<string, number>>
  readonly deniedByAddress: Readonly<Record<string, number>>
  readonly trims: number

  /** Connections that trims closed. */
  readonly closed: number

  /** The most valuable one among those. Absent while there is none. */
  readonly highestValueClosed?: number

  /** Connections that gave way to a worthier one at the hard limit. */
  readonly evicted: number
  readonly protected: Known
  readonly tagged: Known
}

/** Peers known by name, and how many of them have a connection. */
export interface Known {
  readonly peers: number
  readonly connected: number
}

/** What is read off the node at the moment of asking. */
export type Readings = Pick<Facts, 'elapsed' | 'open' | 'low' | 'high' | 'hardLimit' | 'protected' | 'tagged'>

const REASONS_SHOWN = 20

/** Counts what happens between two looks at the node. */
export class RunTally {
  readonly #reasons = new Counts()
  readonly #addresses = new Counts()
  #opened = 0
  #peak = 0
  #trims = 0
  #closed = 0
  #highestValueClosed: number | undefined
  #evicted = 0

  opened (openNow: number): void {
    this.#opened++
    this.#peak = Math.max(this.#peak, openNow)
  }

  denied ({ reason, ip, key }: Pick<Denial, 'reason' | 'ip' | 'key'>): void {
    this.#reasons.add(reason)
    this.#addresses.add(ip ?? key ?? 'unknown')
  }

  /** Trims that found nothing to close do not count. */
  trimmed ({ closed, entries }: Pick<TrimReport, 'closed' | 'entries'>): void {
    if (closed === 0) return

    this.#trims++
    this.#closed += closed
    this.#highestValueClosed = Math.max(this.#highestValueClosed ?? -Infinity, ...entries.map(({ value }) => value))
  }

  /** Who was let in above the limit displaced nobody. */
  evicted ({ reason }: Pick<Eviction, 'reason'>): void {
    if (reason === 'displaced') this.#evicted++
  }

  facts (readings: Readings): Facts {
    return {
      ...readings,
      opened: this.#opened,
      peak: Math.max(this.#peak, readings.open),
      denied: this.#reasons.total,
      deniedByReason: this.#reasons.top(REASONS_SHOWN),
      deniedByAddress: this.#addresses.top(),
      trims: this.#trims,
      closed: this.#closed,
      evicted: this.#evicted,
      ...this.#highestValueClosed != null && { highestValueClosed: this.#highestValueClosed }
    }
  }
}
