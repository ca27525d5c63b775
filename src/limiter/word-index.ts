/** Grows from here to its capacity; every limiter has several of these and most stay small. */
const FIRST_SLOTS = 16

const NONE = -1

/**
 * From keys of one, two or four 32-bit words to slots: small numbers that stay the same while the key is in, to be used as row numbers of
 * typed arrays. Open addressing with linear probing: 4 bytes for each word and 8 to 16 for the index, where a Map takes 40 and more.
 *
 * The keys are addresses that strangers choose. Every word passes a bijective mixer with a secret seed of its own, so that collisions can not
 * be computed.
 */
export class WordIndex {
  readonly words: 1 | 2 | 4
  readonly capacity: number
  #index: Int32Array // slot + 1, 0 is empty
  #keys: Int32Array // of an unused slot the next unused one, as slot + 1
  #firstFree = 0
  #slots: number
  #end = 0
  #size = 0
  readonly #seeds = Array.from({ length: 4 }, () => Math.floor(Math.random() * 2 ** 32) | 0)
  readonly #seed0 = this.#seeds[0]!
  readonly #seed1 = this.#seeds[1]!

  constructor (words: 1 | 2 | 4, capacity: number) {
    const slots = Math.min(FIRST_SLOTS, capacity)

    this.words = words
    this.capacity = capacity
    this.#index = new Int32Array(indexLength(slots))
    this.#keys = new Int32Array(slots * words)
    this.#slots = slots
  }

  get size (): number {
    return this.#size
  }

  /** All slots are below it. Arrays beside this one need as many rows. */
  get slots (): number {
    return this.#slots
  }

  /** Words that are not used are 0. @returns -1 when it is not in */
  find (a: number, b: number, c: number, d: number): number {
    const index = this.#index
    const mask = index.length - 1

    for (let at = this.#hash(a, b, c, d) & mask; ; at = at + 1 & mask) {
      const slot = index[at]! - 1
      if (slot === NONE || this.#matches(slot, a, b, c, d)) return slot
    }
  }

  /** Only for a key that is not in. @returns its slot, -1 when this is full */
  insert (a: number, b: number, c: number, d: number): number {
    if (this.#size === this.capacity) return NONE
    const slot = this.#allocate()
    const base = slot * this.words

    this.#keys[base] = a
    if (this.words > 1) this.#keys[base + 1] = b
    if (this.words > 2) {
      this.#keys[base + 2] = c
      this.#keys[base + 3] = d
    }

    this.#size++
    this.#link(this.#index, slot)
    return slot
  }

  /** Only for a slot that is in use. */
  remove (slot: number): void {
    const index = this.#index
    const mask = index.length - 1
    let hole = this.#hashOf(slot) & mask

    while (index[hole] !== slot + 1) hole = hole + 1 & mask

    // What stands behind the hole moves up, unless that would put it before the place where its search begins.
    for (let at = hole + 1 & mask; index[at] !== 0; at = at + 1 & mask) {
      const home = this.#hashOf(index[at]! - 1) & mask

      if ((at - home & mask) >= (at - hole & mask)) {
        index[hole] = index[at]!
        hole = at
      }
    }

    index[hole] = 0
    this.#keys[slot * this.words] = this.#firstFree
    this.#firstFree = slot + 1
    this.#size--
  }

  /** Only for a slot in use. @returns one word of its key */
  word (slot: number, at: number): number {
    return at < this.words ? this.#keys[slot * this.words + at]! : 0
  }

  /** In no particular order. Nothing may be inserted or removed meanwhile. */
  forEach (visit: (slot: number) => void): void {
    for (const entry of this.#index) {
      if (entry !== 0) visit(entry - 1)
    }
  }

  #matches (slot: number, a: number, b: number, c: number, d: number): boolean {
    const keys = this.#keys
    if (this.words === 1) return keys[slot] === a
    if (this.words === 2) return keys[slot * 2] === a && keys[slot * 2 + 1] === b
    const base = slot * 4
    return keys[base] === a && keys[base + 1] === b && keys[base + 2] === c && keys[base + 3] === d
  }

  #hashOf (slot: number): number {
    const base = slot * this.words
    const keys = this.#keys
    if (this.words === 1) return this.#hash(keys[base]!, 0, 0, 0)
    if (this.words === 2) return this.#hash(keys[base]!, keys[base + 1]!, 0, 0)
    return this.#hash(keys[base]!, keys[base + 1]!, keys[base + 2]!, keys[base + 3]!)
  }

  #hash (a: number, b: number, c: number, d: number): number {
    let hash = mix(a ^ this.#seed0)
    if (this.words === 1) return hash
    hash = mix(hash ^ b ^ this.#seed1)
    if (this.words === 2) return hash
    return mix(mix(hash ^ c ^ this.#seeds[2]!) ^ d ^ this.#seeds[3]!)
  }

  #allocate (): number {
    const free = this.#firstFree

    if (free !== 0) {
      this.#firstFree = this.#keys[(free - 1) * this.words]!
      return free - 1
    }

    if (this.#end === this.#slots) this.#grow()
    return this.#end++
  }

  #grow (): void {
    const slots = Math.min(this.#slots * 2, this.capacity)

    this.#slots = slots
    this.#keys = extend(this.#keys, slots * this.words, Int32Array)

    // A new slot is linked by its caller; only those in use are here.
    const old = this.#index
    this.#index = new Int32Array(indexLength(slots))
    for (const entry of old) {
      if (entry !== 0) this.#link(this.#index, entry - 1)
    }
  }

  #link (index: Int32Array, slot: number): void {
    const mask = index.length - 1
    let at = this.#hashOf(slot) & mask

    while (index[at] !== 0) at = at + 1 & mask
    index[at] = slot + 1
  }
}

interface Numbers { readonly length: number, set (from: ArrayLike<number>): void }

/** A longer copy, with zeros behind. */
export function extend<T extends Numbers> (from: T, length: number, Type: new (length: number) => T): T {
  const to = new Type(length)

  to.set(from as unknown as ArrayLike<number>)
  return to
}

/** A power of two, at most half full: searches that find nothing end after 2.5 probes on average. */
function indexLength (slots: number): number {
  return 2 ** Math.ceil(Math.log2(slots * 2))
}

/** The finalizer of MurmurHash3: each bit of the key reaches each bit of the result. */
function mix (key: number): number {
  key = Math.imul(key ^ key >>> 16, 0x85ebca6b)
  key = Math.imul(key ^ key >>> 13, 0xc2b2ae35)
  return key ^ key >>> 16
}
