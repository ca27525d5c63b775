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
 * A multiple of a rate, for a coarser key that stands in for many clients.
 */
export function scaleRate (rate: Rate, factor: number): Rate {
  const most = Math.floor(Number.MAX_SAFE_INTEGER / rate.window)

  return { ...rate, limit: rate.limit === Infinity ? Infinity : Math.min(rate.limit * factor, most) }
}

/** One text for one rate. */
export function formatRate (rate: Rate): string {
  return `${rate.strategy} ${rate.limit}/${rate.window}ms`
}
