/** Grows to what is in use; a ledger of capacity n needs at most n times what one key remembers. */
const FIRST_SIZE = 64

/**
 * Remembered events of all keys of one ledger, in one place: circular lists through typed arrays, because an array per key would cost more
 * than what it holds. A list is known by its newest entry, whose `next` is the oldest; 0 is none.
 */
export class EventPool {
  time = new Float64Array(FIRST_SIZE)
  count = new Uint32Array(FIRST_SIZE)
  next = new Uint32Array(FIRST_SIZE)
  #free = 0
  #end = 1

  /** The time of the oldest entry of a list that is not empty. */
  oldest (newest: number): number {
    return this.time[this.next[newest]!]!
  }

  oldestCount (newest: number): number {
    return this.count[this.next[newest]!]!
  }

  /** @returns the new newest entry of the list */
  append (newest: number, time: number, count: number): number {
    const entry = this.#allocate()

    this.time[entry] = time
    this.count[entry] = count

    if (newest === 0) {
      this.next[entry] = entry
    } else {
      this.next[entry] = this.next[newest]!
      this.next[newest] = entry
    }

    return entry
  }

  /** Drops the oldest entry. @returns the newest one, 0 when the list is empty now */
  shift (newest: number): number {
    const oldest = this.next[newest]!
    const rest = oldest === newest ? 0 : newest

    this.next[newest] = this.next[oldest]!
    this.next[oldest] = this.#free
    this.#free = oldest
    return rest
  }

  #allocate (): number {
    const entry = this.#free

    if (entry !== 0) {
      this.#free = this.next[entry]!
      return entry
    }

    if (this.#end === this.time.length) this.#grow()
    return this.#end++
  }

  #grow (): void {
    // A quarter more: twice would leave half of a large pool empty.
    const size = Math.ceil(this.time.length * 1.25)
    const { time, count, next } = this

    this.time = new Float64Array(size)
    this.count = new Uint32Array(size)
    this.next = new Uint32Array(size)
    this.time.set(time)
    this.count.set(count)
    this.next.set(next)
  }
}
