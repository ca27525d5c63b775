import { InvalidOptionError } from '../limiter/errors.ts'
import { gatePort } from '../limiter/ports.ts'
import { makeLibp2pGater } from './connection-gater.ts'
import type { Clock } from '../clock/clock.ts'
import type { JsConnectionManager } from './js-connection-manager.ts'
import type { Gate } from '../limiter/ports.ts'
import type { ConnectionGater, Logger } from '@libp2p/interface'

/** The gate that the node's gater carries, when it is one of ours. */
export function gateOf (gater: ConnectionGater): Gate | undefined {
  // our own factory, say, without its call: it has no hooks, and everybody would be let in
  if (typeof gater === 'function' && Object.keys(gater).length === 0) {
    throw new InvalidOptionError('connectionGater', 'an object with hooks: the factory is called, connectionGater()', gater)
  }

  return (gater as { readonly [gatePort]?: Gate })[gatePort]
}

/**
 * Who spreads `connectionManagerDefaults` has lifted js-libp2p's limits on pending connections and connections per second, which only a gater of
 * ours stands in for. Where there is none, one with default limits is installed, and asks the node's own.
 *
 * @param components - its `connectionGater` is replaced; js-libp2p looks it up each time
 */
export function installDefaultGate (
  components: { connectionGater: ConnectionGater }, manager: JsConnectionManager, clock: Clock, log: Logger
): Gate | undefined {
  const { maxIncomingPendingConnections, inboundConnectionRateLimiter } = manager
  const areLifted = maxIncomingPendingConnections === Infinity && inboundConnectionRateLimiter?.points === Infinity
  if (!areLifted) return undefined

  const also = components.connectionGater
  const gater = makeLibp2pGater({ also, clock }, undefined)
  components.connectionGater = gater
  log('connectionManagerDefaults were given without a connectionGater of this package: one with its default limits is installed')
  return gateOf(gater)
}
