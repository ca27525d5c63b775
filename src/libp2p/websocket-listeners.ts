import { DeadlineQueue } from '../clock/deadline-queue.ts'
import type { Clock } from '../clock/clock.ts'
import type { Gate } from '../limiter/ports.ts'
import type { Libp2pEvents, Listener, Logger } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/** How long a socket may say nothing, in ms: as long as js-libp2p's inbound upgrade may take. */
const FIRST_BYTE = 10_000

/** A `net.Socket`, of which this folder's browsers know nothing. */
interface Socket {
  readonly remoteAddress?: string
  readonly remotePort?: number
  readonly localAddress?: string
  readonly localPort?: number
  readonly bytesRead: number
  once (event: 'close', listener: () => void): void
  on (event: 'error', listener: () => void): void
  destroy (error?: Error): void
  resetAndDestroy?: () => void
}

type OnConnection = (socket: Socket) => void

/** js-libp2p's listener for WebSockets as it is at run time: a net server hands each socket to an HTTP server by its first byte. */
interface WebSocketListener {
  readonly server: {
    listeners (event: 'connection'): OnConnection[]
    on (event: 'connection', listener: OnConnection): void
    off (event: 'connection', listener: OnConnection): void
  }
}

export interface WebSocketListenersInit {
  readonly gate: Gate
  readonly clock: Clock
  readonly log: Logger
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly listeners: () => readonly Listener[]
}

/**
 * A socket of a `/ws` listener reaches no hook before it has spoken HTTP, and js-libp2p waits for its first byte for ever. Here each is asked
 * about as it connects, counts, and has ten seconds.
 *
 * @returns what undoes it
 */
export function guardWebSocketListeners (init: WebSocketListenersInit): () => void {
  const guards = new Map<Listener, () => void>()
  const guard = (listener: Listener): void => {
    const isKnown = guards.has(listener)
    if (!isKnown && isOfWebSockets(listener)) guards.set(listener, guardListener(listener, init))
  }
  const onListening = ({ detail }: CustomEvent<Listener>): void => { guard(detail) }
  const onClose = ({ detail }: CustomEvent<Listener>): void => {
    guards.get(detail)?.()
    guards.delete(detail)
  }

  init.events.addEventListener('transport:listening', onListening)
  init.events.addEventListener('transport:close', onClose)
  init.listeners().forEach(guard)

  return () => {
    init.events.removeEventListener('transport:listening', onListening)
    init.events.removeEventListener('transport:close', onClose)
    for (const undo of guards.values()) undo()
    guards.clear()
  }
}

/** By what it is announced as: who cannot be guarded is to be named, too. */
function isOfWebSockets (listener: Listener): boolean {
  return listener.getAddrs().some(address => /\/(?:ws|wss)(?:\/|$)/.test(address.toString()))
}

function guardListener (listener: Listener, { gate, clock, log }: WebSocketListenersInit): () => void {
  if (!hasServer(listener)) {
    log.error('js-libp2p has moved the server of its WebSocket listener %s: sockets that say nothing are neither counted nor closed there', String(listener.getAddrs()[0]))
    return () => {}
  }

  const { server } = listener
  const theirs = server.listeners('connection')
  const sockets = new Set<Socket>()
  const endIfSilent = (socket: Socket): void => {
    // It has to be an error: js-libp2p waits for either the first byte or one.
    if (socket.bytesRead === 0) socket.destroy(new Error('Wait for first byte: none came'))
  }
  const silent = new DeadlineQueue<Socket>(clock, FIRST_BYTE, endIfSilent)

  const onConnection: OnConnection = socket => {
    const { remoteAddress = '', remotePort = 0, localAddress, localPort } = socket
    const place = gate.admitSocket({ address: remoteAddress, port: remotePort, localAddress, localPort }, () => { hangUp(socket) })

    if (!place.allow) {
      hangUp(socket)
      return
    }

    const begun = clock.now()
    sockets.add(socket)
    silent.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      silent.delete(socket)
      place.release(socket.bytesRead === 0 && clock.now() - begun >= FIRST_BYTE)
    })
    for (const listener of theirs) listener.call(server, socket)
  }

  for (const listener of theirs) server.off('connection', listener)
  server.on('connection', onConnection)

  return () => {
    server.off('connection', onConnection)
    for (const listener of theirs) server.on('connection', listener)
    silent.clear()
    // js-libp2p does not know them, and its stop waits until they have gone.
    sockets.forEach(endIfSilent)
  }
}

function hangUp (socket: Socket): void {
  socket.on('error', () => {})
  if (socket.resetAndDestroy == null) socket.destroy()
  else socket.resetAndDestroy()
}

function hasServer (listener: object): listener is WebSocketListener {
  const { server } = listener as { server?: Partial<WebSocketListener['server']> }

  return typeof server?.listeners === 'function' && typeof server.on === 'function' && typeof server.off === 'function' && server.listeners('connection').length > 0
}
