import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bumpSumUnbounded, decayExpireWhenInactive, decayFixed, decayLinear } from '../../src/index.ts'
import { asConnection } from '../support/mock-connection.ts'
import { openOnes, partHouse, storedPeer } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { PartHouse } from '../support/mock-house.ts'
import type { DecayFn, DecayingTag } from '../../src/index.ts'

const PEERS = 12
const RESOLUTION = 100
const peers = Array.from({ length: PEERS }, (_, n) => n)

interface World extends PartHouse {
  readonly decaying: DecayingTag[]
}

const DECAYS: DecayFn[] = [decayFixed(3), decayLinear(0.5), decayExpireWhenInactive(450)]

function register (house: PartHouse, at: number): DecayingTag {
  return house.manager.registerDecayingTag(`decaying ${at}`, { interval: 70 * (at + 1), decay: DECAYS[at]!, bump: bumpSumUnbounded() })
}

function world (maxUnconnectedPeers: number): World {
  const house = partHouse({ lowWater: 4, highWater: 8, hardLimit: 40, gracePeriod: 200, silencePeriod: 300, decayResolution: RESOLUTION, maxUnconnectedPeers })
  house.manager.start()

  return { ...house, decaying: DECAYS.map((_, at) => register(house, at)) }
}

type Operation = (world: World) => void

const n = fc.nat(PEERS - 1)
const tag = fc.constantFrom('a', 'b', 'decaying 0', '__proto__', 'constructor')
const value = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.constantFrom(0, 1_000_000_007, -1_000_000_007))
const which = fc.nat(DECAYS.length - 1)
const at = fc.nat(1_000)

/** Everything that may happen to a manager. `at` picks one of the connections there have been. */
const operation: fc.Arbitrary<Operation> = fc.oneof<Array<fc.Arbitrary<Operation>>>(
  fc.record({ n, tag, value }).map(({ n, tag, value }) => ({ manager }) => { manager.tagPeer(peer(n), tag, value) }),
  fc.record({ n, tag }).map(({ n, tag }) => ({ manager }) => { manager.untagPeer(peer(n), tag) }),
  fc.record({ n, tag, value }).map(({ n, tag, value }) => ({ manager }) => { manager.upsertTag(peer(n), tag, old => Math.min(old, 1e9) + value) }),
  fc.record({ n, which, value }).map(({ n, which, value }) => ({ decaying }) => { decaying[which]!.bump(peer(n), value) }),
  fc.record({ n, which }).map(({ n, which }) => ({ decaying }) => { decaying[which]!.remove(peer(n)) }),
  which.map(which => house => { house.decaying[which]!.close(); house.decaying[which] = register(house, which) }),
  fc.record({ n, outbound: fc.boolean() }).map(({ n, outbound }) => ({ open }) => { open({ remotePeer: peer(n), direction: outbound ? 'outbound' : 'inbound' }) }),
  at.map(at => ({ connections }) => { for (const connection of connections.slice(at % 50, at % 50 + 1)) connection.end() }),
  at.map(at => ({ connections, announce }) => { for (const connection of connections.slice(at % 50, at % 50 + 1)) announce(connection) }),
  fc.record({ n, tag, value, ms: fc.nat(500) }).map(({ n, tag, value, ms }) => ({ manager, clock }) => {
    manager.peerUpdated(storedPeer(peer(n), { [`stored ${tag}`]: { value, expiry: clock.now() + ms }, 'a': 1, 'keep-alive': 2 }))
  }),
  fc.record({ n, tag }).map(({ n, tag }) => ({ manager }) => { manager.protect(peer(n), tag) }),
  fc.record({ n, tag }).map(({ n, tag }) => ({ manager }) => { manager.unprotect(peer(n), tag) }),
  fc.nat(350).map(ms => ({ clock }) => { clock.advance(ms) }),
  fc.constant<Operation>(({ manager }) => { void manager.trimOpenConns() }),
  fc.constant<Operation>(({ manager }) => { manager.stop(); manager.start() })
)

const operations = fc.array(operation, { maxLength: 120, size: 'max' })

