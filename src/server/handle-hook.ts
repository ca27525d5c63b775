import type { Server } from 'node:net'

/** A connection as Node has it before it makes a socket of it: as much as a refusal needs. */
export interface AcceptedHandle {
  /** Writes into `out`. @returns 0, or the number of an error */
  getpeername? (out: { address?: string }): number
  close (): void
  /** Closes with a RST. A pipe cannot. */
  reset? (): number
}

/** What a server listens on. */
interface ListeningHandle {
  onconnection?: (this: unknown, error: number | undefined, accepted?: AcceptedHandle) => unknown
}

/**
 * Stands in front of Node's own function that makes a socket of an accepted handle. Making one to destroy it is a third of what a refusal
 * costs, and there is no public place before it. In every Node that this package runs on, and in a cluster's workers, `onconnection` is its name;
 * where it is not, refusals wait for the socket, and a test notices.
 *
 * @param server - that listens now; each time it listens it has another handle
 * @param turnAway - whether it has dealt with it: then nobody else hears of it
 * @returns takes it away again, as far as nobody else stands in front of it
 */
export function hookHandles (server: Server, turnAway: (accepted: AcceptedHandle) => boolean): () => void {
  const handle = (server as { readonly _handle?: ListeningHandle | null })._handle
  const before = handle?.onconnection
  if (handle == null || typeof before !== 'function') return () => {}

  let isInForce = true

  function hooked (this: unknown, error: number | undefined, accepted?: AcceptedHandle): unknown {
    if (isInForce && accepted != null && turnAway(accepted)) return undefined
    return before!.call(this, error, accepted)
  }

  handle.onconnection = hooked

  return () => {
    isInForce = false
    if (handle.onconnection === hooked) handle.onconnection = before
  }
}

/** As text; undefined where there is none: a pipe, or what was reset before anybody looked. */
export function addressOf (accepted: AcceptedHandle): string | undefined {
  const peer: { address?: string } = {}

  return accepted.getpeername?.(peer) === 0 ? peer.address : undefined
}
