import { grown } from './columns.ts'

/** "No tag": the head of an empty list. */
export const NO_TAGS = -1

/**
 * The tags of all peers, in columns.
 *
 * A node tags thousands of peers with a handful of names. A Map per peer costs 300 bytes and more for three tags; here a tag is one
 * row of 16 bytes, rows of one peer are linked, and a name is kept once. A peer's owner holds the head of its list and stores what
 * each change returns.
 */
export class TagTable {
  readonly #names: string[] = []
  readonly #nameIds = new Map<string, number>()
  readonly #nameUses: number[] = []
  readonly #freeNames: number[] = []

  #name = new Int32Array(64)
  #next = new Int32Array(64)
  #value = new Float64Array(64)
  #size = 0
  #used = 0
  #free = NO_TAGS

  get (head: number, tag: string): number | undefined {
    const row = this.#find(head, this.#nameIds.get(tag))

    return row === NO_TAGS ? undefined : this.#value[row]
  }

  /** @returns the new head */
  set (head: number, tag: string, value: number): number {
    const known = this.#nameIds.get(tag)
    const row = this.#find(head, known)

    if (row !== NO_TAGS) {
      this.#value[row] = value
      return head
    }

    const added = this.#take()
    const name = known ?? this.#addName(tag)
    this.#nameUses[name]! += 1
    this.#name[added] = name
    this.#value[added] = value
    this.#next[added] = head
    return added
  }

  /** @returns the new head: the same one when there was no such tag and it was not the first */
  delete (head: number, tag: string): number {
    const name = this.#nameIds.get(tag)
    if (name == null) return head

    let before = NO_TAGS

    for (let row = head; row !== NO_TAGS; row = this.#next[row]!) {
      if (this.#name[row] === name) {
        const after = this.#next[row]!
        this.#release(row)
        if (before === NO_TAGS) return after

        this.#next[before] = after
        return head
      }

      before = row
    }

    return head
  }

  /** Gives back every tag of a list. */
  clear (head: number): void {
    for (let row = head; row !== NO_TAGS;) {
      const after = this.#next[row]!
      this.#release(row)
      row = after
    }
  }

  forEach (head: number, visit: (tag: string, value: number) => void): void {
    for (let row = head; row !== NO_TAGS; row = this.#next[row]!) {
      visit(this.#names[this.#name[row]!]!, this.#value[row]!)
    }
  }

  /** Tags in use, over all lists. */
  get size (): number {
    return this.#size
  }

  /** Distinct names in use. */
  get names (): number {
    return this.#nameIds.size
  }

  #find (head: number, name: number | undefined): number {
    if (name == null) return NO_TAGS

    let row = head
    while (row !== NO_TAGS && this.#name[row] !== name) row = this.#next[row]!

    return row
  }

  #take (): number {
    const row = this.#free
    this.#size++

    if (row !== NO_TAGS) {
      this.#free = this.#next[row]!
      return row
    }

    if (this.#used === this.#name.length) this.#grow()

    return this.#used++
  }

  #release (row: number): void {
    this.#dropName(this.#name[row]!)
    this.#next[row] = this.#free
    this.#free = row
    this.#size--
  }

  #addName (tag: string): number {
    const id = this.#freeNames.pop() ?? this.#names.length
    this.#names[id] = tag
    this.#nameUses[id] = 0
    this.#nameIds.set(tag, id)
    return id
  }

  /** A name lives as long as a tag uses it: names may come from strangers, topics for instance. */
  #dropName (id: number): void {
    this.#nameUses[id]! -= 1

    if (this.#nameUses[id] === 0) {
      this.#nameIds.delete(this.#names[id]!)
      this.#names[id] = ''
      this.#freeNames.push(id)
    }
  }

  #grow (): void {
    this.#name = grown(this.#name)
    this.#next = grown(this.#next)
    this.#value = grown(this.#value)
  }
}
