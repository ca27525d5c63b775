import { GUARD } from './trim-facts.ts'
import { builtInRanking } from './trim-ranking.ts'
import type { Limits } from './contract.ts'
import type { SpareReason, TrimReason } from './trim-contract.ts'
import type { TrimFacts } from './trim-facts.ts'
import type { TrimMode } from './trim-order.ts'
import type { TrimRanking } from './trim-ranking.ts'

export interface TrimRules {
  readonly mode: TrimMode
  readonly limits: Pick<Limits, 'lowWater' | 'outboundReserve'>

  /** Milliseconds. */
  readonly gracePeriod: number

  /** @default the built-in order */
  readonly ranking?: TrimRanking
}

/** A plan in indices of its facts. */
export interface Choice {
  /** In closing order. */
  readonly chosen: readonly Chosen[]
  readonly spared: Readonly<Record<SpareReason, number>>

  /** Epoch ms at which the next connection leaves its grace; Infinity when none is in it. */
  readonly nextGraceEnd: number
}

export interface Chosen {
  readonly index: number
  readonly reason: TrimReason
}

/**
 * Which connections a trim closes at `now`: as many as bring the count down to `lowWater`, never more, lowest first.
 */
export function chooseForTrim (facts: TrimFacts, rules: TrimRules, now: number): Choice {
  const { mode, limits, gracePeriod } = rules
  const ranking = rules.ranking ?? builtInRanking(facts, mode)
  const grace = { now, since: now - gracePeriod }
  const kept = mode === 'normal' ? keptAlive(facts, limits.lowWater, grace) : NOBODY
  const sieve = new Sieve(facts.size)
  sieve.sift(facts, grace, mode === 'normal', kept)

  const candidates = sieve.candidates.subarray(0, sieve.candidateCount)
  const lastResort = Int32Array.from(sieve.lastResort)
  const excess = facts.size - limits.lowWater
  // A flood must not hide behind its own grace and push the old ones out: the young count as little as if they were not there.
  const wanted = Math.max(0, mode === 'normal' ? excess - sieve.inGrace : excess)

  const outboundMayGo = outboundAboveReserve(facts, limits.outboundReserve)
  const first = take(facts, ranking, candidates, wanted, outboundMayGo)
  const second = mode === 'forced'
    ? take(facts, ranking, lastResort, wanted - first.chosen.length, outboundMayGo - first.outbound)
    : NOTHING

  return {
    chosen: first.chosen.concat(second.chosen.map(({ index }) => ({ index, reason: 'protection-overridden' }))),
    spared: {
      'protected': lastResort.length - second.chosen.length - second.reserved,
      'trusted': sieve.trusted,
      'grace': sieve.inGraceSpared,
      'keep-alive': sieve.keptAlive,
      'outbound-reserve': first.reserved + second.reserved
    },
    nextGraceEnd: sieve.oldestInGrace + gracePeriod
  }
}

const NOBODY: ReadonlySet<number> = new Set()

/** Epoch ms: what was opened after `since` is in its grace. */
interface Grace {
  readonly since: number
  readonly now: number
}

/** One that was opened in the future saw the clock set back, and would be young for as long as that takes to come again. */
function isYoung (openedAt: number, { since, now }: Grace): boolean {
  return openedAt > since && openedAt <= now
}

/** Who may be chosen at all, as it is being found out. */
class Sieve {
  readonly candidates: Int32Array
  candidateCount = 0

  /** Protected ones, which `forceTrim` alone may take. */
  readonly lastResort: number[] = []

  trusted = 0
  keptAlive = 0

  /** Spared for their grace alone: not those whom something else spares as well. */
  inGraceSpared = 0

  /** All that are younger than the grace period. */
  inGrace = 0

  /** Epoch ms at which the oldest connection in grace was opened. */
  oldestInGrace = Infinity

  constructor (size: number) {
    this.candidates = new Int32Array(size)
  }

  /** The loop stands alone for the same reason as those of `gather-facts.ts`. */
  sift (facts: TrimFacts, grace: Grace, graceHolds: boolean, kept: ReadonlySet<number>): void {
    for (let i = 0; i < facts.size; i++) {
      const openedAt = facts.openedAt[i]!
      const young = isYoung(openedAt, grace)

      if (young) {
        this.inGrace++
        if (openedAt < this.oldestInGrace) this.oldestInGrace = openedAt
      }

      if (facts.guard[i] === GUARD.trusted) this.trusted++
      else if (facts.guard[i] === GUARD.protected) this.lastResort.push(i)
      else if (young && graceHolds) this.inGraceSpared++
      else if (kept.size > 0 && kept.has(i)) this.keptAlive++
      else this.candidates[this.candidateCount++] = i
    }
  }
}

