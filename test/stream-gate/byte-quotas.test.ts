import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { byteQuotas } from '../../src/stream-gate/byte-quotas.ts'
import { peer } from '../support/peers.ts'
import type { ByteQuota, ByteRate } from '../../src/stream-gate/byte-quotas.ts'
import type { FakeClock } from '../../src/clock/fake-clock.ts'

const RATE: ByteRate = { limit: 16_384, window: 1_000 }
const CONNECTION = { id: 'c1' }

/** Asks for pieces, and says which have passed by now. */
function asker (quota: ByteQuota, log: string[], name: string): (pieces: number) => void {
  return pieces => {
    for (let n = 0; n < pieces; n++) {
      const wait = quota.take(quota.piece)
      if (wait == null) log.push(`${name} passed`)
      else void wait.done.then(isTaken => { log.push(`${name} ${isTaken ? 'waited' : 'was cancelled'}`) })
    }
  }
}

async function advance (clock: FakeClock, ms: number): Promise<void> {
  clock.advance(ms)
  await new Promise(resolve => { setImmediate(resolve) })
}

describe('a bucket', () => {
  it('is one for a connection, another for another, another for its peer', () => {
    const quotas = byteQuotas(RATE, { clock: fakeClock() })
    const passes = (quota: ByteQuota): boolean => quota.take(RATE.limit) == null

    expect([quotas.ofConnection(CONNECTION), quotas.ofConnection(CONNECTION), quotas.ofConnection({ id: 'c2' }), quotas.ofPeer(peer(1)), quotas.ofPeer(peer(1)), quotas.ofPeer(peer(2))].map(passes))
      .toEqual([true, false, true, true, false, true])
  })

  it('serves who waits in turn, a piece each, however they share it', async () => {
    const clock = fakeClock()
    const quotas = byteQuotas(RATE, { clock })
    const log: string[] = []
    const [a, b] = ['a', 'b'].map(name => asker(quotas.ofConnection(CONNECTION), log, name))

    a!(16)
    expect(log).toEqual(Array(16).fill('a passed'))
    a!(2)
    b!(2)
    a!(1)
    await advance(clock, 62)
    expect(log.slice(16)).toEqual([])
    await advance(clock, 1)
    expect(log.slice(16)).toEqual(['a waited'])
    await advance(clock, 250)
    expect(log.slice(16)).toEqual(['a waited', 'a waited', 'b waited', 'b waited', 'a waited'])
    expect(clock.pending).toBe(0)
    await advance(clock, 1_000)
    a!(1)
    expect(log.at(-1)).toBe('a passed')
  })

  it('whose waiters are cancelled gives their turn to the next, and keeps no timer', async () => {
    const clock = fakeClock()
    const quota = byteQuotas(RATE, { clock }).ofConnection(CONNECTION)
    quota.take(RATE.limit)
    const waits = [quota.take(1_000), quota.take(1_000)]
    expect(clock.pending).toBe(1)

    waits[0]!.cancel()
    waits[0]!.cancel()
    await advance(clock, 62)
    await expect(waits[0]!.done).resolves.toBe(false)
    await expect(waits[1]!.done).resolves.toBe(true)
    waits[1]!.cancel()
    expect(clock.pending).toBe(0)

    quota.take(RATE.limit)!.cancel()
    expect(clock.pending).toBe(0)
  })

  it('whose waiter is cancelled too late leaves those in their turn who wait since', async () => {
    const clock = fakeClock()
    const quota = byteQuotas(RATE, { clock }).ofConnection(CONNECTION)
    quota.take(RATE.limit)
    const [early] = [quota.take(1_024)!]
    await advance(clock, 63)
    const late = quota.take(RATE.limit)!
    early.cancel()

    expect([quota.take(0) == null, clock.pending]).toEqual([false, 1])
    await advance(clock, 1_000)
    expect(await late.done).toBe(true)
  })

  it.each([-1, 0.5, NaN, RATE.limit + 1, Infinity])('refuses to take %d, also while somebody waits, and serves whoever does', async bytes => {
    const clock = fakeClock()
    const quota = byteQuotas(RATE, { clock }).ofConnection(CONNECTION)
    const refused = expect.objectContaining({ name: 'InvalidOptionError', option: 'bytes' }) as Error
    expect(() => quota.take(bytes)).toThrow(refused)
    expect([quota.take(RATE.limit), clock.pending]).toEqual([undefined, 0])

    const wait = quota.take(1_024)
    expect(() => quota.take(bytes)).toThrow(refused)
    await advance(clock, 63)
    expect([await wait!.done, clock.pending]).toEqual([true, 0])
  })

  it.each([
    [{ limit: 16_384, window: 1_000 }, 1_024],
    [{ limit: 1_048_576, window: 1_000 }, 65_536],
    [{ limit: 4_096, window: 1_000 }, 1_024],
    [{ limit: 10, window: 1_000 }, 10],
    [{ limit: Infinity, window: 1_000 }, Infinity]
  ])('of %j comes in pieces of %d', (rate, piece) => {
    expect(byteQuotas(rate).ofConnection(CONNECTION).piece).toBe(piece)
  })

  it.each([
    { limit: 0, window: 1 }, { limit: 1.5, window: 1 }, { limit: 1, window: 0 }, null, { limit: 1, window: 1, burst: 5 }, { strategy: 'sliding-window', limit: 1, window: 1 }
  ])('of %j is refused', rate => {
    expect(() => byteQuotas(rate as ByteRate)).toThrow(expect.objectContaining({ name: 'InvalidOptionError' }))
  })

  it('with an option that is misspelt is refused', () => {
    expect(() => byteQuotas(RATE, { capcity: 5 } as object)).toThrow(expect.objectContaining({ name: 'InvalidOptionError', received: 'capcity' }))
  })

  it('is remembered for so many and no more', () => {
    const quotas = byteQuotas(RATE, { capacity: 2, clock: fakeClock() })
    const take = (n: number) => quotas.ofPeer(peer(n)).take(RATE.limit) == null

    expect([take(0), take(1)]).toEqual([true, true])
    // both are used up and stay: the others share one of 64 times the size
    expect(Array.from({ length: 100 }, (_, n) => take(n + 2)).filter(Boolean).length).toBe(64)
  })
})
