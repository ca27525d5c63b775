export type RateStrategy = 'cooldown' | 'fixed-window' | 'sliding-window' | 'token-bucket'

/** At most `limit` events per `window` ms, as `strategy` counts them. */
export interface Rate {
  readonly strategy: RateStrategy

  /** Events per window, a whole number. `Infinity` is no limit, 0 refuses all. */
  readonly limit: number

  /** Milliseconds, finite and above zero. */
  readonly window: number
}
