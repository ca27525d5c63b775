import { deny } from '../limiter/denial.ts'
import { pathRules } from '../limiter/path-rules.ts'
import { rateLimiter } from '../limiter/rate-limiter.ts'
import type { Clock } from '../clock/clock.ts'
import type { PathRules } from '../limiter/path-rules.ts'
import type { RateLimiter } from '../limiter/rate-limiter.ts'
import type { Rate } from '../limiter/rate.ts'
import type { Denied, Verdict } from '../limiter/verdict.ts'
import type { NamedQuotas } from './rate-limit-fields.ts'

/** What authenticated users may ask, each alone: over all, and for each path that has a rule. */
export class UserQuotas {
  readonly #users: RateLimiter
  readonly #paths: PathRules<RateLimiter> = pathRules()

  constructor (rate: Rate, pathRates: Readonly<Record<string, Rate>>, clock: Clock) {
    this.#users = rateLimiter(rate, { clock })
    for (const [path, pathRate] of Object.entries(pathRates)) this.#paths.set(path, rateLimiter(pathRate, { clock }))
  }

  /** Asks both, then takes from both. */
  take (user: string, path: string): Denied | undefined {
    const rule = this.#paths.match(path)
    const onPath = rule?.peek(user)

    if (onPath?.allow === false) {
      const own = this.#users.peek(user)
      // Who came back before both have something left would be refused by the other.
      return deny({ ...onPath, action: 'close', reason: 'path-rate', retryAfter: Math.max(waitOf(onPath), waitOf(own)) })
    }

    const verdict = this.#users.take(user)
    if (!verdict.allow) return { ...verdict, reason: 'request-rate' }
    rule?.take(user)
    return undefined
  }

  quotas (user: string, path: string): NamedQuotas {
    const rule = this.#paths.match(path)
    const own = this.#users.quota(user)

    return rule == null ? { user: own } : { user: own, path: rule.quota(user) }
  }
}

function waitOf (verdict: Verdict): number {
  return verdict.allow ? 0 : verdict.retryAfter ?? Infinity
}
