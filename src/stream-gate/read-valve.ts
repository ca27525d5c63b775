import type { Bytes } from './bytes.ts'
import type { Stream } from '@libp2p/interface'

/**
 * Holds a stream's read side shut except while somebody asks for more, so that what the remote may send is bounded by the muxer's window and not by
 * our memory: `messageStreamToDuplex` takes whatever comes.
 */
export class ReadValve {
  readonly #stream: Stream

  constructor (stream: Stream) {
    this.#stream = stream
  }

  open (): void {
    if (this.#stream.readStatus !== 'paused') return

    try {
      this.#stream.resume()
    } catch {
      // The connection is gone and cannot be told. What was held has been handed over before that shows.
    }
  }

  shut (): void {
    if (this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  /**
   * What the stream still holds, once its adapter has ended: when the remote has said its last that one stops listening at once, and what a
   * paused stream holds would be lost.
   */
  rest (): Bytes[] {
    const { readStatus, remoteWriteStatus } = this.#stream
    if (readStatus !== 'paused' || remoteWriteStatus !== 'closed') return []

    const rest: Bytes[] = []
    const onMessage = ({ data }: { readonly data: Bytes }): void => { rest.push(data) }

    this.#stream.addEventListener('message', onMessage)
    this.open()
    this.#stream.removeEventListener('message', onMessage)
    return rest
  }
}
