/** How events are counted: {@link Rate.strategy} says what each does. */
export type RateStrategy = 'cooldown' | 'fixed-window' | 'sliding-window' | 'token-bucket'

export const STRATEGY_NAMES = ['cooldown', 'fixed-window', 'sliding-window', 'token-bucket'] as const satisfies readonly RateStrategy[]

/** At most `limit` events per `window` ms, as `strategy` counts them. */
export interface Rate {
  /**
   * - `cooldown`: `limit` events, then silence for one `window`. Hardest on bursts.
   * - `fixed-window`: `limit` events in the `window` that begins with a key's first one. Cheapest; twice the limit may pass around a boundary.
   * - `sliding-window`: never more than `limit` events in any `window`. Fairest; remembers events.
   * - `token-bucket`: `limit` events at once, then one every `window / limit` ms. Smoothest.
   */
  readonly strategy: RateStrategy

  /** Events per window, a whole number. `Infinity` is no limit, 0 refuses all. */
  readonly limit: number

  /** A whole number of milliseconds, finite and above zero. */
  readonly window: number
}

/**
 * The largest limit that is counted exactly: quota is counted in whole numbers, so that no rounding frees or bans anybody, and the sliding
 * window in 32 bits.
 */
export function mostOf ({ strategy, window }: Pick<Rate, 'strategy' | 'window'>): number {
  const most = Math.floor(Number.MAX_SAFE_INTEGER / window)

  return strategy === 'sliding-window' ? Math.min(most, 2 ** 32 - 1) : most
}

/**
 * A multiple of a rate, for a coarser key that stands in for many clients.
 */
export function scaleRate (rate: Rate, factor: number): Rate {
  return Object.freeze({ ...rate, limit: rate.limit === Infinity ? Infinity : Math.min(rate.limit * factor, mostOf(rate)) })
}

export function isSameRate (a: Rate, b: Rate): boolean {
  return a.strategy === b.strategy && a.limit === b.limit && a.window === b.window
}

/** One text for one rate. */
export function formatRate (rate: Rate): string {
  return `${rate.strategy} ${rate.limit}/${rate.window}ms`
}
