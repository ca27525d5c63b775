import { byteStream } from '@libp2p/utils'
import type { Libp2p, Stream } from '@libp2p/interface'

const TIME_LIMIT = 10_000

/**
 * Answers with what it was sent, once. Read by `byteStream` and not by iterating: a stream whose remote has closed it before somebody iterates over
 * it never ends there.
 */
export async function handleEcho (node: Libp2p, protocol: string, options: object = {}): Promise<void> {
  await node.handle(protocol, async stream => {
    const signal = AbortSignal.timeout(TIME_LIMIT)
    const bytes = byteStream(stream)

    try {
      const asked = await bytes.read({ signal })
      if (asked != null) await bytes.write(asked, { signal })
      await stream.close({ signal })
    } catch (error) {
      stream.abort(error as Error)
    }
  }, options)
}

/** Asks over a stream of its own, and waits for the answer. */
export async function echo (stream: Stream): Promise<void> {
  const signal = AbortSignal.timeout(TIME_LIMIT)
  const bytes = byteStream(stream)

  await bytes.write(Uint8Array.from([1, 2, 3]), { signal })
  await bytes.read({ bytes: 3, signal })
  await stream.close({ signal })
}
