import { pipe } from 'it-pipe'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { byteQuotas } from '../../src/stream-gate/byte-quotas.ts'
import { meter } from '../../src/stream-gate/meter.ts'
import { throttle } from '../../src/stream-gate/throttle.ts'
import type { FakeClock } from '../../src/clock/fake-clock.ts'
import type { ByteQuota } from '../../src/stream-gate/byte-quotas.ts'
import type { Bytes, BytesTransform } from '../../src/stream-gate/bytes.ts'
import type { Stream } from '@libp2p/interface'

const RATE = { limit: 100_000, window: 1_000 }

interface Reading {
  /** When each piece came, in ms from the beginning, and how large it was. */
  readonly pieces: Array<{ readonly at: number, readonly bytes: number }>
  readonly bytes: () => number[]
  ended: unknown
}

async function settle (): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise(resolve => { setImmediate(resolve) })
}

async function advance (clock: FakeClock, ms: number): Promise<void> {
  await settle()
  for (let n = 0; n < ms; n++) {
    clock.advance(1)
    // everybody who was woken takes a turn before time goes on
    if (n % 10 === 0) await settle()
  }
  await settle()
}

function read (source: AsyncIterable<Bytes>, clock: FakeClock): Reading {
  const began = clock.now()
  const content: number[] = []
  const reading: Reading = { pieces: [], bytes: () => content, ended: undefined }

  async function run (): Promise<void> {
    for await (const piece of source) {
      reading.pieces.push({ at: clock.now() - began, bytes: piece.byteLength })
      content.push(...piece.subarray())
    }
  }
  const end = (how: unknown): void => { reading.ended = how }
  run().then(() => { end(true) }, end)
  return reading
}

function total ({ pieces }: Reading): number {
  return pieces.reduce((sum, { bytes }) => sum + bytes, 0)
}

describe('a transfer through throttle', () => {
  it.each([
    ['in one chunk', [300_000]],
    ['in chunks of 1,000', Array(300).fill(1_000)],
    ['in chunks of 70,001 and 9', [70_001, 9, 70_001, 9, 70_001, 9, 89_970]]
  ])('of 300,000 bytes %s takes what the quota says within 5 %: 2 s after the first 100,000', async (_, chunks: number[]) => {
    const clock = fakeClock()
    const reading = read(throttle(RATE, { clock })(chunks.map(length => new Uint8Array(length))), clock)
    await settle()
    expect(total(reading)).toBeGreaterThan(90_000)
    expect(total(reading)).toBeLessThanOrEqual(100_000)

    await advance(clock, 2_200)
    expect(reading.ended).toBe(true)
    expect(total(reading)).toBe(300_000)
    const took = reading.pieces.at(-1)!.at
    expect(took).toBeGreaterThanOrEqual(1_900)
    expect(took).toBeLessThanOrEqual(2_100)
    expect(clock.pending).toBe(0)
  })

  it('is never ahead of its quota, at any moment', async () => {
    const clock = fakeClock()
    const reading = read(throttle(RATE, { clock })([new Uint8Array(250_000)]), clock)
    await advance(clock, 2_000)

    let sum = 0
    for (const { at, bytes } of reading.pieces) {
      sum += bytes
      expect(sum).toBeLessThanOrEqual(100_000 + at * 100)
    }
    expect(sum).toBe(250_000)
  })

  it.each([
    ['an array', (bytes: Uint8Array) => [bytes]],
    ['a list', (bytes: Uint8Array) => [new Uint8ArrayList(bytes.subarray(0, 5_001), bytes.subarray(5_001))]],
    ['both, and empty ones', (bytes: Uint8Array) => [new Uint8Array(), bytes.subarray(0, 7), new Uint8ArrayList(), new Uint8ArrayList(bytes.subarray(7))]]
  ])('keeps its bytes and their order, of %s', async (_, make) => {
    const clock = fakeClock()
    const bytes = Uint8Array.from({ length: 20_000 }, (_, n) => n * 7)
    const reading = read(throttle({ limit: 10_000, window: 100 }, { clock })(make(bytes)), clock)
    await advance(clock, 200)

    expect(reading.ended).toBe(true)
    expect(Uint8Array.from(reading.bytes())).toEqual(bytes)
  })

  it.each([
    ['one bucket that they share', 2_000, () => {
      const clock = fakeClock()
      const quotas = byteQuotas(RATE, { clock })
      const make = (): BytesTransform => throttle(quotas.ofConnection({ id: 'c1' }))
      return { clock, transforms: [make(), make()] }
    }],
    ['one transform that both use', 2_000, () => {
      const clock = fakeClock()
      const one = throttle(RATE, { clock })
      return { clock, transforms: [one, one] }
    }],
    ['a rate each', 500, () => {
      const clock = fakeClock()
      return { clock, transforms: [throttle(RATE, { clock }), throttle(RATE, { clock })] }
    }]
  ])('beside another, with %s, takes %i ms', async (_, expected, make) => {
    const { clock, transforms } = make()
    const readings = transforms.map(transform => read(transform([new Uint8Array(150_000)]), clock))
    await advance(clock, 2_200)

    const took = Math.max(...readings.map(({ pieces }) => pieces.at(-1)!.at))
    expect(readings.map(total)).toEqual([150_000, 150_000])
    expect(Math.abs(took - expected)).toBeLessThanOrEqual(expected * 0.05)
  })

  it('is not held by Infinity', async () => {
    const clock = fakeClock()
    const reading = read(throttle({ limit: Infinity, window: 1 }, { clock })([new Uint8Array(1e6)]), clock)
    await settle()

    expect(reading.pieces).toEqual([{ at: 0, bytes: 1e6 }])
  })

  it.each<[string, unknown, unknown]>([
    ['no quota', undefined, {}],
    ['a number', 5, {}],
    ['quotas of which none was chosen', byteQuotas(RATE), {}],
    ['a strategy', { ...RATE, strategy: 'fixed-window' }, {}],
    ['an option that is misspelt', RATE, { form: closing() }],
    ['options that are none', RATE, null]
  ])('with %s is refused', (_, quota, options) => {
    expect(() => throttle(quota as ByteQuota, options as object)).toThrow(expect.objectContaining({ name: 'InvalidOptionError' }))
  })

  it('passes on what its source throws', async () => {
    const clock = fakeClock()
    const reading = read(throttle(RATE, { clock })((async function * () {
      yield new Uint8Array(1)
      throw new Error('Broken')
    })()), clock)
    await settle()

    expect(reading.ended).toEqual(new Error('Broken'))
  })
})

