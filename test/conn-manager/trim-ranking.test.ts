import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseForTrim } from '../../src/conn-manager/trim-plan.ts'
import { userRanking } from '../../src/conn-manager/trim-ranking.ts'
import { asConnection } from '../support/mock-connection.ts'
import { ids, mockHouse, openOnes, partHouse } from '../support/mock-house.ts'
import { factsOf, GRACE, house, limits, NOW } from './facts.ts'
import type { TrimCandidate, TrimPlan } from '../../src/index.ts'

const marks = { lowWater: 2, highWater: 3, hardLimit: 100, gracePeriod: 0 }
const byId = (a: TrimCandidate, b: TrimCandidate): number => a.connectionId < b.connectionId ? 1 : -1

describe('trimOrder', () => {
  it('comes before the built-in order, which decides where it says zero', () => {
    const { manager, openMany } = mockHouse({ ...marks, trimOrder: (a, b) => a.streams - b.streams })
    const [one, two, three, four] = openMany(4)
    one!.streams = [{ protocol: '/app/1', status: 'open' }]
    for (const connection of [two, three]) manager.tagPeer(connection!.remotePeer, 'test', 5)
    manager.tagPeer(four!.remotePeer, 'test', 4)

    expect(manager.planTrim().entries).toMatchObject([{ connectionId: four!.id, reason: 'value' }, { connectionId: two!.id, reason: 'connection-id' }])
  })

  it('is named as the reason where it decided', () => {
    const { manager, openMany } = mockHouse({ ...marks, trimOrder: byId })
    openMany(4)

    expect(manager.planTrim().entries).toMatchObject([{ connectionId: 'c0003', reason: 'user-order' }, { connectionId: 'c0002', reason: 'user-order' }])
  })

  it('sees what the built-in order sees', () => {
    const seen = new Map<string, TrimCandidate>()
    const { manager, open, clock } = mockHouse({
      ...marks,
      trimOrder (...pair) {
        for (const candidate of pair) seen.set(candidate.connectionId, candidate)
        return 0
      }
    })
    const remoteAddr = '/ip4/192.0.2.1/tcp/1'
    const [busy, spare] = [open({ remoteAddr, direction: 'outbound' }), open({ remoteAddr, remotePeer: mockHouse().make().remotePeer })]
    busy.streams = [{ protocol: '/app/1', status: 'open' }, { protocol: '/ipfs/ping/1.0.0', status: 'open' }]
    manager.tagPeer(busy.remotePeer, 'test', 3)
    open()
    manager.planTrim()

    expect(seen.get(busy.id)).toEqual({
      connectionId: busy.id, peer: busy.remotePeer, value: 3, streams: 1, direction: 'outbound', redundant: false, crowd: 2, openedAt: clock.now()
    })
    expect(seen.get(spare.id)).toMatchObject({ redundant: true, streams: 0, direction: 'inbound' })
  })

  const failing: Array<[string, (a: TrimCandidate, b: TrimCandidate) => number]> = [
    ['throws', () => { throw new Error('Out of order') }],
    ['returns NaN', () => NaN],
    ['returns nothing', (() => {}) as unknown as () => number],
    ['returns a text', (() => 'first') as unknown as () => number]
  ]

  it.each(failing)('that %s leaves the built-in order, and is logged once per plan', async (_, trimOrder) => {
    const { manager, openMany, errors, connections } = partHouse({ ...marks, trimOrder })
    openMany(5)
    manager.tagPeer(connections[4]!.remotePeer, 'test', -1)
    const { entries } = await manager.trimOpenConns()

    expect(entries.map(({ connectionId, reason }) => [connectionId, reason]))
      .toEqual([['c0004', 'value'], ['c0000', 'connection-id'], ['c0001', 'connection-id']])
    expect(openOnes(connections)).toEqual(['c0002', 'c0003'])
    expect(errors).toHaveLength(1)
    expect(errors[0]![0]).toMatch(/^trimOrder failed/)
  })

  it('that fails half way leaves the built-in order for all', () => {
    let asked = 0
    const { manager, openMany } = partHouse({ ...marks, trimOrder: (a, b) => ++asked > 3 ? NaN : byId(a, b) })
    const connections = openMany(8)

    expect(manager.planTrim().entries.map(({ connectionId }) => connectionId)).toEqual(ids(connections).slice(0, 6))
  })

  it('that contradicts itself still closes as many as needed', () => {
    fc.assert(fc.property(house, limits, fc.infiniteStream(fc.constantFrom(-1, 0, 1, Infinity, -Infinity)), (rows, limits, answers) => {
      const facts = factsOf(rows)
      const rules = { mode: 'normal', limits, gracePeriod: GRACE } as const
      const ranking = userRanking(facts, 'normal', () => answers.next().value as number, () => {})
      const { chosen } = chooseForTrim(facts, { ...rules, ranking }, NOW)

      expect(new Set(chosen.map(({ index }) => index)).size).toBe(chooseForTrim(facts, rules, NOW).chosen.length)
    }), { numRuns: 300 })
  })

  it('cannot choose whom the rules spare', async () => {
    const { manager, openMany } = mockHouse({ ...marks, trimOrder: (a, b) => b.value - a.value })
    const [precious, ...others] = openMany(4)
    manager.tagPeer(precious!.remotePeer, 'test', 100)
    manager.protect(precious!.remotePeer, 'mine')
    await manager.trimOpenConns()

    expect(precious!.status).toBe('open')
    expect(openOnes(others)).toHaveLength(1)
  })

  it('that asks for a plan in the middle of one gets it, and changes nothing', () => {
    let inside: TrimPlan | undefined
    let depth = 0
    const { manager, openMany, connections } = mockHouse({
      ...marks,
      trimOrder: (a, b) => {
        if (depth++ === 0) {
          manager.tagPeer(connections[5]!.remotePeer, 'worth', 9)
          inside = manager.planTrim()
          manager.untagPeer(connections[5]!.remotePeer, 'worth')
        }
        return byId(a, b)
      }
    })
    openMany(6)
    const first = manager.planTrim()

    expect(first.entries.map(({ connectionId, value }) => [connectionId, value])).toEqual(['c0005', 'c0004', 'c0003', 'c0002'].map(id => [id, 0]))
    expect(inside!.entries.map(({ connectionId, value }) => [connectionId, value])).toEqual([['c0005', 9], ['c0004', 0], ['c0003', 0], ['c0002', 0]])
    expect(manager.planTrim()).toEqual(first)
  })

  it('that calls the manager does no harm', async () => {
    const { manager, openMany, announceEnd, connections } = mockHouse({
      ...marks,
      trimOrder: (a, b) => {
        manager.tagPeer(a.peer, 'seen', 1)
        manager.planTrim.call(mockHouse().manager)
        return byId(a, b)
      }
    })
    openMany(4)
    await manager.trimOpenConns()

    expect(openOnes(connections)).toEqual(['c0000', 'c0001'])
    announceEnd(connections[0]!)
    expect(asConnection(connections[1]!).status).toBe('open')
  })
})
