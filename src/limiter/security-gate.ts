import { systemClock } from '../clock/system-clock.ts'
import { Gate } from './gate.ts'
import { parseGate } from './gate-options.ts'
import { checkClock } from './options.ts'
import { trustList } from './trust-list.ts'
import type { SecurityGate } from './gate-contract.ts'
import type { SecurityGateInit } from './gate-options.ts'

/**
 * Decides who may connect and who may ask, by address, by connection and by path, and bans who keeps breaking the limits. It decides and
 * never acts: it closes nothing, sends nothing and sleeps nowhere. Synchronous, without timers, for any runtime.
 *
 * @throws {@link InvalidOptionError} or {@link InvalidAddressError}
 *
 * @example
 *
 * ```ts
 * import { securityGate } from 'libp2p-connmgr/limiter'
 *
 * const gate = securityGate({ pathRates: { '/login': { strategy: 'cooldown', limit: 5, window: 60_000 } } })
 * const socket = {}
 *
 * console.log(gate.allowConnect('192.0.2.1', socket).allow) // true
 * console.log(gate.allowRequest(socket, '/login').allow) // true
 * gate.release(socket)
 * ```
 */
export function securityGate (init: SecurityGateInit = {}): SecurityGate {
  return new Gate(parseGate(init), trustList(init.trust), checkClock(init.clock ?? systemClock))
}
