import { StreamAbortedError, StreamResetError } from '@libp2p/interface'
import { systemClock } from '../clock/system-clock.ts'
import { checkNames, checkRecord } from '../limiter/options.ts'
import { byteQuota } from './byte-quotas.ts'
import { piecesOf } from './bytes.ts'
import { ReadValve } from './read-valve.ts'
import type { ByteQuota, ByteRate, ByteWait } from './byte-quotas.ts'
import type { Bytes, BytesSource, BytesTransform } from './bytes.ts'
import type { Clock } from '../clock/clock.ts'
import type { Stream } from '@libp2p/interface'

/** Between what a throttle stands, and what ends it. */
export interface ThrottleOptions {
  /**
   * The stream that these bytes come from. It is paused except while bytes are asked for, so that a remote that sends faster than it may has to
   * wait: without it, what it sends piles up in memory. When it is reset, so is the transfer, also while it waits. Who leaves such a transfer before
   * its end has to `return` it, as `for await` does: it holds the stream shut until then.
   *
   * From then on yamux's window for this stream grows to no more than a quarter of its `maxReadBufferLength`, 1 MiB, which is the most that comes in a
   * round trip; twice as much is held at most. A muxer without windows, as mplex and WebRTC, cannot tell the remote to wait: there js-libp2p resets a
   * stream that holds more than `maxReadBufferLength`, 4 MiB.
   */
  readonly from?: Stream

  /** The stream that these bytes go to. When it closes the transfer ends, whatever is waited for. */
  readonly to?: Stream

  /** Ends the transfer at once, with its reason. */
  readonly signal?: AbortSignal

  /**
   * For a rate; a quota has its own.
   *
   * @default the system's clock
   */
  readonly clock?: Clock
}

/**
 * Lets bytes pass no faster than a quota allows, as a step for `it-pipe`. Chunks that are larger than a sixteenth of the limit come in pieces, of
 * 1,024 bytes at least where the limit has as many; bytes and their order stay.
 *
 * A transfer that is aborted while it waits leaves no timer behind. In Node the timer keeps no process alive: where no socket does, as between files,
 * the process ends although bytes wait.
 *
 * @param quota - a bucket of `byteQuotas`, which may be shared with other streams, or a rate: then every use of what is returned shares one
 * @throws {@link InvalidOptionError}
 *
 * @example
 *
 * ```ts
 * import { messageStreamToDuplex } from '@libp2p/utils'
 * import { pipe } from 'it-pipe'
 * import { memory } from '@libp2p/memory'
 * import { plaintext } from '@libp2p/plaintext'
 * import { yamux } from '@libp2p/yamux'
 * import { createLibp2p } from 'libp2p'
 * import { byteQuotas, meter, throttle } from 'libp2p-connmgr'
 *
 * const options = { transports: [memory()], connectionEncrypters: [plaintext()], streamMuxers: [yamux()] }
 * const server = await createLibp2p({ ...options, addresses: { listen: ['/memory/server'] } })
 * const client = await createLibp2p(options)
 * const quotas = byteQuotas({ limit: 1_048_576, window: 1_000 })
 * const { promise: received, resolve } = Promise.withResolvers<number>()
 *
 * await server.handle('/upload/1.0.0', async (stream, connection) => {
 *   let total = 0
 *   await pipe(
 *     messageStreamToDuplex(stream).source,
 *     throttle(quotas.ofPeer(connection.remotePeer), { from: stream }),
 *     meter(bytes => { total += bytes }),
 *     async source => {
 *       for await (const _ of source) if (total === 100_000) resolve(total)
 *     }
 *   )
 * })
 *
 * const stream = await client.dialProtocol(server.getMultiaddrs(), '/upload/1.0.0')
 * await pipe([new Uint8Array(100_000)], throttle({ limit: 1_048_576, window: 1_000 }, { to: stream }), messageStreamToDuplex(stream).sink)
 * console.log(await received) // 100000
 *
 * await client.stop()
 * await server.stop()
 * ```
 */
export function throttle (quota: ByteQuota | ByteRate, options: ThrottleOptions = {}): BytesTransform {
  const checked = checkNames('options', options, { from: true, to: true, signal: true, clock: true }) as ThrottleOptions
  const bucket = isQuota(quota) ? quota : byteQuota(quota, checked.clock ?? systemClock)

  // At once, and not when the pipe first asks: until then an adapter would take what comes.
  return source => new Throttled(source, bucket, checked)
}

function isQuota (quota: ByteQuota | ByteRate): quota is ByteQuota {
  return 'take' in checkRecord('quota', quota)
}

type Asker = PromiseWithResolvers<IteratorResult<Bytes>>

