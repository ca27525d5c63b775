import './libp2p/require-node.ts'

export { connectionGater } from './connection-gater/connection-gater.ts'
export { bumpOverwrite, bumpSumBounded, bumpSumUnbounded, decayExpireWhenInactive, decayFixed, decayLinear, decayNone } from './conn-manager/decay.ts'
export { nullConnManager } from './conn-manager/null-conn-manager.ts'
export { connManager } from './libp2p/conn-manager-service.ts'
export { connectionManagerDefaults } from './libp2p/take-over.ts'

export type { Clock, CancelTimer } from './clock/clock.ts'
export type { ConnectionGater, ConnectionGaterEvents, ConnectionGaterInit, Denial, GaterInspection } from './connection-gater/contract.ts'
export type {
  ConnManager, ConnManagerEvents, ConnManagerInfo, ConnManagerInit, DecayingTag, DecayingTagInit, Eviction, Limits, LimitsUnmet, Notifee,
  SpareReason, TagInfo, TrimCandidate, TrimEntry, TrimPlan, TrimReason, TrimReport
} from './conn-manager/contract.ts'
export type { BumpFn, DecayFn, DecayingValue } from './conn-manager/decay.ts'
export type { ConnManagerComponents } from './libp2p/conn-manager-service.ts'
export type { DenyReason } from './limiter/verdict.ts'
export type { Rate, RateStrategy } from './limiter/rate.ts'