describe('after any sequence of operations', () => {
  it('a peer\'s value is the sum of its tags', () => {
    fc.assert(fc.property(operations, fc.constantFrom(0, 3, 100), (operations, capacity) => {
      const house = world(capacity)

      for (const operate of operations) {
        operate(house)

        const infos = peers.map(n => house.manager.getTagInfo(peer(n))).filter(info => info != null)

        expect(infos.filter(({ value, tags }) => value !== Object.values(tags).reduce((sum, value) => sum + value, 0))).toEqual([])
      }
    }), { numRuns: 150 })
  })

  it('those tracked are those with a connection or a tag, the unconnected within their bound', () => {
    fc.assert(fc.property(operations, fc.constantFrom(0, 3, 100), (operations, capacity) => {
      const house = world(capacity)
      for (const operate of operations) operate(house)
      const infos = peers.map(n => house.manager.getTagInfo(peer(n))).filter(info => info != null)
      const unconnected = infos.filter(({ conns }) => Object.keys(conns).length === 0)

      expect(house.manager.getInfo().trackedPeers).toBe(infos.length)
      expect(unconnected.length).toBeLessThanOrEqual(capacity)
      expect(unconnected.every(({ tags }) => Object.keys(tags).length > 0)).toBe(true)
    }), { numRuns: 150 })
  })

  it('nothing is left after all disconnects but the bounded ledger', () => {
    fc.assert(fc.property(operations, fc.constantFrom(0, 3, 100), (operations, capacity) => {
      const house = world(capacity)
      for (const operate of operations) operate(house)
      for (const connection of house.connections) house.announceEnd(connection)

      expect(house.manager.getInfo()).toMatchObject({ connCount: 0 })
      expect(house.manager.getInfo().trackedPeers).toBeLessThanOrEqual(capacity)
      expect(house.crowds.size).toBe(0)

      for (const n of peers) for (const tag of Object.keys(house.manager.getTagInfo(peer(n))?.tags ?? {})) house.manager.untagPeer(peer(n), tag)
      for (const tag of house.decaying) tag.close()
      expect(house.manager.getInfo().trackedPeers).toBe(0)
      expect(house.clock.pending).toBeLessThanOrEqual(1)
    }), { numRuns: 150 })
  })

  it('a trim leaves the low mark, or more where more may not go, and none that it must not touch', async () => {
    await fc.assert(fc.asyncProperty(operations, async operations => {
      const house = world(100)
      for (const operate of operations) operate(house)
      await house.manager.trimOpenConns()
      house.clock.advance(1_000)
      await house.manager.trimOpenConns()
      const guarded = house.connections.filter(({ remotePeer }) => house.manager.isProtected(remotePeer))
      const before = openOnes(guarded)
      const { open } = house.manager.planTrim()
      house.openMany(10)
      house.clock.advance(1_000)
      await house.manager.trimOpenConns()

      expect(house.manager.getInfo().connCount).toBeGreaterThanOrEqual(Math.min(4, open + 10))
      expect(openOnes(guarded)).toEqual(before)
    }), { numRuns: 60 })
  })

  it('open connections are counted as often as they are announced and not ended', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(15), fc.boolean()), { maxLength: 200, size: 'max' }), steps => {
      const house = partHouse({ lowWater: 100, highWater: 200 })
      const connections = Array.from({ length: 16 }, (_, at) => house.make({ remotePeer: peer(at % 5), direction: at % 2 === 0 ? 'inbound' : 'outbound' }))
      const open = new Set<number>()
      const act = {
        true: (at: number) => { house.announce(connections[at]!); open.add(at) },
        false: (at: number) => { house.manager.disconnected(asConnection(connections[at]!)); open.delete(at) }
      }
      for (const [at, opens] of steps) act[`${opens}`](at)

      expect(house.manager.connectionCounts()).toEqual({
        inbound: [...open].filter(at => at % 2 === 0).length,
        outbound: [...open].filter(at => at % 2 === 1).length
      })
      expect(house.manager.getInfo().trackedPeers).toBe(new Set([...open].map(at => at % 5)).size)
    }), { numRuns: 200 })
  })
})