/** A stream that only closes. */
function closing (status: Stream['status'] = 'open'): Stream & { end (error?: Error): void, listeners: number } {
  const target = new EventTarget()
  const stream = {
    status,
    listeners: 0,
    readStatus: 'readable',
    listenerCount: () => 0,
    pause: () => { stream.readStatus = 'paused' },
    resume: () => { stream.readStatus = 'readable' },
    addEventListener: (type: string, listener: EventListener) => { target.addEventListener(type, listener); stream.listeners++ },
    removeEventListener: (type: string, listener: EventListener) => { target.removeEventListener(type, listener); stream.listeners-- },
    end: (error?: Error) => {
      const event = Object.assign(new Event('close'), { error })
      Object.defineProperty(event, 'target', { value: stream })
      target.dispatchEvent(event)
    }
  }
  return stream as never
}

const RESET = new Error('Reset')

/** What ends a transfer before its source does, and how. */
const ENDS: Array<[string, unknown, () => { options?: object, end: (transform: AsyncGenerator<Bytes>) => void }]> = [
  ['whoever reads has had enough', true, () => ({ end: transform => { void transform.return(undefined) } })],
  ['its signal aborts', RESET, () => {
    const controller = new AbortController()
    return { options: { signal: controller.signal }, end: () => { controller.abort(RESET) } }
  }],
  ['the stream it reads is reset', RESET, () => {
    const stream = closing()
    return { options: { from: stream }, end: () => { stream.end(RESET) } }
  }],
  ['the stream it writes to is reset', RESET, () => {
    const stream = closing()
    return { options: { to: stream }, end: () => { stream.end(RESET) } }
  }],
  ['the stream it writes to closes', true, () => {
    const stream = closing()
    return { options: { to: stream }, end: () => { stream.end() } }
  }]
]

