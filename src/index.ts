import './libp2p/require-node.ts'

import { makeLibp2pGater } from './libp2p/connection-gater.ts'
import { checkRecord } from './limiter/options.ts'
import { datastoreRules } from './store/datastore-rules.ts'
import type { ConnectionGater } from './connection-gater/contract.ts'
import type { ConnectionGaterInit } from './connection-gater/options.ts'

export { bumpOverwrite, bumpSumBounded, bumpSumUnbounded, decayExpireWhenInactive, decayFixed, decayLinear, decayNone } from './conn-manager/decay.ts'
export { nullConnManager } from './conn-manager/null-conn-manager.ts'
export { connManager } from './libp2p/conn-manager-service.ts'
export { STAGES } from './connection-gater/stages.ts'
export { streamGate } from './libp2p/stream-gate-service.ts'
export { connectionManagerDefaults } from './libp2p/take-over.ts'

export type { Clock, CancelTimer } from './clock/clock.ts'
export type {
  Blocked, BlockedAddress, BlockedPeer, BlockedSubnet, BlockOptions, ConnectionGater, ConnectionGaterEvents, Denial, GaterBan, GaterInspection, GaterUnban, Intercept
} from './connection-gater/contract.ts'
export type { ConnectionGaterConfig, ConnectionGaterInit, ConnectionGaterLimits, LimitedTransport } from './connection-gater/options.ts'
export type { Transport } from './address/client-key.ts'
export type { Stage } from './connection-gater/stages.ts'
export type {
  ConnManager, ConnManagerEvents, ConnManagerInfo, ConnManagerInit, Eviction, Limits, LimitsUnmet, Notifee, TagInfo
} from './conn-manager/contract.ts'
export type { DecayingTag, DecayingTagInit } from './conn-manager/decay-contract.ts'
export type { SpareReason, TrimCandidate, TrimEntry, TrimPlan, TrimReason, TrimReport } from './conn-manager/trim-contract.ts'
export type { BumpFn, DecayFn, DecayingValue } from './conn-manager/decay.ts'
export type { ConnManagerComponents } from './libp2p/conn-manager-service.ts'
export type { StreamGateComponents } from './libp2p/stream-gate-service.ts'
export type { DenyReason } from './limiter/verdict.ts'
export { InvalidAddressError } from './address/errors.ts'
export { CapacityError, InvalidOptionError } from './limiter/errors.ts'
export { DecayingTagError, InvalidLimitError, InvalidTagError, LimitConflictError } from './conn-manager/errors.ts'
export type { Rate, RateStrategy } from './limiter/rate.ts'
export type {
  IdleClosing, StreamDenial, StreamGate, StreamGateConfig, StreamGateEvents, StreamGateInit, StreamGateInspection, StreamGateLimits, StreamHook
} from './stream-gate/contract.ts'
export { byteQuotas } from './stream-gate/byte-quotas.ts'
export { meter } from './stream-gate/meter.ts'
export { throttle } from './stream-gate/throttle.ts'
export type { ByteQuota, ByteQuotas, ByteQuotasOptions, ByteRate, ByteWait } from './stream-gate/byte-quotas.ts'
export type { Bytes, BytesSource, BytesTransform } from './stream-gate/bytes.ts'
export type { ThrottleOptions } from './stream-gate/throttle.ts'
export { StreamDeniedError, StreamHookError } from './stream-gate/errors.ts'

/**
 * Decides who gets in, at every stage of a connection's life: caps by address and prefix, connect rates, pending caps, blocks, trust, and bans
 * that follow from offences. One model, counted exactly and synchronously, whatever the transport does.
 *
 * What is in the `datastore` is loaded when the node starts, by the manager of this package or with the first connection; until then, for at
 * most `checkTimeout`, nobody is let in.
 *
 * @throws {@link InvalidOptionError} or {@link InvalidAddressError}
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { connectionGater, connectionManagerDefaults, connManager } from 'libp2p-connmgr'
 *
 * const gater = connectionGater({ maxConnsPerIp: 4 })
 * const node = await createLibp2p({
 *   connectionGater: gater,
 *   connectionManager: connectionManagerDefaults,
 *   services: { connManager: connManager() }
 * })
 *
 * await gater.blockSubnet('192.0.2.0/24', { ttl: 60_000, reason: 'spam' })
 * console.log(gater.blockedSubnets().length) // 1
 * await node.stop()
 * ```
 */
export function connectionGater (init: ConnectionGaterInit = {}): ConnectionGater {
  const { datastore } = checkRecord('init', init) as ConnectionGaterInit

  return makeLibp2pGater(init, datastore == null ? undefined : datastoreRules(datastore))
}
