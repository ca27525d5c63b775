import type { Quota } from '../limiter/rate-limiter.ts'

/** A quota under the name that clients see. */
export interface NamedQuota {
  readonly name: QuotaName
  readonly quota: Quota
}

/** Of the connection, of the client over all of its connections, of the path, of the authenticated user. */
export type QuotaName = 'connection' | 'client' | 'path' | 'user'

/** The greatest Integer of a structured field: RFC 9651 §3.3.1. */
const MAX_INTEGER = 999_999_999_999_999

const SECOND = 1_000

/**
 * The `RateLimit-Policy` field: `"connection";q=40;w=1`. Structured-field lists of draft-ietf-httpapi-ratelimit-headers-10 §3.
 *
 * A window that is not whole seconds has no `w`, which the draft makes optional and an Integer of seconds. Quotas without a limit are left
 * out; undefined when none is left.
 */
export function rateLimitPolicy (quotas: readonly NamedQuota[]): string | undefined {
  return list(quotas, ({ limit, window }) => window % SECOND === 0 ? `q=${integer(limit)};w=${integer(window / SECOND)}` : `q=${integer(limit)}`)
}

/** The same, with the text of the last ones kept: policies change when somebody sets them, and most requests fall under the same. */
export function policyWriter (): (quotas: readonly NamedQuota[]) => string | undefined {
  let last: readonly NamedQuota[] | undefined
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
export function rateLimit (quotas: readonly NamedQuota[]): string | undefined {
  return list(quotas, ({ remaining, resetAfter }) => `r=${integer(remaining)};t=${seconds(resetAfter)}`)
}

/** The `Retry-After` field: whole seconds, rounded up so that who waits is not refused again, and at least 1, also when it is unknown. */
export function retryAfter (ms: number | undefined): number {
  return Math.max(1, ms == null ? 1 : seconds(ms))
}

function isSamePolicy (a: readonly NamedQuota[], b: readonly NamedQuota[]): boolean {
  if (a.length !== b.length) return false

  for (let at = 0; at < a.length; at++) {
    const [one, other] = [a[at]!, b[at]!]
    if (one.name !== other.name || one.quota.limit !== other.quota.limit || one.quota.window !== other.quota.window) return false
  }

  return true
}

function list (quotas: readonly NamedQuota[], parameters: (quota: Quota) => string): string | undefined {
  let text: string | undefined

  for (const { name, quota } of quotas) {
    if (quota.limit === Infinity) continue
    text = text === undefined ? `"${name}";${parameters(quota)}` : `${text}, "${name}";${parameters(quota)}`
  }

  return text
}

function seconds (ms: number): number {
  return integer(Math.ceil(ms / SECOND))
}

function integer (value: number): number {
  return Math.min(Math.max(Math.floor(value), 0), MAX_INTEGER)
}
