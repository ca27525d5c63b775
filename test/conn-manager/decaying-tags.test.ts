import { describe, expect, it } from 'vitest'
import { bumpSumUnbounded, decayExpireWhenInactive, decayFixed, decayLinear, decayNone } from '../../src/index.ts'
import { mockHouse, partHouse } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { PartHouse } from '../support/mock-house.ts'
import type { BumpFn, DecayFn, DecayingTag, DecayingTagInit, DecayingValue } from '../../src/index.ts'

const init: DecayingTagInit = { interval: 100, decay: decayFixed(1), bump: bumpSumUnbounded() }

function started (): PartHouse & { tags: () => unknown, value: () => number | undefined } {
  const house = partHouse({ decayResolution: 100 })
  house.manager.start()

  return { ...house, tags: () => house.manager.getTagInfo(peer(0))?.tags, value: () => house.manager.getTagInfo(peer(0))?.value }
}

describe('the work of decaying', () => {
  it('no timer while nobody has a decaying tag: before the first bump, and after the last value is gone', () => {
    const { manager, clock } = started()
    const tag = manager.registerDecayingTag('t', init)
    expect(clock.pending).toBe(0)
    tag.bump(peer(0), 2)
    expect(clock.pending).toBe(1)
    clock.advance(200)

    expect(clock.pending).toBe(0)
  })

  it.each<[string, (tag: { remove: (p: typeof peer0) => boolean, close: () => void }) => void]>([
    ['removed', tag => { tag.remove(peer0) }], ['closed', tag => { tag.close() }]
  ])('no timer once the last one is %s', (_, end) => {
    const { manager, clock } = started()
    const tag = manager.registerDecayingTag('t', init)
    tag.bump(peer0, 2)
    end(tag)

    expect(clock.pending).toBe(0)
  })

  it('none before start and none after stop; what was missed meanwhile is made up at start', () => {
    const { manager, clock } = mockHouse({ decayResolution: 100 })
    manager.registerDecayingTag('t', init).bump(peer(0), 10)
    clock.advance(250)
    expect([clock.pending, manager.getTagInfo(peer(0))?.value]).toEqual([0, 10])

    manager.start()
    clock.advance(0)
    expect([clock.pending, manager.getTagInfo(peer(0))?.value]).toEqual([1, 8])
    manager.stop()
    expect(clock.pending).toBe(0)
  })

  it('every interval is applied when the machine slept', () => {
    const { manager, clock, value } = started()
    manager.registerDecayingTag('t', init).bump(peer(0), 100)
    clock.jump(clock.now() + 4_250)
    clock.advance(0)

    expect(value()).toBe(58)
  })

  it('goes on where the clock was set back: from the time that it is now', () => {
    const { manager, clock } = started()
    const tag = manager.registerDecayingTag('t', init)
    const inactive = manager.registerDecayingTag('x', { ...init, decay: decayExpireWhenInactive(300) })
    tag.bump(peer(0), 100)
    inactive.bump(peer(0), 7)
    clock.jump(clock.now() - 1_000_000)
    tag.bump(peer(1), 100)
    clock.advance(1_000)

    expect([0, 1].map(n => manager.getTagInfo(peer(n))?.tags)).toEqual([{ t: 90 }, { t: 90 }])
  })

  it('decays once where the clock was set back over a tick by a little', () => {
    const { manager, clock } = started()
    const tag = manager.registerDecayingTag('t', init)
    tag.bump(peer(0), 10)
    clock.advance(100)
    clock.jump(clock.now() - 5)
    tag.bump(peer(1), 1)
    clock.advance(5)

    expect([0, 1].map(n => manager.getTagInfo(peer(n))?.tags)).toEqual([{ t: 9 }, { t: 1 }])
  })

  it('each missed interval is shown its own time', () => {
    const { manager, clock } = started()
    const origin = clock.now()
    const seen: number[] = []
    const see: DecayFn = ({ value }, now) => {
      seen.push(now - origin)
      return { after: value, remove: false }
    }
    manager.registerDecayingTag('t', { ...init, interval: 150, decay: see }).bump(peer(0), 1)
    clock.jump(origin + 650)
    clock.advance(0)

    // 150, 300, 450, 600, each at the first tick of the grid that is not before it
    expect(seen).toEqual([200, 300, 500, 600])
  })

  it('a bump after a sleep comes after what was slept through', () => {
    const { manager, clock, tags } = started()
    const tag = manager.registerDecayingTag('t', { ...init, decay: decayLinear(0.5) })
    tag.bump(peer(0), 1_024)
    clock.jump(clock.now() + 1_000)
    tag.bump(peer(0), 50)
    clock.advance(0)

    // of the 1,024 one is left after ten intervals, the 50 are new
    expect(tags()).toEqual({ t: 51 })
  })

  it('a new peer does not pay for intervals before its first bump', () => {
    const { manager, clock } = started()
    const tag = manager.registerDecayingTag('t', init)
    tag.bump(peer(1), 100)
    clock.jump(clock.now() + 1_000)
    tag.bump(peer(0), 50)
    clock.advance(0)

    expect([0, 1].map(n => manager.getTagInfo(peer(n))?.value)).toEqual([50, 90])
  })

  it('an interval below the resolution is raised to it', () => {
    const { manager, clock, value } = started()
    const tag = manager.registerDecayingTag('t', { ...init, interval: 10 })
    tag.bump(peer(0), 10)
    clock.advance(300)

    expect([tag.interval, value()]).toEqual([100, 7])
  })

  it('custom functions see a copy: tag, peer, first and last bump, value', () => {
    const { manager, clock, value } = started()
    const at = clock.now()
    const seen: DecayingValue[] = []
    const spoil = (value: DecayingValue): DecayingValue => {
      seen.push({ ...value })
      return Object.assign(value, { value: 1e9, peer: peer(9) })
    }
    const tag = manager.registerDecayingTag('t', {
      interval: 100, decay: value => ({ after: spoil(value) && 3.9, remove: false }), bump: (value, delta) => spoil(value) && delta
    })
    clock.advance(5)
    tag.bump(peer(0), 7)
    clock.advance(20)
    tag.bump(peer(0), 8)
    clock.advance(75)

    expect(seen).toEqual([
      { tag: 't', peer: peer(0), added: at + 5, lastBump: at + 5, value: 0 },
      { tag: 't', peer: peer(0), added: at + 5, lastBump: at + 5, value: 7 },
      { tag: 't', peer: peer(0), added: at + 5, lastBump: at + 25, value: 8 }
    ])
    expect(value()).toBe(3)
  })

  it('a static and a decaying tag of one name are listed as their sum', () => {
    const { manager, tags, value } = started()
    manager.tagPeer(peer(0), 'q', 3)
    manager.registerDecayingTag('q', init).bump(peer(0), 4)

    expect([tags(), value()]).toEqual([{ q: 7 }, 7])
    manager.untagPeer(peer(0), 'q')
    expect([tags(), value()]).toEqual([{ q: 4 }, 4])
  })

  it('values outlive the connection', () => {
    const { manager, open, value } = started()
    manager.registerDecayingTag('t', init).bump(peer(0), 4)
    open({ remotePeer: peer(0) }).end()

    expect(value()).toBe(4)
  })
})

