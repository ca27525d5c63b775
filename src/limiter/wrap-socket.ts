import { checkFunction } from './options.ts'
import type { Lease } from './lease.ts'

/** What Node's sockets and streams, browser sockets and libp2p's connections have in common. */
interface Closable {
  readonly destroyed?: boolean
  readonly closed?: boolean
  readonly readyState?: unknown
  readonly status?: unknown
  once? (type: 'close', listener: () => void): unknown
  addEventListener? (type: 'close', listener: () => void, options?: { once: boolean }): unknown
  close? (...args: unknown[]): unknown
  destroy? (...args: unknown[]): unknown
}

/** `WebSocket.CLOSED`; Node's sockets have words there. */
const WEB_SOCKET_CLOSED = 3

/** How a connection or stream of libp2p is after its `close` event. */
const ENDED: readonly unknown[] = ['closed', 'aborted', 'reset']

/**
 * Makes `socket` give the place back when it has closed: by its `close` event where it has one, which comes once whoever ends it; else
 * when its `close()` or `destroy()` is called. One that has closed already gives it back at once: its event does not come again.
 *
 * @returns the same socket
 * @throws {@link InvalidOptionError} for what is no lease, as that of a denial: its socket's close would be too late to find out
 */
export function wrapSocket<T extends object> (socket: T, lease: Lease): T {
  checkFunction('lease.release', (lease as Partial<Lease> | undefined)?.release)
  const closable = socket as Closable
  const release = (): void => { lease.release() }

  if (hasClosed(closable)) {
    release()
  } else if (typeof closable.once === 'function') {
    closable.once('close', release)
  } else if (typeof closable.addEventListener === 'function') {
    closable.addEventListener('close', release, { once: true })
  } else {
    wrapMethod(closable, 'close', release)
    wrapMethod(closable, 'destroy', release)
  }

  return socket
}

function hasClosed ({ destroyed, closed, readyState, status }: Closable): boolean {
  return destroyed === true || closed === true || readyState === WEB_SOCKET_CLOSED || ENDED.includes(status)
}

/** The place is free before the socket is, as in go-connlimit: whoever waits for the close may come back at once. */
function wrapMethod (socket: Closable, name: 'close' | 'destroy', release: () => void): void {
  const original = socket[name]
  if (typeof original !== 'function') return

  socket[name] = function (this: unknown, ...args: unknown[]) {
    release()
    return Reflect.apply(original, this, args)
  }
}
