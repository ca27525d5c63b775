import { NO_CONNECTION } from './connection-table.ts'
import { NO_PEER } from './peer-ledger.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { Crowd } from '../limiter/crowd-ledger.ts'
import type { Guest, Trust } from '../limiter/ports.ts'

/**
 * The inbound connections that a newcomer may displace at the full house, and whether he is worth more: peer value first, then crowding. Streams,
 * grace and age give no right here, so that one idle stream per connection does not fill the house for ever.
 */
export class Incumbents {
  readonly #ledger: PeerLedger
  readonly #trust: Trust | undefined

  /** Rows that close once the newcomer they give way to is usable. */
  readonly #doomed = new Set<number>()

  /** By timeline: what the peer store's tags of those are worth who have been recalled, and are not connected. */
  readonly #storedValues = new WeakMap<object, number>()

  constructor (ledger: PeerLedger, trust: Trust | undefined) {
    this.#ledger = ledger
    this.#trust = trust
  }

  /** How many go for somebody, as far as it is known now. */
  get doomed (): number {
    return this.#doomed.size
  }

  /** Nobody else is to displace this row. */
  doom (row: number): void {
    this.#doomed.add(row)
  }

  /** @returns whether it was doomed, and is still the connection that was */
  undoom (row: number): boolean {
    return this.#doomed.delete(row)
  }

  remember (timeline: object, storedValue: number): void {
    this.#storedValues.set(timeline, storedValue)
  }

  isRemembered (timeline: object): boolean {
    return this.#storedValues.has(timeline)
  }

  /**
   * The row worth least, `except` left out; `NO_CONNECTION` when nobody may be displaced.
   *
   * One pass over all connections. It is walked at the full house alone, for strangers at most `contestRate` times.
   */
  lowest (now: number, except = NO_CONNECTION): number {
    const { connections } = this.#ledger
    let lowest = NO_CONNECTION
    let lowestValue = Infinity

    for (let row = 0; row < connections.rows; row++) {
      if (row === except || !this.#isRival(row)) continue

      const value = this.#ledger.value(connections.peer(row), now)
      if (value > lowestValue || this.#isTrusted(row)) continue

      if (value < lowestValue || this.#isCheaper(row, lowest)) {
        lowest = row
        lowestValue = value
      }
    }

    return lowest
  }

  /** Whether this one, chosen earlier, still may be displaced. */
  mayGo (row: number): boolean {
    return this.#isRival(row) && !this.#isTrusted(row)
  }

  /** Ties keep the incumbent. */
  isWorthMore (newcomer: Guest, incumbent: number, now: number): boolean {
    const { connections, crowds } = this.#ledger
    const order =
      this.#valueOf(newcomer, now) - this.#ledger.value(connections.peer(incumbent), now) ||
      this.#compareCrowds(connections.crowd(incumbent), crowds.find(newcomer.client))

    return order > 0
  }

  /** The ledger knows the peer store's tags of connected peers only. */
  #valueOf ({ peer, timeline }: Guest, now: number): number {
    const stored = this.#storedValues.get(timeline) ?? 0
    const row = this.#ledger.find(peer.toString())
    if (row === NO_PEER) return stored

    return this.#ledger.value(row, now) + (this.#ledger.storeTags(row, now) == null ? stored : 0)
  }

  #isRival (row: number): boolean {
    const { connections } = this.#ledger

    return connections.connection(row)?.status === 'open' &&
      connections.isCounted(row) &&
      !connections.isOutbound(row) &&
      !this.#ledger.isProtected(connections.peer(row)) &&
      !this.#doomed.has(row)
  }

  #isTrusted (row: number): boolean {
    return this.#trust?.trustsAnybody === true && this.#trust.isTrusted(this.#ledger.connections.connection(row)!)
  }

  /** Between two of one value: the more crowded goes, then the younger, then the smaller id. */
  #isCheaper (row: number, than: number): boolean {
    const { connections } = this.#ledger
    const order =
      this.#compareCrowds(connections.crowd(than), connections.crowd(row)) ||
      connections.openedAt(than) - connections.openedAt(row) ||
      (connections.connection(row)!.id < connections.connection(than)!.id ? -1 : 1)

    return order < 0
  }

  /** Above zero when `a` is the more crowded. */
  #compareCrowds (a: Crowd, b: Crowd): number {
    const { crowds } = this.#ledger

    return crowds.wide(a) - crowds.wide(b) || crowds.narrow(a) - crowds.narrow(b)
  }
}
