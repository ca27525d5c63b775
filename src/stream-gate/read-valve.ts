import { nextTurn } from '../clock/next-turn.ts'
import { boundWindow } from './receive-window.ts'
import type { Bytes } from './bytes.ts'
import type { Stream } from '@libp2p/interface'

/** Who holds a stream shut. One that goes through two throttles is open only while both ask for more. */
const holders = new WeakMap<Stream, Set<ReadValve>>()

/**
 * Holds a stream's read side shut except while somebody asks for more, so that what the remote may send is bounded by the muxer's window and not by
 * our memory: `messageStreamToDuplex` takes whatever comes.
 */
export class ReadValve {
  readonly #stream: Stream
  readonly #holders: Set<ReadValve>

  /** The remote has said its last, and an adapter listens no more: what is still held would go to whoever else does, and to nobody here. */
  #isDeaf = false
  #isRemoved = false

  constructor (stream: Stream) {
    this.#stream = stream
    this.#holders = holders.get(stream) ?? new Set()
    holders.set(stream, this.#holders)
    boundWindow(stream)
    stream.addEventListener('remoteCloseWrite', this.#onLast)
  }

  /** Opens once whoever reads the stream has begun, which is about to be asked to. An adapter that has only listened since then is not deaf. */
  begin (): void {
    const listeners = this.#stream.listenerCount('message')

    queueMicrotask(() => {
      if (this.#stream.listenerCount('message') > listeners) this.#isDeaf = false
      this.open()
    })
  }

  open (): void {
    if (this.#isRemoved) return

    this.#holders.delete(this)
    if (!this.#isDeaf) {
      this.#resume()
      return
    }

    // An adapter that listens no more ends its source in this turn, and what is held is asked for as the rest. Another reader waits for it.
    void nextTurn().then(() => { if (!this.#holders.has(this)) this.#resume() })
  }

  shut (): void {
    // what comes after the end is nobody's
    if (this.#isRemoved) return

    this.#holders.add(this)
    if (this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  /** Nobody here wants more: the stream is as it was. */
  remove (): void {
    this.#isRemoved = true
    this.#stream.removeEventListener('remoteCloseWrite', this.#onLast)
    this.#holders.delete(this)
    this.#resume()
  }

  /**
   * What the stream still holds, once its adapter has ended: when the remote has said its last that one stops listening at once, and what came while
   * the stream was paused would be lost.
   */
  async rest (): Promise<Bytes[]> {
    const { readBufferLength, remoteWriteStatus } = this.#stream
    if (this.#isRemoved || readBufferLength === 0 || remoteWriteStatus !== 'closed') return []

    const rest: Bytes[] = []
    const onMessage = ({ data }: { readonly data: Bytes }): void => { rest.push(data) }

    // A paused stream hands it over when it is resumed, another in the microtask after somebody listens. Its source has ended, so whoever still
    // holds it has been left without a word.
    this.#holders.clear()
    this.#stream.addEventListener('message', onMessage)
    this.#resume()
    await undefined
    this.#stream.removeEventListener('message', onMessage)
    return rest
  }

  #resume (): void {
    if (this.#stream.readStatus !== 'paused' || this.#holders.size > 0) return

    try {
      this.#stream.resume()
    } catch {
      // The connection is gone and cannot be told. What was held has been handed over before that shows.
    }
  }

  readonly #onLast = (): void => { this.#isDeaf = true }
}
