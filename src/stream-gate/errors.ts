import type { StreamHook } from './contract.ts'
import type { Denied, DenyReason } from '../limiter/verdict.ts'

/** A stream that we wanted to open ourselves, with `directions: 'both'`. */
export class StreamDeniedError extends Error {
  override readonly name = 'StreamDeniedError'
  readonly code = 'ERR_STREAM_DENIED'
  readonly protocol: string
  readonly reason: DenyReason
  readonly limit: number | undefined

  /** Milliseconds. */
  readonly retryAfter: number | undefined

  constructor (protocol: string, { reason, limit, retryAfter }: Denied) {
    super(`Could not open a stream of ${protocol}: ${reason}${limit == null ? '' : `, the limit is ${limit}`}`)
    this.protocol = protocol
    this.reason = reason
    this.limit = limit
    this.retryAfter = retryAfter
  }
}

/** With `strict: true`: js-libp2p has moved what a given option needs. Nothing was hooked in. */
export class StreamHookError extends Error {
  override readonly name = 'StreamHookError'
  readonly code = 'ERR_STREAM_HOOK'
  readonly hook: StreamHook
  readonly options: readonly string[]

  constructor (hook: StreamHook, moved: string, options: readonly string[]) {
    super(`Could not limit streams by ${options.join(', ')}: js-libp2p has moved ${moved}`)
    this.hook = hook
    this.options = options
  }
}
