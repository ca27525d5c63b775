import { serviceCapabilities } from '@libp2p/interface'
import { logger } from '@libp2p/logger'
import { clientOf } from '../address/client.ts'
import { mendAbort } from '../connection-gater/websocket.ts'
import { ConnManagerPart } from '../conn-manager/conn-manager.ts'
import { resolveOptions } from '../conn-manager/options.ts'
import { CrowdLedger } from '../limiter/crowd-ledger.ts'
import { isAllowed } from './accept-check.ts'
import { registerConnManagerMetrics } from './conn-manager-metrics.ts'
import { gateOf, installDefaultGate } from './default-gate.ts'
import { endFailedDials } from './failed-dials.ts'
import { registerGateMetrics } from './gate-metrics.ts'
import { announceHouse } from './houses.ts'
import { stopPrunerAgain, takeOver, warnOfLimits } from './take-over.ts'
import { guardWebSocketListeners } from './websocket-listeners.ts'
import { maConnOf, mendClose } from './websocket.ts'
import type { ConnManager, ConnManagerInit } from '../conn-manager/contract.ts'
import type { ConnManagerOptions } from '../conn-manager/options.ts'
import type { JsConnectionManager } from './js-connection-manager.ts'
import type { Gate, Trust } from '../limiter/ports.ts'
import type { ComponentLogger, Connection, ConnectionGater, Libp2pEvents, Listener, Logger, Metrics, Peer, PeerId, PeerStore, PeerUpdate } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/** What the manager takes of libp2p's components. Every libp2p node has these. */
export interface ConnManagerComponents {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly peerStore: PeerStore
  readonly connectionManager: object
  connectionGater: ConnectionGater
  readonly upgrader?: object
  readonly transportManager?: {
    /** For those of WebSockets, whose sockets are asked about before they speak HTTP. */
    getListeners: () => Listener[]
  }
  readonly logger: ComponentLogger
  readonly metrics?: Metrics
}

/**
 * Decides who stays: tags, protections, decaying tags, and trims of the connections worth least above a high watermark.
 *
 * Without components the manager is not bound to a libp2p node: it is told of connections through `notifee()`, and asks no peer store.
 *
 * @throws InvalidLimitError when a mark, period or other option breaks its rule, InvalidOptionError for a name that is no option and for a wrong
 * `contestRate`
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { connManager } from 'libp2p-connmgr'
 *
 * const node = await createLibp2p({
 *   services: { connManager: connManager({ lowWater: 160, highWater: 192 }) }
 * })
 * await node.stop()
 * ```
 */
export function connManager (init: ConnManagerInit = {}): (components?: ConnManagerComponents) => ConnManager {
  const options = resolveOptions(init)

  return components => components == null
    ? new ConnManagerPart(options, { log: logger('libp2p:connmgr'), trust: undefined, crowds: new CrowdLedger(), readPeer: undefined })
    : new ConnManagerService(options, components)
}

/** js-libp2p's own, where it has moved the field. */
const UPGRADE_TIMEOUT = 10_000

/** The manager on a libp2p node: fed by its event bus, in charge instead of js-libp2p's own manager while it runs. */
class ConnManagerService extends ConnManagerPart {
  readonly [Symbol.toStringTag] = 'libp2p-connmgr/conn-manager'
  readonly [serviceCapabilities] = ['libp2p-connmgr/conn-manager']

  readonly #components: ConnManagerComponents
  readonly #options: ConnManagerOptions
  readonly #gate: Gate | undefined
  readonly #countDenials: () => () => void
  #undo: Array<() => void> = []

  constructor (options: ConnManagerOptions, components: ConnManagerComponents) {
    const log = components.logger.forComponent('libp2p:connmgr')
    const gate = gateOf(components.connectionGater) ?? installDefaultGate(components, components.connectionManager, options.clock, log)

    super(options, {
      log,
      trust: trustOf(gate, components.connectionManager),
      crowds: gate?.crowds ?? new CrowdLedger(),
      readPeer: async peer => readPeer(components.peerStore, peer)
    })

    this.#components = components
    this.#options = options
    this.#gate = gate
    const { metrics } = components
    this.#countDenials = metrics == null || gate == null ? () => () => {} : registerGateMetrics(metrics, gate)
    if (metrics != null) registerConnManagerMetrics(metrics, this)
  }

