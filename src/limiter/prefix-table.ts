import { wordMask } from '../address/prefix.ts'
import { extend, WordIndex } from './word-index.ts'
import type { Ip } from '../address/ip.ts'
import type { SlotTable } from './slot-table.ts'

/** "One IPv4 /16 or IPv6 /32 may hold at most a sixteenth": whoever owns one network can not fill the table. */
const SHARE = 16
const GROUP_LENGTH = { 4: 16, 6: 32 } as const

/** The ring of all entries. */
const EVERYBODY = -1

export interface PrefixTableInit {
  readonly family: 4 | 6
  /** Prefix length: addresses that share it are one key. */
  readonly length: number
  readonly capacity: number
}

/**
 * Prefixes of one family and length. Each network (IPv4 /16, IPv6 /32) has a list of its own entries, in which it makes room for itself when
 * its share is used up; while there is room in its share but none in the table, anybody's entries are candidates.
 */
export class PrefixTable implements SlotTable<Ip> {
  readonly family: 4 | 6
  readonly length: number
  readonly capacity: number
  readonly #index: WordIndex
  readonly #masks: readonly [number, number, number, number]
  readonly #a: number
  readonly #b: number
  readonly #share: number
  readonly #groups: WordIndex | undefined
  #counts = new Int32Array(0) // entries of a group
  #hands = new Int32Array(0) // where a group goes on looking for room
  #next: Int32Array
  #previous: Int32Array
  #hand = 0

  constructor ({ family, length, capacity }: PrefixTableInit) {
    this.family = family
    this.length = length
    this.capacity = capacity
    this.#masks = [wordMask(length), wordMask(length - 32), wordMask(length - 64), wordMask(length - 96)]
    this.#a = this.#masks[0]
    this.#b = this.#masks[1]
    this.#index = new WordIndex(length <= 32 ? 1 : length <= 64 ? 2 : 4, capacity)
    this.#share = Math.max(Math.floor(capacity / SHARE), 1)
    this.#groups = length > GROUP_LENGTH[family] ? new WordIndex(1, capacity) : undefined
    this.#next = new Int32Array(this.#index.slots)
    this.#previous = new Int32Array(this.#index.slots)
  }

  get size (): number {
    return this.#index.size
  }

  get slots (): number {
    return this.#index.slots
  }

  find (ip: Ip): number {
    if (ip.family === 4) return this.#index.find(ip.bits & this.#a, 0, 0, 0)
    return this.#index.find(ip.a & this.#a, ip.b & this.#b, ip.c & this.#masks[2], ip.d & this.#masks[3])
  }

  hasRoom (ip: Ip): boolean {
    return this.#index.size < this.capacity && !this.#isShareUsedUp(this.#groupSlot(ip))
  }

  add (ip: Ip): number {
    if (this.#index.size === this.capacity) return -1
    if (this.#groups == null) return this.#insert(ip)
    const group = this.#groupSlot(ip)

    if (this.#isShareUsedUp(group)) return -1
    const slot = this.#insert(ip)
    this.#join(this.#groups, ip, group, slot)
    return slot
  }

  remove (slot: number): void {
    if (this.#groups != null) this.#leave(this.#groups, slot)
    this.#index.remove(slot)
  }

  /** The network's own entries when its share is used up, else everybody's. */
  ring (ip: Ip): number {
    const group = this.#groupSlot(ip)
    return this.#isShareUsedUp(group) ? group : EVERYBODY
  }

  candidate (ring: number): number {
    if (ring !== EVERYBODY) {
      const slot = this.#hands[ring]!
      this.#hands[ring] = this.#next[slot]!
      return slot
    }

    // The table is full: every slot is in use.
    const slot = this.#hand
    this.#hand = slot + 1 === this.capacity ? 0 : slot + 1
    return slot
  }

  keyAt (slot: number): Ip {
    const a = this.#index.word(slot, 0) >>> 0

    if (this.family === 4) return { family: 4, bits: a }
    return { family: 6, a, b: this.#index.word(slot, 1) >>> 0, c: this.#index.word(slot, 2) >>> 0, d: this.#index.word(slot, 3) >>> 0 }
  }

  forEach (visit: (slot: number) => void): void {
    this.#index.forEach(visit)
  }

  #groupSlot (ip: Ip): number {
    return this.#groups?.find(groupOf(ip), 0, 0, 0) ?? -1
  }

  #isShareUsedUp (group: number): boolean {
    return group !== -1 && this.#counts[group]! >= this.#share
  }

  #insert (ip: Ip): number {
    const slot = ip.family === 4
      ? this.#index.insert(ip.bits & this.#a, 0, 0, 0)
      : this.#index.insert(ip.a & this.#a, ip.b & this.#b, ip.c & this.#masks[2], ip.d & this.#masks[3])

    if (this.#next.length < this.#index.slots && this.#groups != null) {
      this.#next = extend(this.#next, this.#index.slots, Int32Array)
      this.#previous = extend(this.#previous, this.#index.slots, Int32Array)
    }

    return slot
  }

  /** Behind the group's hand, so that it is the last to be looked at. */
  #join (groups: WordIndex, ip: Ip, group: number, slot: number): void {
    if (group === -1) {
      group = groups.insert(groupOf(ip), 0, 0, 0)
      if (this.#counts.length < groups.slots) {
        this.#counts = extend(this.#counts, groups.slots, Int32Array)
        this.#hands = extend(this.#hands, groups.slots, Int32Array)
      }
      this.#counts[group] = 1
      this.#hands[group] = slot
      this.#next[slot] = slot
      this.#previous[slot] = slot
      return
    }

    const hand = this.#hands[group]!
    const last = this.#previous[hand]!
    this.#next[last] = slot
    this.#previous[slot] = last
    this.#next[slot] = hand
    this.#previous[hand] = slot
    this.#counts[group]!++
  }

  #leave (groups: WordIndex, slot: number): void {
    const word = this.#index.word(slot, 0)
    const group = groups.find(this.family === 4 ? word >> 16 : word, 0, 0, 0)
    const next = this.#next[slot]!
    const previous = this.#previous[slot]!

    if (--this.#counts[group]! === 0) {
      groups.remove(group)
      return
    }

    this.#next[previous] = next
    this.#previous[next] = previous
    if (this.#hands[group] === slot) this.#hands[group] = next
  }
}

function groupOf (ip: Ip): number {
  return ip.family === 4 ? ip.bits >> 16 : ip.a | 0
}
