import { CLIENT_PREFIX_LENGTH } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { SHOWN } from './shown.ts'
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

/** Whether it was a limit of the client itself that it reached, not one of its neighbourhood or of us all: only those are offences. */
export function isOwnLimit (denied: Denied): boolean {
  return denied instanceof PrefixDenial && denied.isOfClient
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

  get isOfClient (): boolean {
    return this.#length === CLIENT_PREFIX_LENGTH[this.#ip.family] && this.reason !== 'overflow-limit'
  }

  toJSON (): object {
    return { ...this, key: this.key }
  }

  [SHOWN] (): object {
    return this.toJSON()
  }
}

class PrefixDenialWithWait extends PrefixDenial {
  readonly retryAfter: number

  constructor (action: 'drop' | 'close', reason: DenyReason, ip: Ip, length: number, limit: number, retryAfter: number) {
    super(action, reason, ip, length, limit)
    this.retryAfter = retryAfter
  }
}
