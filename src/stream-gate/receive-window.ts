import type { Stream } from '@libp2p/interface'

/** yamux's stream as it is at run time (8.0). Its type hides both numbers, and either may move: each is asked for before it is used. */
interface WindowedStream {
  /** What the remote may send before it is told that it was read. */
  readonly recvWindow?: unknown

  /** How large that may become: 16 MiB. */
  maxStreamWindowSize?: unknown
}

/** Of js-libp2p's read buffer: one window may be in there, and another on its way through the pipe. */
const SHARE = 1 / 4

/**
 * Keeps what the remote may send within what a paused stream may hold.
 *
 * yamux doubles a stream's window whenever it is read again within four round trips, as one that is paused for each chunk is; js-libp2p resets a
 * stream that holds more than `maxReadBufferLength`, 4 MiB, so an honest remote would be reset for filling the window that it was given.
 */
export function boundWindow (stream: Stream): void {
  const windowed = stream as unknown as WindowedStream
  const { recvWindow, maxStreamWindowSize } = windowed
  if (typeof recvWindow !== 'number' || typeof maxStreamWindowSize !== 'number') return

  // what the remote has been given already it may send, and is not taken back
  stream.maxReadBufferLength = Math.max(stream.maxReadBufferLength, recvWindow)
  windowed.maxStreamWindowSize = Math.min(maxStreamWindowSize, Math.max(recvWindow, Math.floor(stream.maxReadBufferLength * SHARE)))
}
