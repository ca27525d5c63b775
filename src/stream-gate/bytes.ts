import type { Stream } from '@libp2p/interface'

/** What a libp2p stream sends and receives: a `Uint8Array` or a list of them. */
export type Bytes = Parameters<Stream['send']>[0]

export type BytesSource = Iterable<Bytes> | AsyncIterable<Bytes>

/** A step for `it-pipe`. */
export type BytesTransform = (source: BytesSource) => AsyncGenerator<Bytes>

/** Pieces of at most so many bytes. Nothing is copied. */
export function * piecesOf (chunk: Bytes, most: number): Generator<Bytes> {
  if (chunk.byteLength <= most) {
    yield chunk
    return
  }

  for (let at = 0; at < chunk.byteLength; at += most) {
    const end = Math.min(at + most, chunk.byteLength)
    yield chunk instanceof Uint8Array ? chunk.subarray(at, end) : chunk.sublist(at, end)
  }
}