/**
 * The best connections of the most valuable `keep-alive` peers. A quarter of the low mark at most: kad-dht gives that tag to whoever
 * is closest to us, which a stranger can arrange. Whom something else spares takes no place: newcomers with such a tag, in their grace, would push
 * out the old ones.
 */
function keptAlive (facts: TrimFacts, lowWater: number, grace: Grace): ReadonlySet<number> {
  const asking: number[] = []

  for (let i = 0; i < facts.size; i++) {
    if (facts.keepAlive[i] === 1 && facts.guard[i] === GUARD.none && !isYoung(facts.openedAt[i]!, grace)) asking.push(i)
  }

  if (asking.length === 0) return NOBODY

  const most = Math.floor(lowWater / 4)
  if (asking.length <= most) return new Set(asking)

  // What the built-in order would close last is worth most.
  const lowest = Int32Array.from(asking)
  builtInRanking(facts, 'normal').lowestFirst(lowest, asking.length - most)
  return new Set(lowest.subarray(asking.length - most))
}

function outboundAboveReserve (facts: TrimFacts, outboundReserve: number): number {
  let outbound = 0
  for (let i = 0; i < facts.size; i++) outbound += facts.outbound[i]!

  return Math.max(0, outbound - outboundReserve)
}

function countOutbound (facts: TrimFacts, items: Int32Array, count: number): number {
  let outbound = 0
  for (let i = 0; i < count; i++) outbound += facts.outbound[items[i]!]!

  return outbound
}

interface Taken {
  readonly chosen: readonly Chosen[]

  /** How many of the chosen are outbound. */
  readonly outbound: number

  /** Outbound candidates that were left alone for the reserve. */
  readonly reserved: number
}

const NOTHING: Taken = { chosen: [], outbound: 0, reserved: 0 }

/** Takes the `wanted` lowest of `candidates`, and at most `outboundMayGo` outbound ones among them. */
function take (facts: TrimFacts, ranking: TrimRanking, candidates: Int32Array, wanted: number, outboundMayGo: number): Taken {
  const count = Math.max(0, Math.min(wanted, candidates.length))
  if (count === 0) return NOTHING

  // one more than is taken: the lowest that stays, against which the others are explained
  ranking.lowestFirst(candidates, count + 1)

  const outbound = countOutbound(facts, candidates, count)
  if (outbound <= outboundMayGo) return { chosen: explain(ranking, candidates, count), outbound, reserved: 0 }

  const allowed = withinReserve(facts, candidates, outboundMayGo)
  const fewer = Math.min(wanted, allowed.length)
  ranking.lowestFirst(allowed, fewer + 1)

  return {
    chosen: explain(ranking, allowed, fewer),
    outbound: countOutbound(facts, allowed, fewer),
    reserved: candidates.length - allowed.length
  }
}

/**
 * All inbound candidates, and the lowest of the outbound ones. Among the sorted ones in front are more outbound ones than may go, so those
 * that may are the first to be met.
 */
function withinReserve (facts: TrimFacts, candidates: Int32Array, outboundMayGo: number): Int32Array {
  const inbound = candidates.filter(i => facts.outbound[i] === 0)
  const outbound = candidates.filter(i => facts.outbound[i] === 1)

  const allowed = new Int32Array(inbound.length + outboundMayGo)
  allowed.set(inbound)
  allowed.set(outbound.subarray(0, outboundMayGo), inbound.length)
  return allowed
}

/** Says of each of the `count` first why it goes: what sets it apart from the next one, which stays. */
function explain (ranking: TrimRanking, ranked: Int32Array, count: number): Chosen[] {
  const going = ranked.subarray(0, count)
  const stays = ranked[count]
  const reasons = stays == null ? undefined : ranking.reasons(going, stays)
  const chosen: Chosen[] = []

  for (let i = 0; i < count; i++) chosen.push({ index: going[i]!, reason: reasons?.[i] ?? 'only-candidate' })

  return chosen
}