describe('a transfer that waits for its quota', () => {
  const FULL = { limit: 1_000, window: 100_000 }

  function waiting (options: object = {}) {
    const clock = fakeClock()
    let isClosed = false
    const source = (async function * () {
      try {
        for (;;) yield new Uint8Array(900)
      } finally {
        isClosed = true
      }
    })()
    const transform = throttle(FULL, { clock, ...options })(source)
    const reading = read(transform, clock)
    return { clock, transform, reading, isClosed: () => isClosed }
  }

  it.each(ENDS)('ends when %s, and leaves no timer, listener or open source', async (_, ended, make) => {
    const { options, end } = make()
    const { clock, transform, reading, isClosed } = waiting(options)
    await settle()
    expect([total(reading), reading.ended, clock.pending]).toEqual([900, undefined, 1])

    end(transform)
    expect(clock.pending).toBe(0)
    await settle()
    expect(reading.ended).toBe(ended)
    expect(isClosed()).toBe(true)
    expect(Object.values(options ?? {}).map(one => (one as { listeners?: number }).listeners ?? 0)).toEqual(Object.keys(options ?? {}).map(() => 0))
  })

  it.each([['first', 0, 1], ['second', 1, 0]] as const)('keeps the stream that it reads shut, as the %s of two, although the other would have more', async (_, first, second) => {
    const clock = fakeClock()
    const stream = closing()
    const quotas = [throttle(FULL, { clock, from: stream }), throttle({ limit: Infinity, window: 1 }, { from: stream })]
    const reading = read(quotas[second]!(quotas[first]!([new Uint8Array(2_000)])), clock)
    await settle()
    expect([total(reading), stream.readStatus]).toEqual([1_000, 'paused'])

    clock.advance(100_000)
    await settle()
    expect([total(reading), reading.ended, stream.readStatus, stream.listeners]).toEqual([2_000, true, 'readable', 0])
  })

  it('and others behind it lets them pass when it ends', async () => {
    const clock = fakeClock()
    const quota = byteQuotas(FULL, { clock }).ofConnection({ id: 'c1' })
    const controller = new AbortController()
    const first = read(throttle(quota, { signal: controller.signal })([new Uint8Array(1_000), new Uint8Array(1_000)]), clock)
    await settle()
    const second = read(throttle(quota)([new Uint8Array(10)]), clock)
    await settle()
    expect(total(second)).toBe(0)

    controller.abort(RESET)
    await advance(clock, 1_000)
    expect([first.ended, second.ended, total(second)]).toEqual([RESET, true, 10])
    expect(clock.pending).toBe(0)
  })

  it.each<[string, unknown, object]>([
    ['the stream it reads was reset', expect.objectContaining({ name: 'StreamResetError' }), { from: closing('reset') }],
    ['the stream it reads was aborted', expect.objectContaining({ name: 'StreamAbortedError' }), { from: closing('aborted') }],
    ['the stream it writes to was reset', expect.objectContaining({ name: 'StreamResetError' }), { to: closing('reset') }],
    ['the stream it writes to was aborted', expect.objectContaining({ name: 'StreamAbortedError' }), { from: closing('closed'), to: closing('aborted') }],
    ['the stream it writes to was closed', true, { to: closing('closed') }]
  ])('ends at once when %s before it began, and takes nothing', async (_, ended, options) => {
    const { clock, reading } = waiting(options)
    await settle()

    expect([reading.pieces, reading.ended, clock.pending]).toEqual([[], ended, 0])
    expect(Object.values(options)).toEqual(Object.values(options).map(() => expect.objectContaining({ listeners: 0 })))
  })

  it('reads on where the stream that it reads was closed before, which may hold some', async () => {
    const { reading } = waiting({ from: closing('closed') })
    await settle()

    expect([total(reading), reading.ended]).toEqual([900, undefined])
  })

  it('rejects at once for a signal that has aborted already', async () => {
    const reading = read(throttle(FULL, { signal: AbortSignal.abort(RESET) })([new Uint8Array(1)]), fakeClock())
    await settle()

    expect([total(reading), reading.ended]).toEqual([0, RESET])
  })
})

describe('a transfer whose source says nothing', () => {
  const FREE = { limit: Infinity, window: 1 }

  function silent (options: object = {}) {
    const said = Promise.withResolvers<Bytes>()
    const closed = Promise.withResolvers<boolean>()
    const transform = throttle(FREE, options)((async function * () {
      try {
        for (;;) yield await said.promise
      } finally {
        closed.resolve(true)
      }
    })())
    return { transform, say: () => { said.resolve(new Uint8Array(1)) }, closed: closed.promise }
  }

  it.each(ENDS)('ends at once when %s, and its source as soon as that says something', async (_, ended, make) => {
    const { options, end } = make()
    const all = { from: closing(), ...options }
    const { transform, say, closed } = silent(all)
    const reading = read(transform, fakeClock())
    await settle()
    end(transform)
    await settle()
    expect([reading.ended, total(reading)]).toEqual([ended, 0])
    expect(await transform.return(undefined)).toEqual({ done: true, value: undefined })

    say()
    expect(await closed).toBe(true)
    expect(all.from).toMatchObject({ readStatus: 'readable', listeners: 0 })
  })

  it('answers whoever has asked, how often that may be', async () => {
    const controller = new AbortController()
    const [cut, ended] = [silent({ signal: controller.signal }).transform, silent().transform]
    const asked = [cut.next(), cut.next(), ended.next(), ended.next()]
    controller.abort(RESET)
    await ended.return(undefined)

    const [rejected, done] = [{ status: 'rejected', reason: RESET }, { status: 'fulfilled', value: { done: true, value: undefined } }]
    expect(await Promise.allSettled([...asked, cut.next(), ended.next()])).toEqual([rejected, rejected, done, done, rejected, done])
  })

  it('ends with what is thrown into it', async () => {
    const { transform } = silent()
    const asked = transform.next()

    await expect(transform.throw(RESET)).rejects.toBe(RESET)
    expect([await asked, await transform.next()]).toEqual(Array(2).fill({ done: true, value: undefined }))
  })
})

describe('meter', () => {
  it('counts what passes, and changes nothing', async () => {
    const counts: number[] = []
    const chunks = [new Uint8Array(3), new Uint8ArrayList(new Uint8Array(4), new Uint8Array(5))]
    const passed: Bytes[] = []
    await pipe(chunks, meter(bytes => { counts.push(bytes) }), async source => {
      for await (const chunk of source) passed.push(chunk)
    })

    expect(counts).toEqual([3, 9])
    expect(passed).toEqual(chunks)
  })

  it('counts only what is asked for', async () => {
    let total = 0
    const metered = meter(bytes => { total += bytes })([new Uint8Array(1), new Uint8Array(1)])
    await metered.next()

    expect(total).toBe(1)
  })

  it('ends the transfer with what its listener throws', async () => {
    await expect(meter(() => { throw new Error('Enough') })([new Uint8Array(1)]).next()).rejects.toThrow('Enough')
  })
})