  /** Nobody listens before stored blocks and bans are in force. */
  async beforeStart (): Promise<void> {
    await this.#gate?.ready()
  }

  override start (): void {
    if (this.#undo.length > 0) return

    const { events, connectionManager, logger, upgrader } = this.#components
    const log = logger.forComponent('libp2p:connmgr')

    // in this order js-libp2p's own listener comes first, and has the connection when ours asks
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
    events.addEventListener('peer:update', this.#onUpdate)

    this.#undo = [
      () => {
        events.removeEventListener('connection:open', this.#onOpen)
        events.removeEventListener('connection:close', this.#onClose)
        events.removeEventListener('peer:update', this.#onUpdate)
      },
      this.#countDenials(),
      this.#attach(),
      announceHouse(events, this.house),
      this.#guardListeners(log),
      endFailedDials(upgrader),
      this.#options.takeOver ? takeOver(connectionManager, this.house, this.#gate != null, log) : () => {}
    ]

    if (!this.#options.takeOver) warnOfLimits(connectionManager, this.#options.limits.hardLimit, log)

    this.#adopt()
    super.start()
  }

  afterStart (): void {
    if (this.#options.takeOver && this.#undo.length > 0) stopPrunerAgain(this.#components.connectionManager)
  }

  override stop (): void {
    for (const step of this.#undo.splice(0)) step()

    super.stop()
  }

  #attach (): () => void {
    const { connectionManager, upgrader } = this.#components
    const { inboundUpgradeTimeout } = (upgrader ?? {}) as { readonly inboundUpgradeTimeout?: unknown }

    return this.#gate?.attach(this.house, {
      isAllowed: client => isAllowed(connectionManager, client),
      upgradeTimeout: typeof inboundUpgradeTimeout === 'number' ? inboundUpgradeTimeout : UPGRADE_TIMEOUT
    }) ?? (() => {})
  }

  #guardListeners (log: Logger): () => void {
    const { events, transportManager } = this.#components
    if (this.#gate == null) return () => {}

    return guardWebSocketListeners({
      gate: this.#gate, clock: this.#options.clock, log, events, listeners: () => transportManager?.getListeners() ?? []
    })
  }

  /** Connections that another service opened before our turn to start came. */
  #adopt (): void {
    const open = (this.#components.connectionManager as JsConnectionManager).getConnections?.() ?? []
    for (const connection of open) this.#opened(connection as Connection)
  }

  #opened (connection: Connection): void {
    const maConn = maConnOf(connection)
    mendAbort(maConn)
    mendClose(maConn)
    this.connected(connection)
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => { this.#opened(detail) }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    this.#gate?.connectionClosed(detail)
    this.disconnected(detail)
  }

  readonly #onUpdate = ({ detail }: CustomEvent<PeerUpdate>): void => { this.peerUpdated(detail.peer) }
}

/** js-libp2p's own `allow` list is trust to us as well, with or without a gater of ours. */
function trustOf (gate: Gate | undefined, connectionManager: JsConnectionManager): Trust {
  const hasAllowList = (connectionManager.allow?.length ?? 0) > 0

  return {
    get trustsAnybody () { return hasAllowList || gate?.trustsAnybody === true },

    isTrusted: connection => gate?.isTrusted(connection) === true || (hasAllowList && isAllowed(connectionManager, clientOf(connection.remoteAddr)))
  }
}

async function readPeer (peerStore: PeerStore, peer: PeerId): Promise<Peer | undefined> {
  try {
    return await peerStore.get(peer)
  } catch (error) {
    // most newcomers are not in the store yet
    if (error instanceof Error && error.name === 'NotFoundError') return undefined

    throw error
  }
}
