import type { Quota } from '../limiter/quota.ts'

/**
 * Quotas under the names that clients see: of the connection, of the client over all of its connections, of the authenticated user, of the path.
 * The fields list them in this order.
 */
export interface NamedQuotas {
  readonly connection?: Quota
  readonly client?: Quota
  readonly user?: Quota
  readonly path?: Quota
}

/** The greatest Integer of a structured field: RFC 9651 §3.3.1. */
const MAX_INTEGER = 999_999_999_999_999

const SECOND = 1_000

/**
 * The `RateLimit-Policy` field: `"connection";q=40;w=1`. Structured-field lists of draft-ietf-httpapi-ratelimit-headers-10 §3.
 *
 * A window that is not whole seconds has no `w`, which the draft makes optional and an Integer of seconds. Quotas without a limit are left
 * out; undefined when none is left.
 */
export function rateLimitPolicy (quotas: NamedQuotas): string | undefined {
  return list(quotas, policyOf)
}

/** The same, with the text of the last ones kept: policies change when somebody sets them, and most requests fall under the same. */
export function policyWriter (): (quotas: NamedQuotas) => string | undefined {
  let last: NamedQuotas | undefined
  let text: string | undefined

  return quotas => {
    if (last == null || !isSamePolicy(last, quotas)) {
      text = rateLimitPolicy(quotas)
      last = quotas
    }

    return text
  }
}

/** The `RateLimit` field: `"connection";r=39;t=1`. What remains, and seconds until all of it is free again. §4 of the draft. */
export function rateLimit (quotas: NamedQuotas): string | undefined {
  return list(quotas, limitOf)
}

/** The `Retry-After` field: whole seconds, rounded up so that who waits is not refused again, and at least 1, also when it is unknown. */
export function retryAfter (ms: number | undefined): number {
  return Math.max(1, seconds(ms ?? 0))
}

function isSamePolicy (a: NamedQuotas, b: NamedQuotas): boolean {
  return isSameRate(a.connection, b.connection) && isSameRate(a.client, b.client) && isSameRate(a.user, b.user) && isSameRate(a.path, b.path)
}

function isSameRate (a: Quota | undefined, b: Quota | undefined): boolean {
  return a?.limit === b?.limit && a?.window === b?.window
}

function policyOf ({ limit, window }: Quota): string {
  return window % SECOND === 0 ? `q=${integer(limit)};w=${integer(window / SECOND)}` : `q=${integer(limit)}`
}

function limitOf ({ remaining, resetAfter }: Quota): string {
  return `r=${integer(remaining)};t=${seconds(resetAfter)}`
}

type Parameters = (quota: Quota) => string

function list ({ connection, client, user, path }: NamedQuotas, parameters: Parameters): string | undefined {
  return add(add(add(add(undefined, 'connection', connection, parameters), 'client', client, parameters), 'user', user, parameters), 'path', path, parameters)
}

function add (text: string | undefined, name: keyof NamedQuotas, quota: Quota | undefined, parameters: Parameters): string | undefined {
  if (quota == null || quota.limit === Infinity) return text
  return text === undefined ? `"${name}";${parameters(quota)}` : `${text}, "${name}";${parameters(quota)}`
}

function seconds (ms: number): number {
  return integer(Math.ceil(ms / SECOND))
}

function integer (value: number): number {
  return Math.min(Math.max(Math.floor(value), 0), MAX_INTEGER)
}
