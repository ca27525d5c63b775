import { checkFunction } from '../limiter/options.ts'
import type { Bytes, BytesTransform } from './bytes.ts'

/**
 * Counts bytes as they pass, without changing them. They are counted when the next in line asks for them, not when they arrive.
 *
 * @param onBytes - told how many bytes each chunk has; what it throws ends the transfer
 * @throws {@link InvalidOptionError} for what is no function
 *
 * @example
 *
 * ```ts
 * import { meter } from 'libp2p-connmgr'
 *
 * let total = 0
 * const count = meter(bytes => { total += bytes })
 *
 * for await (const _ of count([new Uint8Array(3), new Uint8Array(4)])) {
 *   // it goes on its way
 * }
 * console.log(total) // 7
 * ```
 */
export function meter (onBytes: (bytes: number) => void): BytesTransform {
  checkFunction('onBytes', onBytes)

  return async function * (source): AsyncGenerator<Bytes> {
    for await (const chunk of source) {
      onBytes(chunk.byteLength)
      yield chunk
    }
  }
}
