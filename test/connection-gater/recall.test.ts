import { describe, expect, it } from 'vitest'
import { ALICE, bench, BOB, FakeHouse, NOTHING, socket } from './kit.ts'
import type { Bench, Socket } from './kit.ts'
import type { ConnectionGaterInit } from '../../src/index.ts'

interface Losing extends Bench {
  readonly house: FakeHouse
  readonly one: Socket

  /** What the peer store says is known now. */
  readonly recalled: () => void
}

/** Somebody at *secured* of a full house that has to look him up. */
function losing (init: ConnectionGaterInit = {}): Losing {
  const made = bench(init)
  const house = new FakeHouse()
  const { promise, resolve } = Promise.withResolvers<void>()
  const one = socket()

  house.recalled = promise
  made.gate.attach(house)
  made.gater.denyInboundConnection(one)
  house.full = true
  return { ...made, house, one, recalled: resolve }
}

describe('a loser at the full house', () => {
  it('is asked about once more when the peer store has been read, and may come in', async () => {
    const { gater, house, one, recalled } = losing()
    const answer = gater.denyInboundEncryptedConnection(ALICE, one)
    expect(gater.inspect().denials).toEqual({})

    house.full = false
    recalled()
    expect(await answer).toBe(false)
    expect(house.log).toEqual(['accept', 'reserve inbound', 'recall', 'reserve inbound'])
    expect(gater.denyInboundUpgradedConnection(ALICE, one)).toBe(false)
    expect(house.log.at(-1)).toBe('take')

    one.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('is refused once, where that changes nothing, and read about no more', async () => {
    const { gater, house, one, recalled, denials } = losing()
    const answer = gater.denyInboundEncryptedConnection(ALICE, one)
    recalled()

    expect(await answer).toBe(true)
    expect(house.log).toEqual(['accept', 'reserve inbound', 'recall', 'reserve inbound'])
    expect(denials.map(({ reason }) => reason)).toEqual(['hard-limit'])
    expect(one.status).toBe('aborted')
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('who dies meanwhile takes no place', async () => {
    const { gater, house, one, recalled, denials } = losing()
    const answer = gater.denyInboundEncryptedConnection(ALICE, one)
    house.full = false
    one.die()
    recalled()

    expect(await answer).toBe(true)
    expect(house.log).toEqual(['accept', 'reserve inbound', 'recall'])
    expect(denials.map(({ reason }) => reason)).toEqual(['not-open'])
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('who is blocked meanwhile stays out', async () => {
    const { gater, house, one, recalled } = losing()
    const answer = gater.denyInboundEncryptedConnection(ALICE, one)
    house.full = false
    await gater.blockPeer(ALICE)
    recalled()

    expect(await answer).toBe(true)
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('is shown to the user\'s own gater when it is a loser no more', async () => {
    const asked: string[] = []
    const also = { denyInboundEncryptedConnection: () => asked.push('secured') === 0 }
    const { gater, house, one, recalled } = losing({ also })
    const answer = gater.denyInboundEncryptedConnection(ALICE, one)
    expect(asked).toEqual([])

    house.full = false
    recalled()
    expect(await answer).toBe(false)
    expect(asked).toEqual(['secured'])
  })
})

describe('nothing is read', () => {
  it('of one who is refused for another reason', async () => {
    const { gater, house, one } = losing()
    await gater.blockPeer(ALICE, { closeExisting: false })

    expect(gater.denyInboundEncryptedConnection(ALICE, one)).toBe(true)
    expect(house.log).not.toContain('recall')
  })

  it('at other stages, or where the house has nothing to recall', () => {
    const { gater, house, one } = losing()
    house.recalled = undefined

    expect(gater.denyInboundEncryptedConnection(BOB, one)).toBe(true)
    expect(house.log).toEqual(['accept', 'reserve inbound'])
  })
})
