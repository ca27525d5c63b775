import { Alarm } from '../clock/alarm.ts'
import { systemClock } from '../clock/system-clock.ts'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkCapacity, checkNames, checkRate } from '../limiter/options.ts'
import { DEFAULT_CAPACITY, rateLimiter } from '../limiter/rate-limiter.ts'
import type { Clock } from '../clock/clock.ts'
import type { RateLimiter } from '../limiter/rate-limiter.ts'
import type { Rate } from '../limiter/rate.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/** So many bytes at once, then as many in each `window`: a token bucket. */
export interface ByteRate {
  /** Bytes, a whole number from 1; `Infinity` is no limit. */
  readonly limit: number

  /** A whole number of milliseconds, from 1. */
  readonly window: number
}

/** How much `byteQuotas` remembers, and by which clock. */
export interface ByteQuotasOptions {
  /**
   * Connections and peers that are remembered. At capacity those that have their whole quota leave first; newcomers that find no place share one
   * quota of 64 times the limit.
   *
   * @default 100_000
   */
  readonly capacity?: number

  /** @default the system's clock */
  readonly clock?: Clock
}

/** One bucket, shared by every `throttle` that it is given to: they are served in turn. */
export interface ByteQuota {
  /** What is larger comes in pieces of so many bytes: a sixteenth of the limit, 1,024 where that is more, the limit where it is less than that. */
  readonly piece: number

  /**
   * @param bytes - a whole number up to the limit, which is as much as there ever is at once: more would wait for ever
   * @returns what waits for its turn; undefined when the bytes have been taken and may pass now
   * @throws {@link InvalidOptionError}
   */
  take (bytes: number): ByteWait | undefined
}

/** Bytes that wait for their turn. */
export interface ByteWait {
  /** Resolves to true once they have been taken, to false once they were cancelled. */
  readonly done: Promise<boolean>

  /** They are not needed any more: nothing is taken, and no timer stays. Nothing once they have been taken. */
  cancel (): void
}

/** Buckets of one size, by whom they are for. */
export interface ByteQuotas {
  /** One bucket for all streams of a connection. */
  ofConnection (connection: Pick<Connection, 'id'>): ByteQuota

  /** One bucket for all streams of a peer, over all of its connections, also the next. */
  ofPeer (peer: PeerId): ByteQuota
}

/** A bucket is emptied in this many pieces or more, so that bytes flow and do not come in gusts. */
const PIECES = 16

/** What makes waiting worth a timer. */
const LEAST_PIECE = 1_024

interface Waiter {
  readonly bytes: number
  readonly settle: (isTaken: boolean) => void
}

/** Those who wait for one bucket, first come, first served. */
interface Queue {
  readonly waiters: Set<Waiter>
  readonly alarm: Alarm
}

/**
 * Buckets for bytes: how much may pass in a time, for all streams of a connection or of a peer together. To be given to `throttle`.
 *
 * @throws {@link InvalidOptionError}
 *
 * @example
 *
 * ```ts
 * import { byteQuotas, throttle } from 'libp2p-connmgr'
 *
 * const quotas = byteQuotas({ limit: 1_048_576, window: 1_000 })
 * const slow = throttle(quotas.ofConnection({ id: 'any' }))
 *
 * for await (const chunk of slow([new Uint8Array(1_000)])) {
 *   console.log(chunk.byteLength) // 1000
 * }
 * ```
 */
export function byteQuotas (rate: ByteRate, options: ByteQuotasOptions = {}): ByteQuotas {
  const { capacity = DEFAULT_CAPACITY, clock: given } = checkNames('options', options, { capacity: true, clock: true }) as ByteQuotasOptions
  const clock = given ?? systemClock
  const buckets = new Buckets(rateLimiter(checkByteRate(rate), { capacity: checkCapacity('capacity', capacity), clock }), clock)

  return {
    ofConnection: ({ id }) => buckets.of(`connection ${id}`),
    ofPeer: peer => buckets.of(`peer ${peer}`)
  }
}

/** One bucket that belongs to nobody. @throws InvalidOptionError */
export function byteQuota (rate: ByteRate, clock: Clock): ByteQuota {
  return new Buckets(rateLimiter(checkByteRate(rate), { capacity: 1, clock }), clock).of('')
}

/** Where nothing may pass, what waits would wait for ever. A strategy is refused, too: only a token bucket lets bytes flow. */
function checkByteRate (rate: unknown): Rate {
  const { limit, window } = checkNames('rate', rate, { limit: true, window: true })
  const checked = checkRate('rate', { strategy: 'token-bucket', limit, window })

  if (checked.limit < 1) throw new InvalidOptionError('rate.limit', 'a whole number from 1, or Infinity', limit)
  return checked
}

/** Before they are in the queue, where nobody could be told. */
function checkBytes (bytes: number, limit: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > limit) throw new InvalidOptionError('bytes', `a whole number from 0 to ${limit}, the limit`, bytes)
}

class Buckets {
  readonly #rates: RateLimiter
  readonly #clock: Clock
  readonly #piece: number

  /** Of keys for which somebody waits: as many as there are streams that wait, at most. */
  readonly #queues = new Map<string, Queue>()

  constructor (rates: RateLimiter, clock: Clock) {
    const { limit } = rates.rate

    this.#rates = rates
    this.#clock = clock
    this.#piece = Math.min(limit, Math.max(LEAST_PIECE, Math.floor(limit / PIECES)))
  }

  of (key: string): ByteQuota {
    return { piece: this.#piece, take: bytes => this.#take(key, bytes) }
  }

  #take (key: string, bytes: number): ByteWait | undefined {
    checkBytes(bytes, this.#rates.rate.limit)
    const queue = this.#queues.get(key)
    if (queue == null && this.#rates.take(key, bytes).allow) return undefined

    return this.#wait(key, queue ?? this.#open(key), bytes)
  }

  #wait (key: string, queue: Queue, bytes: number): ByteWait {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const waiter: Waiter = { bytes, settle: resolve }

    queue.waiters.add(waiter)
    if (queue.waiters.size === 1) this.#serve(key, queue)

    return {
      done: promise,
      cancel: () => {
        if (!queue.waiters.delete(waiter)) return

        waiter.settle(false)
        this.#serve(key, queue)
      }
    }
  }

  #open (key: string): Queue {
    const queue: Queue = { waiters: new Set(), alarm: new Alarm(this.#clock, () => { this.#serve(key, queue) }) }
    this.#queues.set(key, queue)
    return queue
  }

  #serve (key: string, { waiters, alarm }: Queue): void {
    for (const waiter of waiters) {
      const verdict = this.#rates.take(key, waiter.bytes)

      if (!verdict.allow) {
        alarm.set(this.#clock.now() + (verdict.retryAfter ?? 0))
        return
      }
      waiters.delete(waiter)
      waiter.settle(true)
    }

    alarm.clear()
    this.#queues.delete(key)
  }
}
