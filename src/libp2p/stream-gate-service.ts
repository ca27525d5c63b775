import { serviceCapabilities } from '@libp2p/interface'
import { clientOf } from '../address/client.ts'
import { closeConnections } from '../conn-manager/close-connections.ts'
import { isCounted } from '../conn-manager/counted-streams.ts'
import { QuietLog } from '../connection-gater/quiet-log.ts'
import { mendAbort } from '../connection-gater/websocket.ts'
import { StreamDeniedError, StreamHookError } from '../stream-gate/errors.ts'
import { optionsNeeding, parseOptions } from '../stream-gate/options.ts'
import { REFUSED, StreamGatePart } from '../stream-gate/stream-gate.ts'
import { isAllowed } from './accept-check.ts'
import { gateOf } from './default-gate.ts'
import { houseOf } from './houses.ts'
import { registerStreamGateMetrics } from './stream-gate-metrics.ts'
import { hearStreams, wrapMiddleware } from './stream-hooks.ts'
import { maConnOf } from './websocket.ts'
import type { JsConnectionManager } from './js-connection-manager.ts'
import type { JsRegistrar } from './stream-hooks.ts'
import type { StreamGate, StreamGateInit, StreamHook } from '../stream-gate/contract.ts'
import type { StreamGateOptions } from '../stream-gate/options.ts'
import type { StreamGatePorts } from '../stream-gate/ports.ts'
import type { ComponentLogger, Connection, ConnectionGater, Libp2pEvents, Logger, Metrics, StreamMiddleware } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/** What the gate takes of libp2p's components. Every libp2p node has these. */
export interface StreamGateComponents {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly registrar: object
  readonly connectionManager: object
  readonly connectionGater: ConnectionGater
  readonly logger: ComponentLogger
  readonly metrics?: Metrics
}

/**
 * Decides how fast who was let in may ask: how often a remote may open streams, of which protocols, how many at once, and how long a connection
 * may stay without any. Refused streams are reset; who goes on loses the connection, and is banned in the end where the node has a
 * `connectionGater` of this package. Peers that are trusted there or protected in a `connManager` of this package, and addresses on js-libp2p's own
 * `allow` list, are not limited.
 *
 * @throws {@link InvalidOptionError}
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { streamGate } from 'libp2p-connmgr'
 *
 * const node = await createLibp2p({
 *   services: {
 *     streamGate: streamGate({
 *       protocolRates: { '/ipfs/kad/': { strategy: 'token-bucket', limit: 100, window: 10_000 } },
 *       maxStreamsPerProtocol: { '/my-app/1.0.0': 200 }
 *     })
 *   }
 * })
 *
 * node.services.streamGate.setConfig({ peerRate: { strategy: 'sliding-window', limit: 50, window: 1_000 } })
 * console.log(node.services.streamGate.inspect().streams.open) // 0
 * await node.stop()
 * ```
 */
export function streamGate (init: StreamGateInit = {}): (components: StreamGateComponents) => StreamGate {
  const options = parseOptions(init)

  return components => new StreamGateService(options, components)
}

/** The gate on a libp2p node: hooked in where js-libp2p opens and negotiates streams, as long as it runs. */
class StreamGateService extends StreamGatePart {
  readonly [Symbol.toStringTag] = 'libp2p-connmgr/stream-gate'
  readonly [serviceCapabilities] = ['libp2p-connmgr/stream-gate']

  readonly #components: StreamGateComponents
  readonly #options: StreamGateOptions
  readonly #off: Set<StreamHook>
  readonly #log: Logger
  #undo: Array<() => void> = []

  constructor (options: StreamGateOptions, components: StreamGateComponents) {
    const log = components.logger.forComponent('libp2p:connmgr:streams')
    const off = new Set<StreamHook>()

    super(options, portsOf(options, components, off, log))
    this.#components = components
    this.#options = options
    this.#off = off
    this.#log = log
    if (components.metrics != null) registerStreamGateMetrics(components.metrics, this.denials)
  }

  /** @throws {@link StreamHookError} with `strict`, when the registrar has moved what a given option needs */
  override start (): void {
    if (this.#undo.length > 0) return

    const { events, registrar, connectionManager } = this.#components
    // what has moved is found out anew
    this.#off.clear()
    const unwrap = wrapMiddleware(registrar as JsRegistrar, this.#middleware)
    if (unwrap == null) missHook('middleware', this.#options, this.#off, this.#log)

    super.start()
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
    this.#undo = [
      () => {
        events.removeEventListener('connection:open', this.#onOpen)
        events.removeEventListener('connection:close', this.#onClose)
      },
      unwrap ?? (() => {})
    ]

    // opened by other services before our turn to start came
    for (const connection of (connectionManager as JsConnectionManager).getConnections?.() ?? []) this.connected(connection as Connection, false)
  }

  override stop (): void {
    for (const step of this.#undo.splice(0)) step()

    super.stop()
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => { this.connected(detail, true) }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => { this.disconnected(detail) }

  readonly #middleware: StreamMiddleware = (stream, connection, next) => {
    const denied = this.negotiated(connection, stream)

    // js-libp2p resets the stream of a middleware that throws, and tells who wanted to open it
    if (denied != null) throw stream.direction === 'inbound' ? REFUSED : new StreamDeniedError(stream.protocol, denied)
    next(stream, connection)
  }
}

function portsOf (options: StreamGateOptions, components: StreamGateComponents, off: Set<StreamHook>, log: Logger): StreamGatePorts {
  const quiet = new QuietLog(log)

  return {
    off: () => [...off],

    hear: (connection, onStream) => {
      const undo = hearStreams(connection, onStream)
      if (undo == null && connection.multiplexer != null) missMuxer(connection, options, off, log)
      return undo
    },

    isExempt: connection => isExempt(connection, components),
    isLife: isCounted,
    offend: (connection, offence) => { gateOf(components.connectionGater)?.offend(connection, offence) },

    close: (connection, why) => {
      mendAbort(maConnOf(connection))
      connection.abort(why)
    },

    closeIdle: (connections, mayGo) => {
      closeConnections(connections, options.clock, log, mayGo).catch(error => { log.error('could not close idle connections - %e', error) })
    },

    log,
    write: (now, line) => { quiet.write(now, line) }
  }
}

/** All are looked up each time: the manager may have installed a gater, and starts when it likes; where there is none of ours, nobody joins it to the manager. */
function isExempt (connection: Connection, { connectionGater, events, connectionManager }: StreamGateComponents): boolean {
  return gateOf(connectionGater)?.isExempt(connection) === true ||
    houseOf(events)?.isProtected(connection.remotePeer) === true ||
    isAllowed(connectionManager, clientOf(connection.remoteAddr))
}

/** Only a connection shows whether its muxer can be heard. With `strict` one that cannot be limited as was asked for does not stay. */
function missMuxer (connection: Connection, options: StreamGateOptions, off: Set<StreamHook>, log: Logger): void {
  try {
    missHook('muxer', options, off, log)
  } catch (error) {
    connection.abort(error as Error)
  }
}

const MOVED: Readonly<Record<StreamHook, string>> = { middleware: 'registrar.getMiddleware', muxer: 'connection.muxer' }

function missHook (hook: StreamHook, { config: { strict }, asked }: StreamGateOptions, off: Set<StreamHook>, log: Logger): void {
  if (!off.has(hook)) {
    off.add(hook)
    log.error('js-libp2p has moved %s: %s are without effect', MOVED[hook], optionsNeeding(hook).join(', '))
  }

  if (strict && asked[hook].length > 0) throw new StreamHookError(hook, MOVED[hook], asked[hook])
}
