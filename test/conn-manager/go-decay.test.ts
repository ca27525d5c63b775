import { describe, expect, it } from 'vitest'
import { bumpOverwrite, bumpSumBounded, bumpSumUnbounded, decayExpireWhenInactive, decayFixed, decayLinear, decayNone } from '../../src/index.ts'
import { mockHouse } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { MockHouse } from '../support/mock-house.ts'

const RESOLUTION = 50

/** go-libp2p's `decay_test.go`, with its resolution of 50 ms. */
function started (): MockHouse & { value: (n: number) => number | undefined, tags: (n: number) => unknown } {
  const house = mockHouse({ decayResolution: RESOLUTION })
  house.manager.start()

  return {
    ...house,
    value: n => house.manager.getTagInfo(peer(n))?.value,
    tags: n => house.manager.getTagInfo(peer(n))?.tags
  }
}

describe('go-libp2p: decaying tags', () => {
  it('DecayExpire: the value stays until the last bump is old enough, then the tag goes (D1: go zeroes it at the first tick)', () => {
    const { manager, clock, value } = started()
    const tag = manager.registerDecayingTag('pop', { interval: 250, decay: decayExpireWhenInactive(1_000), bump: bumpSumUnbounded() })
    tag.bump(peer(0), 10)

    clock.advance(750)
    expect(value(0)).toBe(10)
    clock.advance(250)
    expect(value(0)).toBeUndefined()
  })

  it('MultipleBumps: a bounded sum stays within its bounds', () => {
    const { manager, value } = started()
    const tag = manager.registerDecayingTag('pop', { interval: 250, decay: decayNone(), bump: bumpSumBounded(10, 20) })

    tag.bump(peer(0), 5)
    expect(value(0)).toBe(10)
    tag.bump(peer(0), 100)
    expect(value(0)).toBe(20)
  })

  it('MultipleTagsNoDecay: three tags, each at its bound, make one sum', () => {
    const { manager, value, tags } = started()
    const names = ['beep', 'bop', 'foo']
    const all = names.map(name => manager.registerDecayingTag(name, { interval: 250, decay: decayNone(), bump: bumpSumBounded(0, 100) }))
    for (const tag of all) tag.bump(peer(0), 100)
    for (const tag of all) tag.bump(peer(0), 100)

    expect(value(0)).toBe(300)
    expect(tags(0)).toEqual({ beep: 100, bop: 100, foo: 100 })
  })

  it('CustomFunctions: three intervals, each with its own decay', () => {
    const { manager, clock, value } = started()
    const decays = [[250, 10], [100, 5], [50, 1]] as const
    for (const [interval, minuend] of decays) {
      manager.registerDecayingTag(`every ${interval}`, { interval, decay: decayFixed(minuend), bump: bumpSumUnbounded() }).bump(peer(0), 1_000)
    }

    expect(value(0)).toBe(3_000)
    clock.advance(50)
    expect(value(0)).toBe(2_999)
    clock.advance(150)
    expect(value(0)).toBe(2_986)
    clock.advance(50)
    expect(value(0)).toBe(2_975)
  })

  it('MultiplePeers: three peers on three tags, after three seconds', () => {
    const { manager, clock, value } = started()
    const decays = [[250, 10], [100, 5], [50, 1]] as const
    const all = decays.map(([interval, minuend]) =>
      manager.registerDecayingTag(`every ${interval}`, { interval, decay: decayFixed(minuend), bump: bumpSumUnbounded() }))
    for (const tag of all) [1_000, 500, 100].forEach((delta, n) => { tag.bump(peer(n), delta) })

    clock.advance(3_000)
    expect([0, 1, 2].map(value)).toEqual([2_670, 1_170, 40])
  })

  it('LinearDecayOverwrite: half and half again, then overwritten', () => {
    const { manager, clock, value } = started()
    const tag = manager.registerDecayingTag('beep', { interval: 250, decay: decayLinear(0.5), bump: bumpOverwrite() })
    tag.bump(peer(0), 1_000)

    clock.advance(250)
    expect(value(0)).toBe(500)
    clock.advance(250)
    expect(value(0)).toBe(250)
    tag.bump(peer(0), 1_000)
    expect(value(0)).toBe(1_000)
  })

  it('ResolutionMisaligned: intervals beside the grid decay at the next tick, and on average as often as asked', () => {
    const { manager, clock, value, tags } = started()
    const beep = manager.registerDecayingTag('beep', { interval: 1.4 * RESOLUTION, decay: decayFixed(1), bump: bumpOverwrite() })
    const bop = manager.registerDecayingTag('bop', { interval: 2.4 * RESOLUTION, decay: decayFixed(1), bump: bumpOverwrite() })
    for (const tag of [beep, bop]) tag.bump(peer(0), 1_000)

    const seen = [1, 2, 3].map(() => {
      clock.advance(RESOLUTION)
      return tags(0)
    })
    expect(seen).toEqual([{ beep: 1_000, bop: 1_000 }, { beep: 999, bop: 1_000 }, { beep: 998, bop: 999 }])
    expect(value(0)).toBe(1_997)
    expect([beep.interval, bop.interval]).toEqual([70, 120])
  })

  it('TagRemoval: one tag leaves one peer, all others go on decaying; a second removal is no error', () => {
    const { manager, clock, tags } = started()
    const init = { interval: 50, decay: decayFixed(10), bump: bumpOverwrite() }
    const [beep, bop] = [manager.registerDecayingTag('beep', init), manager.registerDecayingTag('bop', init)]
    for (const tag of [beep, bop]) for (const n of [0, 1]) tag.bump(peer(n), 1_000)

    clock.advance(50)
    expect(beep.remove(peer(0))).toBe(true)
    expect(beep.remove(peer(0))).toBe(false)
    clock.advance(50)
    expect([tags(0), tags(1)]).toEqual([{ bop: 980 }, { beep: 980, bop: 980 }])
  })

  it('TagRemoval: from an unknown peer creates nothing (D11)', () => {
    const { manager } = started()
    const tag = manager.registerDecayingTag('beep', { interval: 50, decay: decayFixed(10), bump: bumpOverwrite() })

    expect(tag.remove(peer(0))).toBe(false)
    expect(manager.getInfo().trackedPeers).toBe(0)
  })

  it('TagClosure: a closed tag leaves all peers, closing again is no error, bumping it is; its name is free (D10)', () => {
    const { manager, value } = started()
    const init = { interval: 50, decay: decayFixed(10), bump: bumpOverwrite() }
    const [beep, bop] = [manager.registerDecayingTag('beep', init), manager.registerDecayingTag('bop', init)]
    for (const tag of [beep, bop]) for (const n of [0, 1]) tag.bump(peer(n), 1_000)

    beep.close()
    beep.close()
    expect([value(0), value(1)]).toEqual([1_000, 1_000])
    expect(() => { beep.bump(peer(0), 1) }).toThrow(expect.objectContaining({ name: 'DecayingTagError', code: 'ERR_DECAYING_TAG_CLOSED' }))
    expect(() => { beep.remove(peer(0)) }).toThrow(expect.objectContaining({ code: 'ERR_DECAYING_TAG_CLOSED' }))

    manager.registerDecayingTag('beep', init).bump(peer(0), 5)
    expect(value(0)).toBe(1_005)
  })
})
