import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { OVERFLOW_FACTOR } from './prefix-ledger.ts'
import { PrefixRates } from './prefix-rates.ts'
import { wholeQuota } from './quota.ts'
import { scaleRate } from './rate.ts'
import { RowRates } from './row-rates.ts'
import type { Ip } from '../address/ip.ts'
import type { FamilyRates, RateShortage } from './prefix-rates.ts'
import type { Quota } from './quota.ts'
import type { Rate } from './rate.ts'

/** The one row of all remotes whose address is unknown. */
const UNKNOWN = 0

/** What one client may, by the family of its address. */
export interface ClientRate {
  readonly ipv4: Rate
  readonly ipv6: Rate
}

export function ofBothFamilies (rate: Rate): ClientRate {
  return { ipv4: rate, ipv6: rate }
}

/** One rate for each client key. Remotes without an address share 8 clients' worth, as those of IPv4 have. `now` never goes back. */
export class ClientRates {
  readonly #clients: PrefixRates
  readonly #unknown: RowRates
  #rate: ClientRate

  constructor (rate: ClientRate, capacity: number, pinned: (ip: Ip, length: number, now: number) => boolean) {
    this.#rate = rate
    this.#clients = new PrefixRates({ ...byClient(rate), capacity, pinned })
    this.#unknown = new RowRates(scaleRate(rate.ipv4, OVERFLOW_FACTOR))
    this.#unknown.add()
  }

  get rate (): ClientRate {
    return this.#rate
  }

  /** For a check that takes prefixes' rates. */
  get prefixes (): PrefixRates {
    return this.#clients
  }

  rateOf (ip: Ip | undefined): Rate {
    return ip?.family === 6 ? this.#rate.ipv6 : this.#rate.ipv4
  }

  check (ip: Ip | undefined, now: number): RateShortage | undefined {
    if (ip != null) return this.#clients.check(ip, now)
    const wait = this.#unknown.wait(UNKNOWN, now)

    return wait === 0 ? undefined : { length: 0, limit: this.#unknown.rate.limit, wait, overflow: true }
  }

  take (ip: Ip | undefined, now: number): void {
    if (ip == null) this.#unknown.take(UNKNOWN, now)
    else this.#clients.take(ip, now)
  }

  quota (ip: Ip | undefined, now: number): Quota {
    return (ip == null ? this.#unknown.quota(UNKNOWN, now) : this.#clients.quota(ip, now)) ?? wholeQuota(this.rateOf(ip))
  }

  setRate (rate: ClientRate, now: number): void {
    this.#rate = rate
    this.#clients.setRates(byClient(rate), now)
    this.#unknown.setRate(scaleRate(rate.ipv4, OVERFLOW_FACTOR), now)
  }
}

function byClient ({ ipv4, ipv6 }: ClientRate): FamilyRates {
  return { ipv4: new Map([[CLIENT_PREFIX_LENGTH[4], ipv4]]), ipv6: new Map([[CLIENT_PREFIX_LENGTH[6], ipv6]]) }
}