/** A generator that can be ended while it waits: one made of `async function *` hears of that only when what it awaits is done. */
class Throttled implements AsyncGenerator<Bytes> {
  readonly #bucket: ByteQuota
  readonly #options: ThrottleOptions
  readonly #valve: ReadValve | undefined
  readonly #pieces: AsyncGenerator<Bytes>
  #wait: ByteWait | undefined
  #isEnded = false
  #failure: { readonly error: unknown } | undefined

  /** Whom the pieces owe an answer, also when they had one from us. While there are any the source is awaited, and cannot be ended. */
  readonly #askers = new Set<Asker>()

  constructor (source: BytesSource, bucket: ByteQuota, options: ThrottleOptions) {
    const { from, to, signal } = options

    this.#bucket = bucket
    this.#options = options
    this.#valve = from == null ? undefined : new ReadValve(from)
    this.#valve?.shut()
    this.#pieces = this.#run(source)

    from?.addEventListener('close', this.#onClose)
    to?.addEventListener('close', this.#onClose)
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted === true) this.#onAbort()
    else this.#lookAtEnds()
  }

  async next (): Promise<IteratorResult<Bytes>> {
    if (this.#failure != null) throw this.#failure.error
    if (this.#isEnded) return { done: true, value: undefined }

    const asker: Asker = Promise.withResolvers()
    this.#askers.add(asker)
    this.#pieces.next().then(result => {
      this.#askers.delete(asker)
      asker.resolve(result)
    }, error => {
      this.#askers.delete(asker)
      asker.reject(error)
    })
    return asker.promise
  }

  async return (value?: unknown): Promise<IteratorResult<Bytes>> {
    const isAwaited = this.#askers.size > 0
    const ended = this.#finish(resolveDone)

    if (isAwaited) ended.catch(() => {})
    else await ended
    return { done: true, value }
  }

  async throw (error: unknown): Promise<IteratorResult<Bytes>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator] (): this {
    return this
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.return()
  }

  async * #run (source: BytesSource): AsyncGenerator<Bytes> {
    try {
      for await (const chunk of this.#chunks(source)) {
        for (const piece of piecesOf(chunk, this.#bucket.piece)) {
          if (!await this.#pass(piece.byteLength)) return
          yield piece
        }
      }
    } finally {
      this.#end()
    }
  }

  /** The valve is open only while the next chunk is waited for. */
  async * #chunks (source: BytesSource): AsyncGenerator<Bytes> {
    this.#valve?.begin()

    for await (const chunk of source) {
      this.#valve?.shut()
      yield chunk
      this.#valve?.open()
    }

    yield * await this.#valve?.rest() ?? []
  }

  async #pass (bytes: number): Promise<boolean> {
    if (this.#isEnded) return false

    this.#wait = this.#bucket.take(bytes)
    const isTaken = this.#wait == null || await this.#wait.done
    this.#wait = undefined
    return isTaken
  }

  /** Nobody wants more, or nothing comes: nothing is waited for, and the stream is as it was. */
  #end (): void {
    if (this.#isEnded) return
    const { from, to, signal } = this.#options

    this.#isEnded = true
    this.#wait?.cancel()
    this.#valve?.remove()
    from?.removeEventListener('close', this.#onClose)
    to?.removeEventListener('close', this.#onClose)
    signal?.removeEventListener('abort', this.#onAbort)
  }

  /** Answers whoever has asked. What is read from is ended as well, as soon as it says something. */
  async #finish (answer: (asker: Asker) => void): Promise<void> {
    this.#end()
    this.#askers.forEach(answer)
    await this.#pieces.return(undefined)
  }

  #cut (error: unknown): void {
    this.#failure = { error }
    // the source's own error is this one
    this.#finish(asker => { asker.reject(error) }).catch(() => {})
  }

  /** What ended before anybody listened says so to nobody, and an adapter of it waits for ever. */
  #lookAtEnds (): void {
    const { from, to } = this.#options
    const states = [from?.status, to?.status]

    if (states.includes('reset')) this.#cut(new StreamResetError())
    else if (states.includes('aborted')) this.#cut(new StreamAbortedError())
    else if (to?.status === 'closed') this.#finish(resolveDone).catch(() => {})
  }

  readonly #onAbort = (): void => { this.#cut(this.#options.signal?.reason) }

  readonly #onClose = ({ error, target }: Event & { readonly error?: Error }): void => {
    if (error != null) this.#cut(error)
    else if (target === this.#options.to) this.#finish(resolveDone).catch(() => {})
  }
}

function resolveDone ({ resolve }: Asker): void {
  resolve({ done: true, value: undefined })
}
