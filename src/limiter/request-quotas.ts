import { CallRates } from './call-rates.ts'
import { ClientRates, ofBothFamilies } from './client-rates.ts'
import { checkRate, checkRecordOrFalse, given } from './options.ts'
import { pathRules } from './path-rules.ts'
import { waitForBoth } from './quota.ts'
import { RowRates } from './row-rates.ts'
import type { Ip } from '../address/ip.ts'
import type { ClientRate } from './client-rates.ts'
import type { GateConfig } from './gate-options.ts'
import type { PathRules } from './path-rules.ts'
import type { Quota } from './quota.ts'
import type { Rate } from './rate.ts'
import type { DenyReason } from './verdict.ts'

/** What one connection counts its requests in. */
export interface Requester {
  readonly ip: Ip | undefined
  /** Its row in the configured rate. */
  readonly row: number
  /** Its rows in rates that were given with a call. */
  callRows: Map<RowRates, number> | undefined
}

export interface QuotaShortage {
  readonly reason: DenyReason & ('request-rate' | 'client-request-rate' | 'path-rate' | 'overflow-limit')
  /** Whether the path's quota is used up, not the connection's or the client's. */
  readonly isPath: boolean
  readonly limit: number
  readonly wait: number
  /** 0 where no prefix is the key. */
  readonly length: number
  readonly window: number
}

/** What is left of the quotas that a request is taken from. `path` is absent where no rule is about the path. */
export interface GateQuotas {
  readonly connection: Quota
  readonly client: Quota
  readonly path?: Quota
}

/** The three quotas of a request: its connection's, its client's, its path's. All are asked, then all are taken from. */
export class RequestQuotas {
  readonly #capacity: number
  readonly #pinned: (ip: Ip, length: number, now: number) => boolean
  readonly #connections: RowRates
  readonly #clients: ClientRates
  readonly #paths: PathRules<ClientRates> = pathRules()
  readonly #callRates = new CallRates(rate => new RowRates(rate))

  constructor (config: GateConfig, clientRate: ClientRate, pinned: (ip: Ip, length: number, now: number) => boolean) {
    this.#capacity = config.capacity
    this.#pinned = pinned
    this.#connections = new RowRates(config.requestRate)
    this.#clients = new ClientRates(clientRate, config.capacity, pinned)
    for (const [path, rate] of config.pathRates) this.setPathRate(path, rate, 0)
  }

  /** @throws {@link InvalidOptionError} for one rate too many */
  reserveRate (rate: Rate): void {
    this.#callRates.of(rate)
  }

  get requestRate (): Rate {
    return this.#connections.rate
  }

  get clientRate (): ClientRate {
    return this.#clients.rate
  }

  add (): number {
    return this.#connections.add()
  }

  remove ({ row, callRows }: Requester): void {
    this.#connections.remove(row)
    callRows?.forEach((callRow, rates) => { rates.remove(callRow) })
  }

  /**
   * @param rate - counts this request, and others of the same rate, instead of the configured rate of connections
   * @returns what is short, and nothing was taken; undefined when it was taken
   */
  take (requester: Requester, path: string, now: number, rate?: Rate): QuotaShortage | undefined {
    const rates = this.#ratesOf(rate)
    const row = this.#rowOf(requester, rates)
    const paths = this.#paths.match(path)
    const client = shortage('client-request-rate', this.#clients, requester.ip, now)
    const onPath = paths == null ? undefined : shortage('path-rate', paths, requester.ip, now)
    const isShort = client != null || onPath != null

    // the connection's own quota is asked and taken from at once; where another one is short, it still is what is named first
    const wait = isShort ? rates.wait(row, now) : rates.take(row, now)
    if (isShort || wait > 0) return waitForBoth(waitForBoth(ofConnection(rates.rate, wait), client), onPath)

    this.#clients.take(requester.ip, now)
    paths?.take(requester.ip, now)
    return undefined
  }

  quotas (requester: Requester, path: string, now: number, rate?: Rate): GateQuotas {
    const { ip } = requester
    const rates = this.#ratesOf(rate)
    const connection = rates.quota(this.#rowOf(requester, rates), now)
    const client = this.#clients.quota(ip, now)
    const paths = this.#paths.match(path)

    return paths == null ? { connection, client } : { connection, client, path: paths.quota(ip, now) }
  }

  setRequestRate (rate: Rate, now: number): void {
    this.#connections.setRate(rate, now)
  }

  setClientRate (rate: ClientRate, now: number): void {
    this.#clients.setRate(rate, now)
  }

  pathRates (): Record<string, Rate> {
    return Object.fromEntries(this.#paths.entries().map(([path, rates]) => [path, rates.rate.ipv4]))
  }

  setPathRate (path: string, rate: Rate, now: number): void {
    const known = this.#paths.get(path)

    if (known == null) this.#paths.set(path, new ClientRates(ofBothFamilies(rate), this.#capacity, this.#pinned))
    else known.setRate(ofBothFamilies(rate), now)
  }

  /** A new rule with all fields, or some fields of one that is there. @throws {@link InvalidOptionError} */
  changePathRate (path: string, change: unknown, now: number): void {
    const option = `pathRates['${path}']`
    const rate = { ...this.#paths.get(path)?.rate.ipv4, ...given(checkRecordOrFalse(option, change)) }

    this.setPathRate(path, checkRate(option, rate), now)
  }

  deletePathRate (path: string): boolean {
    return this.#paths.delete(path)
  }

  #ratesOf (rate: Rate | undefined): RowRates {
    return rate === undefined ? this.#connections : this.#callRates.of(rate)
  }

  #rowOf (requester: Requester, rates: RowRates): number {
    return rates === this.#connections ? requester.row : callRowOf(requester, rates)
  }
}

function callRowOf (requester: Requester, rates: RowRates): number {
  requester.callRows ??= new Map()
  const row = requester.callRows.get(rates) ?? rates.add()

  requester.callRows.set(rates, row)
  return row
}

function ofConnection ({ limit, window }: Rate, wait: number): QuotaShortage | undefined {
  return wait === 0 ? undefined : { reason: 'request-rate', isPath: false, limit, wait, length: 0, window }
}

function shortage (reason: 'client-request-rate' | 'path-rate', rates: ClientRates, ip: Ip | undefined, now: number): QuotaShortage | undefined {
  const found = rates.check(ip, now)
  if (found == null) return undefined

  const { limit, wait, length, overflow } = found
  return { reason: overflow ? 'overflow-limit' : reason, isPath: reason === 'path-rate', limit, wait, length, window: rates.rateOf(ip).window }
}
