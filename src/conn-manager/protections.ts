/**
 * Which peers are protected, and by which tags. A set, not a count: protecting twice with one tag is undone by one `remove`. It is
 * filled by the application alone, never by what strangers do.
 */
export class Protections {
  readonly #tags = new Map<string, Set<string>>()

  /** Protected peers. */
  get size (): number {
    return this.#tags.size
  }

  add (peer: string, tag: string): void {
    const tags = this.#tags.get(peer)

    if (tags == null) this.#tags.set(peer, new Set([tag]))
    else tags.add(tag)
  }

  /** @returns whether the peer is still protected by another tag */
  remove (peer: string, tag: string): boolean {
    const tags = this.#tags.get(peer)
    if (tags == null) return false

    tags.delete(tag)
    if (tags.size === 0) this.#tags.delete(peer)

    return tags.size > 0
  }

  /** Without a tag: by any. */
  has (peer: string, tag?: string): boolean {
    const tags = this.#tags.get(peer)

    return tag == null ? tags != null : tags?.has(tag) === true
  }
}
