import { selectLowest } from './select-lowest.ts'
import { ORDERS, reasonBetween } from './trim-order.ts'
import type { TrimReason } from './contract.ts'
import type { TrimFacts } from './trim-facts.ts'
import type { TrimMode } from './trim-order.ts'

/** An order of connections, at work on one set of facts. */
export interface TrimRanking {
  /** Moves the `count` lowest to the front, sorted. What stands behind them may be in any order. */
  lowestFirst (items: Int32Array, count: number): void

  compare (a: number, b: number): number

  /** Why `a` goes and `b` stays. */
  reason (a: number, b: number): TrimReason
}

export function builtInRanking (facts: TrimFacts, mode: TrimMode): TrimRanking {
  const order = ORDERS[mode]
  const compare = (a: number, b: number): number => order(facts, a, b)

  return {
    lowestFirst: (items, count) => { selectLowest(items, count, compare) },
    compare,
    reason: (a, b) => reasonBetween(facts, mode, a, b)
  }
}

/**
 * A user's comparator in front of the built-in order. It may contradict itself, which a selection by pivots does not survive, so
 * everything is sorted; when it throws or returns no number, it is left out of this trim and `onError` hears why.
 */
export function userRanking (facts: TrimFacts, mode: TrimMode, user: (a: number, b: number) => number, onError: (error: unknown) => void): TrimRanking {
  const builtIn = builtInRanking(facts, mode)
  let failed = false

  function ask (a: number, b: number): number {
    if (failed) return 0

    try {
      const answer = user(a, b)
      if (typeof answer === 'number' && !Number.isNaN(answer)) return answer

      throw new Error(`trimOrder returned no number: ${String(answer)}`)
    } catch (error) {
      failed = true
      onError(error)
      return 0
    }
  }

  const compare = (a: number, b: number): number => ask(a, b) || builtIn.compare(a, b)

  return {
    lowestFirst (items, count) {
      items.sort(compare)
      // what was sorted before it failed is half in its order
      if (failed) builtIn.lowestFirst(items, count)
    },
    compare,
    reason: (a, b) => ask(a, b) === 0 ? builtIn.reason(a, b) : 'user-order'
  }
}
