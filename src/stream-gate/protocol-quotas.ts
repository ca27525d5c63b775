import { rateLimiter } from '../limiter/rate-limiter.ts'
import { formatRate } from '../limiter/rate.ts'
import { rateOf } from './options.ts'
import { ProtocolRules } from './protocol-rules.ts'
import type { Shortage } from './shortage.ts'
import type { Clock } from '../clock/clock.ts'
import type { RateLimiter } from '../limiter/rate-limiter.ts'
import type { Rate } from '../limiter/rate.ts'

interface RatesConfig {
  readonly protocolRates: Readonly<Record<string, Rate>>
  readonly peerRate: Rate | false
}

interface Rule {
  readonly name: string
  readonly rates: RateLimiter
}

/** How often a peer may open streams: of all protocols together, and of one. Keyed by peer, so that reconnecting resets nothing. */
export class ProtocolQuotas {
  readonly #capacity: number
  readonly #clock: Clock
  readonly #peers: RateLimiter
  #rules = new ProtocolRules<Rule>()
  #isFree = true

  constructor (config: RatesConfig, capacity: number, clock: Clock) {
    this.#capacity = capacity
    this.#clock = clock
    this.#peers = rateLimiter(rateOf(config.peerRate), { capacity, clock })
    this.set(config)
  }

  get entries (): number {
    return this.#rules.entries().reduce((sum, [, { rates }]) => sum + rates.size, this.#peers.size)
  }

  /** Whether nobody is limited here, and nobody need be asked about. */
  get isFree (): boolean {
    return this.#isFree
  }

  /** Asks both and spends nothing. @param isOfPeer - whether the rate of all protocols holds for this one */
  check (key: string, protocol: string, isOfPeer: boolean): Shortage | undefined {
    const peers = isOfPeer ? this.#peers.peek(key) : undefined
    if (peers?.allow === false) return shortage(peers, 'peer-rate', this.#peers, key)

    const rule = this.#rules.match(protocol)
    const verdict = rule?.rates.peek(key)
    return rule == null || verdict == null || verdict.allow ? undefined : shortage(verdict, 'protocol-rate', rule.rates, rule.name)
  }

  take (key: string, protocol: string, isOfPeer: boolean): void {
    if (isOfPeer) this.#peers.take(key)
    this.#rules.match(protocol)?.rates.take(key)
  }

  /** What has been used of a name that stays stays used. */
  set ({ protocolRates, peerRate }: RatesConfig): void {
    const before = this.#rules

    change(this.#peers, rateOf(peerRate))
    this.#rules = new ProtocolRules(Object.entries(protocolRates).map(([name, rate]) => {
      const known = before.get(name)
      if (known != null) change(known.rates, rate)
      return [name, known ?? { name, rates: rateLimiter(rate, { capacity: this.#capacity, clock: this.#clock }) }]
    }))
    this.#isFree = peerRate === false && Object.keys(protocolRates).length === 0
  }
}

/** A rate that stays as it is keeps its windows, too. */
function change (rates: RateLimiter, rate: Rate): void {
  if (formatRate(rates.rate) !== formatRate(rate)) rates.setRate(rate)
}

function shortage (verdict: { readonly reason: string, readonly retryAfter?: number }, reason: 'peer-rate' | 'protocol-rate', { rate: { limit, window } }: RateLimiter, key: string): Shortage {
  const isOverflow = verdict.reason === 'overflow-limit'

  return { reason: isOverflow ? 'overflow-limit' : reason, limit, retryAfter: verdict.retryAfter, key, offence: isOverflow ? undefined : reason, window }
}
