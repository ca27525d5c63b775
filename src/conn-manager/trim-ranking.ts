import { selectLowest } from './select-lowest.ts'
import { separate } from './separate.ts'
import { ORDERS, reasonBetween, reasonsAgainst, TIE_ORDERS } from './trim-order.ts'
import { answered } from './user-answer.ts'
import type { TrimReason } from './trim-contract.ts'
import type { TrimFacts } from './trim-facts.ts'
import type { TrimMode } from './trim-order.ts'

/** An order of connections, at work on one set of facts. */
export interface TrimRanking {
  /** Moves the `count` lowest to the front, sorted. What stands behind them may be in any order. */
  lowestFirst (items: Int32Array, count: number): void

  /** Why each of `going`, which are in closing order, goes and `stays` stays. */
  reasons (going: Int32Array, stays: number): TrimReason[]
}

export function builtInRanking (facts: TrimFacts, mode: TrimMode): TrimRanking {
  const order = ORDERS[mode]
  const tieOrder = TIE_ORDERS[mode]
  const compare = (a: number, b: number): number => order(facts, a, b)
  const compareTies = (a: number, b: number): number => tieOrder(facts, a, b)

  return {
    lowestFirst (items, count) {
      const places = Math.min(count, items.length)
      if (places < 1) return

      const worth = separate(items, worthOf(facts, items, places), places)
      facts.readUse(items.subarray(0, worth.end))

      const worthTies = items.subarray(worth.below, worth.end)
      const use = separate(worthTies, useOf(facts, worthTies), places - worth.below)
      const certain = worth.below + use.below

      const ties = worthTies.subarray(use.below, use.end)
      facts.readTies(items.subarray(0, worth.below + use.end))
      selectLowest(ties, places - certain, compareTies)

      items.subarray(0, certain).sort(compare)
      ties.subarray(0, places - certain).sort(compareTies)
    },
    reasons: (going, stays) => reasonsAgainst(facts, mode, going, stays)
  }
}

/**
 * The first two rules, as one number per item. As long as redundant ones leave a place for others they are below everybody, whatever their value;
 * else their value tells them apart, and nobody else comes into question.
 */
function worthOf ({ redundant, value }: TrimFacts, items: Int32Array, places: number): Float64Array {
  const worth = new Float64Array(items.length)
  const suffice = countRedundant(redundant, items) >= places

  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    if (suffice) worth[i] = redundant[item] === 1 ? value[item]! : Infinity
    else worth[i] = redundant[item] === 1 ? -Infinity : value[item]!
  }

  return worth
}

function countRedundant (redundant: Uint8Array, items: Int32Array): number {
  let count = 0
  for (let i = 0; i < items.length; i++) count += redundant[items[i]!]!

  return count
}

/** The next two, and the first half of the one after them. A crowd is below 2 ** 32. */
function useOf ({ active, outbound, wideCrowd }: TrimFacts, items: Int32Array): Float64Array {
  const use = new Float64Array(items.length)

  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    use[i] = (active[item]! * 2 + outbound[item]!) * 2 ** 32 - wideCrowd[item]!
  }

  return use
}

/**
 * A user's comparator in front of the built-in order. It may contradict itself, which a selection by pivots does not survive, so
 * everything is sorted; when it throws or returns no number, it is left out of this trim and `onError` hears why.
 */
export function userRanking (facts: TrimFacts, mode: TrimMode, user: (a: number, b: number) => number, onError: (error: unknown) => void): TrimRanking {
  const builtIn = builtInRanking(facts, mode)
  const order = ORDERS[mode]
  let failed = false

  function ask (a: number, b: number): number {
    if (failed) return 0

    try {
      const answer = answered(user(a, b))
      if (typeof answer === 'number' && !Number.isNaN(answer)) return answer

      throw new Error(`trimOrder returned no number: ${String(answer)}`)
    } catch (error) {
      failed = true
      onError(error)
      return 0
    }
  }

  const compare = (a: number, b: number): number => ask(a, b) || order(facts, a, b)

  return {
    lowestFirst (items, count) {
      items.sort(compare)
      // what was sorted before it failed is half in its order
      if (failed) builtIn.lowestFirst(items, count)
    },
    reasons: (going, stays) => Array.from(going, item => ask(item, stays) === 0 ? reasonBetween(facts, mode, item, stays) : 'user-order')
  }
}
