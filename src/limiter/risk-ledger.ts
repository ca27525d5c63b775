import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { PrefixTable } from './prefix-table.ts'
import { SteadyTime } from './steady-time.ts'
import { extend } from './word-index.ts'
import type { Ip } from '../address/ip.ts'

/** A score below it is none: after ten half-lives, an offence is forgotten. */
const FORGOTTEN = 1 / 1_024

/** Entries looked at to make room for one. */
const SWEEP = 32

const WIDTH = 3
const SCORE = 0
const AT = 1
const BANS = 2

/**
 * How much each client has offended lately, and how often it was banned for it. A score halves every half-life and is forgotten below a
 * thousandth. Bounded; only forgotten entries leave, and an offence that finds no place is not scored.
 */
export class RiskLedger {
  readonly #tables: Record<4 | 6, PrefixTable>
  readonly #cells: Record<4 | 6, Float64Array>
  readonly #time = new SteadyTime()
  #halfLife: number

  constructor (capacity: number, halfLife: number) {
    this.#halfLife = halfLife
    this.#tables = {
      4: new PrefixTable({ family: 4, length: CLIENT_PREFIX_LENGTH[4], capacity }),
      6: new PrefixTable({ family: 6, length: CLIENT_PREFIX_LENGTH[6], capacity })
    }
    this.#cells = { 4: new Float64Array(0), 6: new Float64Array(0) }
  }

  score (ip: Ip, now: number): number {
    const slot = this.#tables[ip.family].find(ip)

    return slot === -1 ? 0 : this.#scoreAt(ip.family, slot, this.#time.at(now))
  }

  /** How many have a score that is not forgotten. */
  scored (now: number): number {
    const time = this.#time.at(now)
    let scored = 0

    for (const family of [4, 6] as const) {
      this.#tables[family].forEach(slot => { if (this.#scoreAt(family, slot, time) > 0) scored++ })
    }

    return scored
  }

  /** @returns the new score; 0 when there is no place for one more client */
  add (ip: Ip, weight: number, now: number): number {
    const time = this.#time.at(now)
    const slot = this.#place(ip, time)
    if (slot === -1) return 0

    const score = this.#scoreAt(ip.family, slot, time) + weight
    this.#write(ip.family, slot, score, Math.max(time, this.#cells[ip.family][slot * WIDTH + AT]!))
    return score
  }

  /** One ban more, and the score as it shall be after its `ms`, until when it does not fade. */
  settleAfter (ip: Ip, ms: number, score: number, now: number): void {
    const time = this.#time.at(now)
    const slot = this.#place(ip, time)
    if (slot === -1) return

    this.#write(ip.family, slot, score, time + ms)
    this.#cells[ip.family][slot * WIDTH + BANS]!++
  }

  /** How often the client was banned, as long as its score is remembered. */
  bans (ip: Ip): number {
    const slot = this.#tables[ip.family].find(ip)

    return slot === -1 ? 0 : this.#cells[ip.family][slot * WIDTH + BANS]!
  }

  /** Lets a score fade from now on that was to begin later: the ban was lifted. */
  resume (ip: Ip, now: number): void {
    const slot = this.#tables[ip.family].find(ip)
    if (slot !== -1) this.#cells[ip.family][slot * WIDTH + AT] = Math.min(this.#cells[ip.family][slot * WIDTH + AT]!, this.#time.at(now))
  }

  /** Scores are what they are now, and fade at the new pace from here on. */
  setHalfLife (halfLife: number, now: number): void {
    const time = this.#time.at(now)

    for (const family of [4, 6] as const) {
      this.#tables[family].forEach(slot => {
        const from = this.#cells[family][slot * WIDTH + AT]!
        this.#write(family, slot, this.#scoreAt(family, slot, time), Math.max(from, time))
      })
    }
    this.#halfLife = halfLife
  }

  #scoreAt (family: 4 | 6, slot: number, time: number): number {
    const cells = this.#cells[family]
    const score = cells[slot * WIDTH + SCORE]!
    const age = time - cells[slot * WIDTH + AT]!
    const faded = age > 0 ? score * 2 ** (-age / this.#halfLife) : score

    return faded < FORGOTTEN ? 0 : faded
  }

  #place (ip: Ip, time: number): number {
    const table = this.#tables[ip.family]
    const known = table.find(ip)

    if (known !== -1) {
      // A forgotten score is that of a client never seen, whether or not its entry has left.
      if (this.#scoreAt(ip.family, known, time) === 0) this.#cells[ip.family][known * WIDTH + BANS] = 0
      return known
    }

    for (let looked = 0; looked < SWEEP && !table.hasRoom(ip); looked++) {
      const candidate = table.candidate(table.ring(ip))
      if (this.#scoreAt(ip.family, candidate, time) === 0) table.remove(candidate)
    }

    const slot = table.add(ip)
    if (slot === -1) return -1
    if (slot * WIDTH >= this.#cells[ip.family].length) this.#cells[ip.family] = extend(this.#cells[ip.family], table.slots * WIDTH, Float64Array)
    this.#write(ip.family, slot, 0, time)
    this.#cells[ip.family][slot * WIDTH + BANS] = 0
    return slot
  }

  #write (family: 4 | 6, slot: number, score: number, at: number): void {
    this.#cells[family][slot * WIDTH + SCORE] = score
    this.#cells[family][slot * WIDTH + AT] = at
  }
}
