import { acceptCheck, canReplaceAcceptCheck } from './accept-check.ts'
import type { JsConnectionManager } from './js-connection-manager.ts'
import type { House } from '../limiter/ports.ts'
import type { Logger } from '@libp2p/interface'

/**
 * Spread into `createLibp2p({ connectionManager })`: lifts js-libp2p's own limits on connections, pending connections and connections per
 * second, for versions of js-libp2p in which they cannot be replaced at run time. In a node that has no `connectionGater` of this package the manager then
 * installs one with default limits, which asks the node's own, too; without the manager nothing stands in for them.
 */
export const connectionManagerDefaults = {
  maxConnections: Infinity,
  inboundConnectionThreshold: Infinity,
  maxIncomingPendingConnections: Infinity
} as const

/**
 * Replaces js-libp2p's pruner, its limit and its accept check by ours. What has moved in a newer js-libp2p is left alone, with a warning.
 *
 * @returns what undoes it
 */
export function takeOver (manager: JsConnectionManager, house: House, gated: boolean, log: Logger): () => void {
  if (!gated) log('the node has no connectionGater of this package: js-libp2p\'s own limits on pending connections and connections per second stay')

  const undo = [liftMaxConnections(manager, log), stopPruner(manager, log), replaceAcceptCheck(manager, house, gated, log)]
  if (!gated) warnOfAcceptLimits(manager, log)

  return () => { for (const step of undo.splice(0)) step() }
}

function liftMaxConnections (manager: JsConnectionManager, log: Logger): () => void {
  if (typeof manager.setMaxConnections !== 'function' || typeof manager.getMaxConnections !== 'function') {
    return moved('setMaxConnections', log)
  }

  const previous = manager.getMaxConnections()
  manager.setMaxConnections(Infinity)

  return () => {
    // lowering it through the setter prunes at once, in the middle of the node's stop
    if (typeof manager.maxConnections === 'number') manager.maxConnections = previous
    else manager.setMaxConnections?.(previous)
  }
}

function stopPruner ({ connectionPruner }: JsConnectionManager, log: Logger): () => void {
  if (typeof connectionPruner?.stop !== 'function' || typeof connectionPruner.start !== 'function') {
    return moved('connectionPruner', log)
  }

  connectionPruner.stop()

  return () => { connectionPruner.start?.() }
}

/**
 * js-libp2p starts its manager at the same time as the services, and that one starts its pruner last: by then ours has stopped it too
 * early. To be called when all have started.
 */
export function stopPrunerAgain ({ connectionPruner }: JsConnectionManager): void {
  if (typeof connectionPruner?.start === 'function') connectionPruner.stop?.()
}

function replaceAcceptCheck (manager: JsConnectionManager, house: House, gated: boolean, log: Logger): () => void {
  if (!canReplaceAcceptCheck(manager)) return moved('acceptIncomingConnection', log)

  const own = Object.getOwnPropertyDescriptor(manager, 'acceptIncomingConnection')
  manager.acceptIncomingConnection = acceptCheck(manager, house, gated, log)

  return () => {
    if (own == null) Reflect.deleteProperty(manager, 'acceptIncomingConnection')
    else Object.defineProperty(manager, 'acceptIncomingConnection', own)
  }
}

function moved (field: string, log: Logger): () => void {
  log.error('js-libp2p has moved %s, its own limit stays: spread connectionManagerDefaults into createLibp2p({ connectionManager })', field)

  return () => {}
}

/** Without taking over: says which of js-libp2p's limits will act before ours. */
export function warnOfLimits (manager: JsConnectionManager, hardLimit: number, log: Logger): void {
  warnOfAcceptLimits(manager, log)

  const max = manager.getMaxConnections?.() ?? Infinity

  if (max < hardLimit) {
    log.error('takeOver is off: js-libp2p refuses and prunes at its own maxConnections (%d), before hardLimit (%d)', max, hardLimit)
  }
}

/** A gater of ours has limits to put in the place of these; the manager alone has none. */
function warnOfAcceptLimits ({ maxIncomingPendingConnections: pending = Infinity, inboundConnectionRateLimiter }: JsConnectionManager, log: Logger): void {
  const perSecond = inboundConnectionRateLimiter?.points ?? Infinity

  if (pending < Infinity || perSecond < Infinity) {
    log.error('js-libp2p goes on refusing more than %d pending inbound connections, and more than %d per second and host: a connectionGater of libp2p-connmgr has limits of its own', pending, perSecond)
  }
}
