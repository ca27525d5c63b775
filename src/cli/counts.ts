const CAPACITY = 1_000
const TOP = 5

/** Occurrences by key. Strangers may choose the keys: those that find no place any more are counted together, as `others`. */
export class Counts {
  readonly #counts = new Map<string, number>()
  #total = 0

  get total (): number {
    return this.#total
  }

  add (key: string): void {
    const place = this.#counts.has(key) || this.#counts.size < CAPACITY ? key : 'others'
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1)
    this.#total++
  }

  /** The most frequent keys first. */
  top (most = TOP): Readonly<Record<string, number>> {
    const entries = [...this.#counts].sort(([keyA, a], [keyB, b]) => b - a || (keyA < keyB ? -1 : 1))
    return Object.fromEntries(entries.slice(0, most))
  }
}
