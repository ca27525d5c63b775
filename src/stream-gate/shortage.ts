import type { Offence } from '../limiter/risk-options.ts'
import type { DenyReason } from '../limiter/verdict.ts'

/** Why a stream may not be. */
export interface Shortage {
  readonly reason: DenyReason
  readonly limit: number
  readonly retryAfter?: number | undefined
  readonly key?: string | undefined

  /** Set where it is the remote's own limit: what it is called where scores are kept. Totals and what overflowed are nobody's offence. */
  readonly offence?: Offence | undefined

  /** Milliseconds after which a violation of it is forgotten. */
  readonly window: number
}
