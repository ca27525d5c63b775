import { mendAbort } from '../connection-gater/websocket.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/** js-libp2p's upgrader as it is at run time. */
interface JsUpgrader {
  upgradeOutbound?: (maConn: MultiaddrConnection, options?: unknown) => Promise<unknown>
}

/**
 * Makes a dial that fails in its upgrade end its socket.
 *
 * js-libp2p leaves that to the transport, and the one for WebSockets does not: the socket would stay for as long as the remote likes, with
 * all that it counts for.
 *
 * @returns what undoes it
 */
export function endFailedDials (upgrader: JsUpgrader = {}): () => void {
  const { upgradeOutbound: original } = upgrader
  if (typeof original !== 'function') return () => {}

  const own = Object.getOwnPropertyDescriptor(upgrader, 'upgradeOutbound')

  async function upgradeOutbound (maConn: MultiaddrConnection, options?: unknown): Promise<unknown> {
    try {
      return await original!.call(upgrader, maConn, options)
    } catch (error) {
      mendAbort(maConn)
      maConn.abort(error as Error)
      throw error
    }
  }

  upgrader.upgradeOutbound = upgradeOutbound

  return () => {
    // Somebody else may have wrapped it; ours goes on below, and does no harm.
    if (upgrader.upgradeOutbound !== upgradeOutbound) return

    if (own == null) Reflect.deleteProperty(upgrader, 'upgradeOutbound')
    else Object.defineProperty(upgrader, 'upgradeOutbound', own)
  }
}
