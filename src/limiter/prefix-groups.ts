import { grown } from './columns.ts'

const LEAST_PLACES = 16

/** No such group. */
export const NO_GROUP = -1

/**
 * Numbers the prefixes that are in use, densely, and counts their members. A member keeps its group's number, and with it finds the
 * count without hashing anything again: a trim asks for the crowd of each of its connections, in the order in which they came.
 *
 * Open addressing over typed arrays, at most half full; a group goes with its last member.
 */
export class PrefixGroups {
  /** Keys come from strangers: without a secret they could be chosen to collide. */
  readonly #seed = (Math.random() * 2 ** 32) | 0

  #family = new Uint8Array(LEAST_PLACES)
  #high = new Int32Array(LEAST_PLACES)
  #low = new Int32Array(LEAST_PLACES)
  #members = new Int32Array(LEAST_PLACES)
  #used = 0
  #size = 0
  readonly #free: number[] = []

  /** Group + 1 by hash, 0 where none is. */
  #index = new Int32Array(2 * LEAST_PLACES)

  /** Groups in use. */
  get size (): number {
    return this.#size
  }

  members (group: number): number {
    return this.#members[group]!
  }

  find (family: number, high: number, low: number): number {
    return this.#index[this.#seek(family, high, low)]! - 1
  }

  /** Counts one more member. @returns its group */
  enter (family: number, high: number, low: number): number {
    let place = this.#seek(family, high, low)
    let group = this.#index[place]! - 1

    if (group === NO_GROUP) {
      if (2 * (this.#size + 1) > this.#index.length) {
        this.#reindex(2 * this.#index.length)
        place = this.#seek(family, high, low)
      }

      group = this.#take()
      this.#family[group] = family
      this.#high[group] = high
      this.#low[group] = low
      this.#members[group] = 0
      this.#index[place] = group + 1
    }

    this.#members[group]! += 1
    return group
  }

  /** @returns whether it was the group's last member */
  leave (group: number): boolean {
    this.#members[group]! -= 1
    if (this.#members[group] !== 0) return false

    this.#closeGap(this.#seek(this.#family[group]!, this.#high[group]!, this.#low[group]!))
    this.#free.push(group)
    this.#size--
    if (this.#index.length > 2 * LEAST_PLACES && 16 * this.#size < this.#index.length) this.#reindex(this.#index.length / 2)

    return true
  }

  #take (): number {
    this.#size++
    const group = this.#free.pop() ?? this.#used++
    if (group === this.#members.length) this.#grow()

    return group
  }

  /** @returns the place of the key in the index, or the empty one where it would go */
  #seek (family: number, high: number, low: number): number {
    const mask = this.#index.length - 1
    let place = this.#home(family, high, low) & mask

    for (;;) {
      const group = this.#index[place]! - 1
      if (group === NO_GROUP || (this.#low[group] === low && this.#high[group] === high && this.#family[group] === family)) return place

      place = (place + 1) & mask
    }
  }

  #home (family: number, high: number, low: number): number {
    let hash = Math.imul(high ^ this.#seed, 0x9e3779b1) ^ Math.imul(low + this.#seed, 0x85ebca6b) ^ family
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)

    return hash ^ (hash >>> 13)
  }

  /** Moves back what stands behind a freed place because that place was taken, so that no search stops early. */
  #closeGap (freed: number): void {
    const mask = this.#index.length - 1
    let gap = freed
    this.#index[gap] = 0

    for (let place = (gap + 1) & mask; this.#index[place] !== 0; place = (place + 1) & mask) {
      const group = this.#index[place]! - 1
      const home = this.#home(this.#family[group]!, this.#high[group]!, this.#low[group]!) & mask

      if (((place - home) & mask) >= ((place - gap) & mask)) {
        this.#index[gap] = group + 1
        this.#index[place] = 0
        gap = place
      }
    }
  }

  #reindex (places: number): void {
    const groups = this.#index.filter(group => group !== 0)
    this.#index = new Int32Array(places)

    for (const group of groups) {
      this.#index[this.#seek(this.#family[group - 1]!, this.#high[group - 1]!, this.#low[group - 1]!)] = group
    }
  }

  #grow (): void {
    this.#family = grown(this.#family)
    this.#high = grown(this.#high)
    this.#low = grown(this.#low)
    this.#members = grown(this.#members)
  }
}
