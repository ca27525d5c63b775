import { InvalidOptionError } from './errors.ts'
import { checkDuration, checkDurationOrNever, checkNames, checkPositive, checkRecord, checkRecordOrFalse, checkWeight, given } from './options.ts'

/** What a client can do wrong against its own limits. A full house, coarser keys, totals and our own errors are nobody's offence. */
export const OFFENCES = [
  'connection-limit', 'connect-rate', 'pending-limit', 'pending-timeout', 'failed-handshake', 'request-rate', 'client-request-rate', 'path-rate', 'stream-rate',
  'protocol-rate', 'peer-rate', 'pending-streams', 'negotiation-timeout'
] as const

/** One of {@link OFFENCES}. */
export type Offence = typeof OFFENCES[number]

/** How offences become bans. */
export interface RiskInit {
  /**
   * The score at which a client is banned.
   *
   * @default 10
   */
  readonly threshold?: number

  /**
   * Milliseconds in which a score halves. `Infinity` forgives nothing.
   *
   * @default 600_000
   */
  readonly halfLife?: number

  /**
   * Milliseconds of the first ban; each further one is twice as long, until the score is forgotten.
   *
   * @default 600_000
   */
  readonly banTime?: number

  /**
   * Milliseconds of the longest automatic ban.
   *
   * @default 86_400_000
   */
  readonly maxBanTime?: number

  /**
   * What each offence adds to the score; 0 is forgiven.
   *
   * @default 1 each
   */
  readonly weights?: Readonly<Partial<Record<Offence, number>>>
}

export interface RiskConfig {
  readonly threshold: number
  readonly halfLife: number
  readonly banTime: number
  readonly maxBanTime: number
  readonly weights: Readonly<Record<Offence, number>>
}

/** The original gate bans at a score of 10 for 10 minutes. Its scores never fade; ours halve in the time of a ban. */
const RISK_DEFAULTS: Omit<RiskConfig, 'weights'> = { threshold: 10, halfLife: 600_000, banTime: 600_000, maxBanTime: 86_400_000 }

const NAMES: Readonly<Record<keyof RiskInit, true>> = { threshold: true, halfLife: true, banTime: true, maxBanTime: true, weights: true }

/** @throws {@link InvalidOptionError} */
export function parseRisk (init: RiskInit): RiskConfig {
  const { threshold, halfLife, banTime, maxBanTime, weights } = { ...RISK_DEFAULTS, weights: {}, ...given(checkNames('risk', checkRecordOrFalse('risk', init), NAMES)) } as Required<RiskInit>
  const config = {
    threshold: checkPositive('risk.threshold', threshold),
    halfLife: checkDurationOrNever('risk.halfLife', halfLife),
    banTime: checkDuration('risk.banTime', banTime),
    maxBanTime: checkDurationOrNever('risk.maxBanTime', maxBanTime),
    weights: parseWeights(weights)
  }

  if (config.maxBanTime < config.banTime) throw new InvalidOptionError('risk.maxBanTime', `at least the banTime of ${banTime}`, maxBanTime)
  return config
}

function parseWeights (weights: unknown): Record<Offence, number> {
  const given = checkRecord('risk.weights', weights)
  const unknown = Object.keys(given).find(name => !(OFFENCES as readonly string[]).includes(name))

  if (unknown != null) throw new InvalidOptionError('risk.weights', `an object whose keys are among ${OFFENCES.join(', ')}`, unknown)
  return Object.fromEntries(OFFENCES.map(name => [name, checkWeight(`risk.weights.${name}`, given[name] ?? 1)])) as Record<Offence, number>
}
