import type { TrimReason } from './trim-contract.ts'
import type { TrimFacts } from './trim-facts.ts'

/** Negative when connection `a` is to be closed before `b`, zero when this rule does not tell them apart. */
export type Comparator = (facts: TrimFacts, a: number, b: number) => number

export const redundantFirst: Comparator = (facts, a, b) => facts.redundant[b]! - facts.redundant[a]!

export const lowerValueFirst: Comparator = (facts, a, b) => facts.value[a]! - facts.value[b]!

export const idleFirst: Comparator = (facts, a, b) => facts.active[a]! - facts.active[b]!

export const inboundFirst: Comparator = (facts, a, b) => facts.outbound[a]! - facts.outbound[b]!

export const crowdedFirst: Comparator = (facts, a, b) =>
  facts.wideCrowd[b]! - facts.wideCrowd[a]! || facts.narrowCrowd[b]! - facts.narrowCrowd[a]!

export const fewerStreamsFirst: Comparator = (facts, a, b) => facts.streams[a]! - facts.streams[b]!

export const moreStreamsFirst: Comparator = (facts, a, b) => facts.streams[b]! - facts.streams[a]!

export const youngerFirst: Comparator = (facts, a, b) => facts.openedAt[b]! - facts.openedAt[a]!

/** Makes the order total: shuffled input gives the same plan. */
export const smallerIdFirst: Comparator = (facts, a, b) => {
  const [idA, idB] = [facts.connectionId(a), facts.connectionId(b)]

  return idA < idB ? -1 : idA > idB ? 1 : 0
}

interface Rule {
  readonly reason: TrimReason
  readonly compare: Comparator
}

/** A trim's order, the first difference decides. */
const NORMAL: readonly Rule[] = [
  { reason: 'redundant', compare: redundantFirst },
  { reason: 'value', compare: lowerValueFirst },
  { reason: 'idle', compare: idleFirst },
  { reason: 'inbound', compare: inboundFirst },
  { reason: 'crowding', compare: crowdedFirst },
  { reason: 'streams', compare: fewerStreamsFirst },
  { reason: 'age', compare: youngerFirst },
  { reason: 'connection-id', compare: smallerIdFirst }
]

/** Under memory pressure the busiest of equals frees most. */
const FORCED: readonly Rule[] = NORMAL.map(rule =>
  rule.reason === 'streams' ? { ...rule, compare: moreStreamsFirst } : rule)

/** The rules of `NORMAL`, written out: a selection asks this for every pair it looks at, and a walk over the table would call each by name. */
export const normalOrder: Comparator = (facts, a, b) =>
  redundantFirst(facts, a, b) ||
  lowerValueFirst(facts, a, b) ||
  idleFirst(facts, a, b) ||
  inboundFirst(facts, a, b) ||
  crowdedFirst(facts, a, b) ||
  fewerStreamsFirst(facts, a, b) ||
  youngerFirst(facts, a, b) ||
  smallerIdFirst(facts, a, b)

/** Those of `FORCED`. */
export const forcedOrder: Comparator = (facts, a, b) =>
  redundantFirst(facts, a, b) ||
  lowerValueFirst(facts, a, b) ||
  idleFirst(facts, a, b) ||
  inboundFirst(facts, a, b) ||
  crowdedFirst(facts, a, b) ||
  moreStreamsFirst(facts, a, b) ||
  youngerFirst(facts, a, b) ||
  smallerIdFirst(facts, a, b)

/** What is left of them for those that the first four rules do not tell apart: most of a crowd, when most are worth nothing. */
const normalTies: Comparator = (facts, a, b) =>
  crowdedFirst(facts, a, b) ||
  fewerStreamsFirst(facts, a, b) ||
  youngerFirst(facts, a, b) ||
  smallerIdFirst(facts, a, b)

const forcedTies: Comparator = (facts, a, b) =>
  crowdedFirst(facts, a, b) ||
  moreStreamsFirst(facts, a, b) ||
  youngerFirst(facts, a, b) ||
  smallerIdFirst(facts, a, b)

export type TrimMode = 'normal' | 'forced'

export const ORDERS: Readonly<Record<TrimMode, Comparator>> = { normal: normalOrder, forced: forcedOrder }
export const TIE_ORDERS: Readonly<Record<TrimMode, Comparator>> = { normal: normalTies, forced: forcedTies }

/** Why `a` goes and `b` stays: the first rule that tells them apart. */
export function reasonBetween (facts: TrimFacts, mode: TrimMode, a: number, b: number): TrimReason {
  for (const { compare, reason } of mode === 'normal' ? NORMAL : FORCED) {
    if (compare(facts, a, b) !== 0) return reason
  }

  return 'connection-id'
}

/**
 * The same for many at once, in closing order. The one rule that tells a connection apart from `stays` is never before that of the connection
 * in front of it, so no rule is asked twice.
 */
export function reasonsAgainst (facts: TrimFacts, mode: TrimMode, going: Int32Array, stays: number): TrimReason[] {
  const rules = mode === 'normal' ? NORMAL : FORCED
  const reasons: TrimReason[] = []
  let at = 0

  for (let i = 0; i < going.length; i++) {
    while (at < rules.length - 1 && rules[at]!.compare(facts, going[i]!, stays) === 0) at++
    reasons.push(rules[at]!.reason)
  }

  return reasons
}
