import { setMaxListeners } from 'main-event'
import { nextTurn } from '../clock/next-turn.ts'
import type { Clock } from '../clock/clock.ts'
import type { Connection, Logger } from '@libp2p/interface'

/**
 * Closing 500 connections at once blocks the event loop for a quarter of a second, in batches of 50 for 28 ms at most, in the same time.
 */
const BATCH_SIZE = 50

/** A peer that does not read keeps a graceful close waiting; js-libp2p leaves such a connection open after its own 1 s. */
const CLOSE_DEADLINE = 1_000

/**
 * Closes connections in batches, each gracefully until a deadline and then by force. The first of several waits for a turn, too: who chose this many
 * has had a long one.
 *
 * @param mayGo - asked about each, by its index, when its turn has come
 * @returns how many were still open when their turn came
 */
export async function closeConnections (
  connections: readonly Connection[], clock: Clock, log: Logger, mayGo: (index: number) => boolean = () => true
): Promise<number> {
  const batches: Array<Promise<void>> = []
  let closed = 0

  for (let start = 0; start < connections.length; start += BATCH_SIZE) {
    if (connections.length > BATCH_SIZE) await nextTurn()

    const batch = connections.slice(start, start + BATCH_SIZE).filter((connection, at) => connection.status === 'open' && mayGo(start + at))
    closed += batch.length
    batches.push(closeBatch(batch, clock, log))
  }

  await Promise.all(batches)
  return closed
}

async function closeBatch (batch: readonly Connection[], clock: Clock, log: Logger): Promise<void> {
  if (batch.length === 0) return

  const controller = new AbortController()
  setMaxListeners(Infinity, controller.signal)

  return new Promise(resolve => {
    const waiting: Array<Connection | undefined> = [...batch]
    let left = batch.length

    const cancelDeadline = clock.after(CLOSE_DEADLINE, () => {
      const error = new Error('Connection did not close in time')
      controller.abort(error)
      for (const connection of waiting) if (connection != null) abort(connection, error, log)
      resolve()
    })

    function settle (at: number): void {
      waiting[at] = undefined
      if (--left > 0) return

      cancelDeadline()
      resolve()
    }

    for (const [at, connection] of batch.entries()) {
      close(connection, controller.signal).then(() => { settle(at) }, error => {
        abort(connection, error, log)
        settle(at)
      })
    }
  })
}

/** A `close` that throws is one that rejects. */
function close (connection: Connection, signal: AbortSignal): Promise<void> {
  try {
    return Promise.resolve(connection.close({ signal }))
  } catch (error) {
    return Promise.reject(error)
  }
}

function abort (connection: Connection, reason: unknown, log: Logger): void {
  try {
    connection.abort(reason instanceof Error ? reason : new Error(String(reason)))
  } catch (error) {
    log.error('could not abort connection %s - %e', connection.id, error)
  }
}
