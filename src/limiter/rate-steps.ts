import { Cooldown } from './rate-strategies/cooldown.ts'
import { FixedWindow } from './rate-strategies/fixed-window.ts'
import { SlidingWindow } from './rate-strategies/sliding-window.ts'
import { TokenBucket } from './rate-strategies/token-bucket.ts'
import type { RateSteps } from './rate-strategies/steps.ts'
import type { Rate, RateStrategy } from './rate.ts'

const STRATEGIES: Record<RateStrategy, new (rate: Rate) => RateSteps> = {
  'cooldown': Cooldown,
  'fixed-window': FixedWindow,
  'sliding-window': SlidingWindow,
  'token-bucket': TokenBucket
}

/** @param rate - checked by the caller */
export function rateSteps (rate: Rate): RateSteps {
  return new STRATEGIES[rate.strategy](rate)
}
