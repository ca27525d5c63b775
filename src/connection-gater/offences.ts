import { isOwnLimit } from '../limiter/denial.ts'
import type { Offence } from '../limiter/risk-options.ts'
import type { Denied } from '../limiter/verdict.ts'

/** Timers are not exact, nor is the moment in which a connection was counted. */
const SLACK = 100

/** What a failed handshake's error is called, in js-libp2p's upgrader and in the encrypters: the other side spoke, and said nonsense. */
const HANDSHAKE_ERRORS: ReadonlySet<string> = new Set([
  'EncryptionFailedError', 'MuxerUnavailableError', 'InvalidCryptoExchangeError', 'InvalidCryptoTransmissionError', 'UnexpectedPeerError', 'ProtocolError'
])

/** The offence in a denial at accept: only those against the client's own cap and rate. */
export function offenceOfDenial (denied: Denied): Offence | undefined {
  switch (denied.reason) {
    case 'connection-limit':
    case 'connect-rate': return isOwnLimit(denied) ? denied.reason : undefined
    case 'pending-limit': return denied.reason
    default: return undefined
  }
}

export interface FailedUpgrade {
  /** How long it was pending, in ms. */
  readonly age: number
  readonly upgradeTimeout: number

  /** Whether as many were pending as may be: then everybody is slow, and nobody to blame. */
  readonly wasFull: boolean

  /** Whether it was we who ended it, as far as is known. */
  readonly isLocal: boolean
  readonly error: Error | undefined
}

/**
 * The offence in an inbound connection that ended before its peer was known. Who hangs up has not offended: dialers try several addresses of
 * a peer at once, and hang up on all but the first.
 */
export function offenceOfUpgrade ({ age, upgradeTimeout, wasFull, isLocal, error }: FailedUpgrade): Offence | undefined {
  if (!isLocal || error == null) return undefined
  if (age >= upgradeTimeout - SLACK) return wasFull ? undefined : 'pending-timeout'
  return HANDSHAKE_ERRORS.has(error.name) ? 'failed-handshake' : undefined
}
