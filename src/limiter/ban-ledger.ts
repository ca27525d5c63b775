import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { PrefixTable } from './prefix-table.ts'
import { SteadyTime } from './steady-time.ts'
import type { Ip } from '../address/ip.ts'

/** A client that is shut out, until when and why. */
export interface Ban {
  /** The client: an IPv4 address or an IPv6 /56. */
  readonly key: string

  readonly ip: Ip

  /** Epoch ms; the ban is over at it. `Infinity` is never. */
  readonly until: number

  /** An operator's words, or the offence that brought the score to its threshold. */
  readonly reason: string | undefined

  readonly automatic: boolean
}

interface Entry {
  readonly ip: Ip
  readonly reason: string | undefined
  readonly automatic: boolean
  readonly until: number // steady
}

/**
 * Which clients are banned, until when and why. Bounded; a ban never leaves before its end. It has no timer: that a ban has ended is noticed
 * when its client is next asked about, or by `sweep`. Who is told may ban and lift, and what is answered is what is true after that.
 */
export class BanLedger {
  readonly #tables: Record<4 | 6, PrefixTable>
  readonly #entries: Record<4 | 6, Array<Entry | undefined>> = { 4: [], 6: [] }
  readonly #time = new SteadyTime()
  readonly #onEnd: (ban: Ban) => void

  constructor (capacity: number, onEnd: (ban: Ban) => void) {
    this.#tables = {
      4: new PrefixTable({ family: 4, length: CLIENT_PREFIX_LENGTH[4], capacity }),
      6: new PrefixTable({ family: 6, length: CLIENT_PREFIX_LENGTH[6], capacity })
    }
    this.#onEnd = onEnd
  }

  get size (): number {
    return this.#tables[4].size + this.#tables[6].size
  }

  /** How many ms are left; 0 when it is not banned. At its very end a ban is over. */
  left (ip: Ip, now: number): number {
    const table = this.#tables[ip.family]
    if (table.size === 0) return 0

    const slot = table.find(ip)
    if (slot === -1) return 0
    const left = this.#entries[ip.family][slot]!.until - this.#time.at(now)
    if (left > 0) return left

    this.#remove(ip.family, slot)
    // Who was told may have banned it again.
    const again = table.find(ip)
    return again === -1 ? 0 : Math.max(this.#entries[ip.family][again]!.until - this.#time.at(now), 0)
  }

  /** Whether a ban is left; an end is not noticed by it. */
  has (ip: Ip, now: number): boolean {
    const slot = this.#tables[ip.family].find(ip)

    return slot !== -1 && this.#entries[ip.family][slot]!.until > this.#time.at(now)
  }

  /** The ban of a client that has one left. */
  find (ip: Ip, now: number): Ban | undefined {
    return this.left(ip, now) === 0 ? undefined : this.#describe(this.#entries[ip.family][this.#tables[ip.family].find(ip)]!)
  }

  /**
   * Bans for `ms`, which may be `Infinity`. A later end wins over an earlier one: nothing shortens a ban but lifting it. An automatic ban that
   * somebody says again is automatic no more, for whatever time.
   *
   * @returns the ban, or undefined when nothing changed: it already is as long, or there is no place for one more
   */
  ban (ip: Ip, ms: number, now: number, reason: string | undefined, automatic: boolean): Ban | undefined {
    const table = this.#tables[ip.family]
    const entries = this.#entries[ip.family]
    const until = this.#time.at(now) + ms
    this.left(ip, now) // notices its end first
    const slot = this.#place(ip, now)

    if (slot === -1) return undefined
    const known = entries[slot]
    const isLater = known == null || known.until < until
    if (!isLater && (automatic || !known.automatic)) return undefined

    const entry = isLater ? { ip: table.keyAt(slot), reason, automatic, until } : { ...known, reason: reason ?? known.reason, automatic }
    entries[slot] = entry
    return this.#describe(entry)
  }

  /** @returns the ban that it was; undefined when there was none */
  lift (ip: Ip, now: number): Ban | undefined {
    const ban = this.find(ip, now)

    if (ban != null) this.#forget(ip.family, this.#tables[ip.family].find(ip))
    return ban
  }

  /** Bans that have not ended. */
  list (now: number): Ban[] {
    this.sweep(now)
    return [...this.#entries[4], ...this.#entries[6]].flatMap(entry => entry == null ? [] : [this.#describe(entry)])
  }

  /** Forgets bans that have ended. @returns when the next one ends, in epoch ms; `Infinity` where none does */
  sweep (now: number): number {
    const time = this.#time.at(now)
    let next = Infinity

    for (const family of [4, 6] as const) {
      this.#entries[family].forEach((entry, slot) => {
        if (entry == null) return
        if (entry.until <= time) this.#remove(family, slot)
        else next = Math.min(next, entry.until)
      })
    }
    return this.#time.toClock(next)
  }

  /** The slot of a client that has or gets one; -1 when there is no room. */
  #place (ip: Ip, now: number): number {
    const table = this.#tables[ip.family]

    // Some of them may be over without anybody having asked; and who is told of it may ban this very client.
    for (let looked = 0; looked < 32 && table.find(ip) === -1 && !table.hasRoom(ip); looked++) {
      const slot = table.candidate(table.ring(ip))
      if (this.#entries[ip.family][slot]!.until <= this.#time.at(now)) this.#remove(ip.family, slot)
    }

    const known = table.find(ip)
    return known === -1 ? table.add(ip) : known
  }

  #remove (family: 4 | 6, slot: number): void {
    const ban = this.#describe(this.#entries[family][slot]!)

    this.#forget(family, slot)
    this.#onEnd(ban)
  }

  #forget (family: 4 | 6, slot: number): void {
    this.#entries[family][slot] = undefined
    this.#tables[family].remove(slot)
  }

  #describe ({ ip, until, reason, automatic }: Entry): Ban {
    return { key: formatPrefix(ip, CLIENT_PREFIX_LENGTH[ip.family]), ip, until: this.#time.toClock(until), reason, automatic }
  }
}