describe('functions that misbehave', () => {
  const throws = (): never => { throw new Error('Broken') }

  it.each<[string, Partial<DecayingTagInit>]>([
    ['a decay that throws', { decay: throws }],
    ['a decay that returns nothing', { decay: (() => {}) as unknown as DecayFn }],
    ['a decay that returns NaN', { decay: () => ({ after: NaN, remove: false }) }],
    ['a decay beyond the safe integers', { decay: () => ({ after: 2 ** 60, remove: false }) }],
    ['a bump that throws', { bump: (value, delta) => value.value > 0 ? throws() : delta }]
  ])('%s leaves the value, and is logged', (_, broken) => {
    const { manager, clock, value, errors } = started()
    const tag = manager.registerDecayingTag('t', { ...init, decay: decayNone(), ...broken })
    tag.bump(peer(0), 5)
    tag.bump(peer(0), 0)
    clock.advance(100)

    expect(value()).toBe(5)
    expect(errors).toHaveLength(1)
  })

  it('one peer\'s broken decay does not keep the others from decaying', () => {
    const { manager, clock } = started()
    const tag = manager.registerDecayingTag('t', { ...init, decay: (value, now) => value.peer.equals(peer(0)) ? throws() : decayFixed(1)(value, now) })
    for (const n of [0, 1]) tag.bump(peer(n), 5)
    clock.advance(100)

    expect([0, 1].map(n => manager.getTagInfo(peer(n))?.value)).toEqual([5, 4])
  })

  it('a decay that removes its own tag leaves no value behind', () => {
    const { manager, clock, open, value, tags } = started()
    open({ remotePeer: peer(0) })
    const decay: DecayFn = ({ peer, value }) => ({ after: value - Number(tag.remove(peer)), remove: false })
    const tag = manager.registerDecayingTag('t', { ...init, decay })
    tag.bump(peer(0), 5)
    clock.advance(100)

    expect([value(), tags()]).toEqual([0, {}])
  })

  it('a bump that closes its own tag leaves no value behind', () => {
    const { manager, open, value, tags } = started()
    open({ remotePeer: peer(0) })
    const bump: BumpFn = (_, delta) => {
      tag.close()
      return delta
    }
    const tag = manager.registerDecayingTag('t', { ...init, bump })

    expect(() => { tag.bump(peer(0), 5) }).toThrow(expect.objectContaining({ code: 'ERR_DECAYING_TAG_CLOSED' }))
    expect([value(), tags()]).toEqual([0, {}])
  })

  it.each<[string, (tag: DecayingTag) => void]>([
    ['bumps', tag => { tag.bump(peer(0), 10) }],
    ['removes', tag => { tag.remove(peer(0)) }]
  ])('a bump that %s its own tag leaves what it says, and nothing once that is removed', (_, act) => {
    const { manager, value, tags } = started()
    let acted = false
    const bump: BumpFn = ({ value }, delta) => {
      if (!acted && value > 0) {
        acted = true
        act(tag)
      }

      return value + delta
    }
    const tag = manager.registerDecayingTag('t', { ...init, bump })
    tag.bump(peer(0), 2)
    tag.bump(peer(0), 3)
    expect([acted, value(), tags()]).toEqual([true, 5, { t: 5 }])

    tag.remove(peer(0))
    expect([value(), manager.getInfo().trackedPeers]).toEqual([undefined, 0])
  })

  it('an async function that fails ends no process, and is an answer that is no number', () => {
    const { manager, clock, value, errors } = started()
    const fails = (async () => Promise.reject(new Error('async'))) as never
    const tag = manager.registerDecayingTag('t', { ...init, decay: fails })
    tag.bump(peer(0), 5)
    clock.advance(100)

    expect([value(), errors.length]).toEqual([5, 1])
    expect(() => { manager.registerDecayingTag('u', { ...init, bump: fails }).bump(peer(0), 1) }).toThrow('the new value must be a safe integer')
    expect(() => { manager.upsertTag(peer(0), 'a', fails) }).toThrow('the value must be a safe integer')
  })

  it.each([
    ['a bump to a text', { ...init, bump: (() => '7') as never }, 1, 'Could not bump the decaying tag "t": the new value must be a safe integer, received "7"'],
    ['a bump to null', { ...init, bump: (() => null) as never }, 1, 'Could not bump the decaying tag "t": the new value must be a safe integer, received null'],
    ['a delta that is not finite', { ...init }, Infinity, 'Could not bump the decaying tag "t": the delta must be a finite number, received Infinity'],
    ['a delta that is no number', { ...init }, NaN, 'Could not bump the decaying tag "t": the delta must be a finite number, received NaN'],
    ['a bump to NaN', { ...init, bump: () => NaN }, 1, 'Could not bump the decaying tag "t": the new value must be a safe integer, received NaN'],
    ['a bump beyond the safe integers', { ...init }, 2 ** 53, 'Could not bump the decaying tag "t": the new value must be a safe integer, received 9007199254740992']
  ])('%s is an error, and changes nothing', (_, init, delta, message) => {
    const { manager, clock } = started()
    const tag = manager.registerDecayingTag('t', init)

    expect(() => { tag.bump(peer(0), delta) }).toThrow(expect.objectContaining({ name: 'InvalidTagError', message }))
    expect([manager.getInfo().trackedPeers, clock.pending]).toEqual([0, 0])
  })

  it.each<[string, string, Partial<DecayingTagInit>, string]>([
    ['a name that is taken', 't', {}, 'Could not register the decaying tag "t": it is registered already, close it first'],
    ['an empty name', '', {}, 'Could not register the decaying tag: the tag must be a string that is not empty, received ""'],
    ['a decay that is no function', 'u', { decay: 5 as never }, 'Could not register the decaying tag "u": decay must be a function, received 5'],
    ['a bump that is missing', 'u', { bump: undefined as never }, 'Could not register the decaying tag "u": bump must be a function, received undefined'],
    ['an option that there is not', 'u', { intervall: 5 } as object, 'Could not use the option init: it must be an object whose keys are among interval, decay, bump, received "intervall"'],
    ['no interval', 'u', { interval: 0 }, 'Could not set the interval of the decaying tag "u": it must be a finite number of ms above 0, received 0'],
    ['an endless interval', 'u', { interval: Infinity }, 'Could not set the interval of the decaying tag "u": it must be a finite number of ms above 0, received Infinity']
  ])('%s is an error, and registers nothing', (_, name, broken, message) => {
    const { manager } = started()
    manager.registerDecayingTag('t', init)

    expect(() => manager.registerDecayingTag(name, { ...init, ...broken })).toThrow(message)
    expect(() => manager.registerDecayingTag('u', init)).not.toThrow()
  })
})

const peer0 = peer(0)
