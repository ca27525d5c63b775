/** A tag's name or value that cannot be taken. Nothing was changed. */
export class InvalidTagError extends Error {
  readonly code = 'ERR_INVALID_TAG'
  override readonly name = 'InvalidTagError'
}

/** A decaying tag that is registered already, or closed. Nothing was changed. */
export class DecayingTagError extends Error {
  override readonly name = 'DecayingTagError'
  readonly code: 'ERR_DECAYING_TAG_EXISTS' | 'ERR_DECAYING_TAG_CLOSED'

  constructor (message: string, code: 'ERR_DECAYING_TAG_EXISTS' | 'ERR_DECAYING_TAG_CLOSED') {
    super(message)
    this.code = code
  }
}

/** A watermark, period or other number that breaks its rule. Nothing was changed. */
export class InvalidLimitError extends Error {
  readonly code = 'ERR_INVALID_LIMIT'
  override readonly name = 'InvalidLimitError'
}

/** Another limiter refuses connections before this manager would trim any. */
export class LimitConflictError extends Error {
  readonly code = 'ERR_LIMIT_CONFLICT'
  override readonly name = 'LimitConflictError'
}
