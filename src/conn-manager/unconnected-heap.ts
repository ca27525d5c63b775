/** What the heap asks about a peer's row. */
export interface Worth {
  value (peer: number): number

  /** Epoch ms from which the peer has had no connection. */
  since (peer: number): number
}

/** Not in the heap. */
const ABSENT = -1

/**
 * Peers without a connection, the least valuable and then the oldest on top: who leaves when their tags need room.
 *
 * A binary heap that knows each peer's position, so that a changed value or a reconnecting peer costs the logarithm of its size.
 */
export class UnconnectedHeap {
  readonly #worth: Worth
  readonly #heap: number[] = []
  readonly #position = new Map<number, number>()

  constructor (worth: Worth) {
    this.#worth = worth
  }

  get size (): number {
    return this.#heap.length
  }

  /** The peer that would leave first. */
  get first (): number | undefined {
    return this.#heap[0]
  }

  has (peer: number): boolean {
    return this.#position.has(peer)
  }

  add (peer: number): void {
    this.#put(peer, this.#heap.length)
    this.#up(this.#heap.length - 1)
  }

  /** To be called after the peer's value changed. Does nothing for a peer that is not here. */
  update (peer: number): void {
    const at = this.#position.get(peer) ?? ABSENT
    if (at !== ABSENT) this.#down(this.#up(at))
  }

  delete (peer: number): boolean {
    const at = this.#position.get(peer) ?? ABSENT
    if (at === ABSENT) return false

    this.#position.delete(peer)
    const last = this.#heap.pop()!

    if (last !== peer) {
      this.#put(last, at)
      this.#down(this.#up(at))
    }

    return true
  }

  #up (from: number): number {
    let at = from

    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(this.#heap[at]!, this.#heap[parent]!)) break
      this.#swap(at, parent)
      at = parent
    }

    return at
  }

  #down (from: number): void {
    let at = from

    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = at

      if (left < this.#heap.length && this.#before(this.#heap[left]!, this.#heap[least]!)) least = left
      if (right < this.#heap.length && this.#before(this.#heap[right]!, this.#heap[least]!)) least = right
      if (least === at) return

      this.#swap(at, least)
      at = least
    }
  }

  #before (a: number, b: number): boolean {
    const byValue = this.#worth.value(a) - this.#worth.value(b)

    return byValue < 0 || (byValue === 0 && this.#worth.since(a) < this.#worth.since(b))
  }

  #swap (a: number, b: number): void {
    const peer = this.#heap[a]!
    this.#put(this.#heap[b]!, a)
    this.#put(peer, b)
  }

  #put (peer: number, at: number): void {
    this.#heap[at] = peer
    this.#position.set(peer, at)
  }
}
