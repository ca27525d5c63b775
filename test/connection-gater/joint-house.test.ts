import { describe, expect, it } from 'vitest'
import { jointHost } from '../../src/connection-gater/joint-house.ts'
import { ALICE, bench, BOB, connectionOver, enter, FakeHouse, socket } from './kit.ts'
import type { GateHost } from '../../src/limiter/ports.ts'

const host = (isAllowed: boolean): GateHost => ({ isAllowed: () => isAllowed, upgradeTimeout: 10_000 })

describe('a gater in two nodes', () => {
  it('asks neither house for a place: whose a connection is shows when it opens', () => {
    const { gater, gate } = bench()
    const houses = [new FakeHouse(), new FakeHouse()] as const
    for (const house of houses) gate.attach(house)
    houses[1].full = true

    expect(enter(gater, socket(), ALICE)).toBe('open')
    expect(houses.map(({ log }) => log)).toEqual([[], []])
  })

  it('spares whom one of them protects or allows, and tells both of lost trust', async () => {
    const { gater, gate } = bench({ trust: [ALICE] })
    const houses = [new FakeHouse(), new FakeHouse()] as const
    const isExempt = (): boolean => gate.isExempt(connectionOver(socket(), BOB))
    gate.attach(houses[0], host(false))
    const endOther = gate.attach(houses[1], host(true))
    expect(isExempt()).toBe(true)

    gate.attach(houses[1], host(false))
    expect(isExempt()).toBe(false)

    houses[0].protectedPeers.add(BOB.toString())
    await gater.untrustPeer(ALICE)
    expect([isExempt(), ...houses.map(({ log }) => log)]).toEqual([true, ['trust lost'], ['trust lost']])
    endOther()
  })

  it('gives an upgrade as long as the more patient one does', () => {
    expect(jointHost([10_000, 30_000, 20_000].map(upgradeTimeout => ({ ...host(false), upgradeTimeout }))).upgradeTimeout).toBe(30_000)
  })

  it('asks the one that is left when the other ends, and none after both', () => {
    const { gater, gate } = bench()
    const houses = [new FakeHouse(), new FakeHouse()] as const
    const [endFirst, endSecond] = houses.map(house => gate.attach(house)) as [() => void, () => void]
    endSecond()
    endSecond()
    enter(gater, socket(), ALICE)
    expect(houses.map(({ log }) => log)).toEqual([['accept', 'reserve inbound', 'take'], []])

    endFirst()
    enter(gater, socket(), ALICE)
    expect(houses[0].log).toHaveLength(3)
  })
})
