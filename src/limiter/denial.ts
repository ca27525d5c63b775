import { formatPrefix } from '../address/prefix.ts'
import type { Ip } from '../address/ip.ts'
import type { Allowed, Denied, DenyReason } from './verdict.ts'

/** Nothing is held by it, so one is enough. */
export const ALLOWED: Allowed = Object.freeze({ allow: true })

export interface DenialInit {
  readonly action: 'drop' | 'close'
  readonly reason: DenyReason
  readonly limit?: number | undefined
  readonly retryAfter?: number | undefined
  readonly key?: string | undefined
}

/** Leaves out what is unknown: a denial is a value that people log and compare. */
export function deny ({ action, reason, limit, retryAfter, key }: DenialInit): Denied {
  const denial: { -readonly [K in keyof Denied]: Denied[K] } = { allow: false, action, reason }

  if (limit != null) denial.limit = limit
  if (retryAfter != null && retryAfter < Infinity) denial.retryAfter = retryAfter
  if (key != null) denial.key = key
  return denial
}

/**
 * A denial of an address. Its `key` is written when it is read: a flood is refused more often than anybody looks, and writing an address
 * costs as much as refusing it.
 */
export function denyPrefix (action: 'drop' | 'close', reason: DenyReason, ip: Ip, length: number, limit: number, retryAfter?: number): Denied {
  return retryAfter == null || retryAfter === Infinity
    ? new PrefixDenial(action, reason, ip, length, limit)
    : new PrefixDenialWithWait(action, reason, ip, length, limit, retryAfter)
}

class PrefixDenial implements Denied {
  readonly allow = false
  readonly action: 'drop' | 'close'
  readonly reason: DenyReason
  readonly limit: number
  readonly #ip: Ip
  readonly #length: number

  constructor (action: 'drop' | 'close', reason: DenyReason, ip: Ip, length: number, limit: number) {
    this.action = action
    this.reason = reason
    this.limit = limit
    this.#ip = ip
    this.#length = length
  }

  get key (): string {
    return formatPrefix(this.#ip, this.#length)
  }

  toJSON (): object {
    return { ...this, key: this.key }
  }
}

class PrefixDenialWithWait extends PrefixDenial {
  readonly retryAfter: number

  constructor (action: 'drop' | 'close', reason: DenyReason, ip: Ip, length: number, limit: number, retryAfter: number) {
    super(action, reason, ip, length, limit)
    this.retryAfter = retryAfter
  }
}
