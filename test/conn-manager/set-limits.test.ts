import { describe, expect, it } from 'vitest'
import { heard, mockHouse, next } from '../support/mock-house.ts'
import type { Limits } from '../../src/index.ts'

const SECOND = 1_000
const marks = { lowWater: 5, highWater: 10, hardLimit: 20, outboundReserve: 2, gracePeriod: 0, silencePeriod: 10 * SECOND }
const marksOf = ({ lowWater, highWater, hardLimit, outboundReserve }: Limits): Limits => ({ lowWater, highWater, hardLimit, outboundReserve })

describe('setLimits', () => {
  it.each<[string, Partial<Limits>, Partial<Limits>]>([
    ['nothing', {}, {}],
    ['one mark, the others stay', { lowWater: 7 }, { lowWater: 7 }],
    ['all of them', { lowWater: 1, highWater: 2, hardLimit: 3, outboundReserve: 0 }, { lowWater: 1, highWater: 2, hardLimit: 3, outboundReserve: 0 }],
    ['a mark that is given as undefined stays', { highWater: undefined } as unknown as Partial<Limits>, {}],
    ['no high mark', { highWater: Infinity, hardLimit: Infinity }, { highWater: Infinity, hardLimit: Infinity }]
  ])('changes %s', (_, given, changed) => {
    const { manager } = mockHouse(marks)
    manager.setLimits(given)

    expect(marksOf(manager.getInfo())).toEqual(marksOf({ ...marks, ...changed }))
  })

  it.each<[Partial<Limits>, string]>([
    [{ lowWater: 11 }, 'Could not set the watermarks: highWater must be at least lowWater (11), it was not given, and is 10'],
    [{ lowWater: 0 }, 'Could not set lowWater: it must be a whole number of at least 1, received 0'],
    [{ highWater: 21 }, 'Could not set the watermarks: hardLimit must be at least highWater (21), it was not given, and is 20'],
    [{ highWater: 4.5 }, 'Could not set highWater: it must be a whole number of at least 1, received 4.5'],
    [{ hardLimit: 9 }, 'Could not set the watermarks: hardLimit must be at least highWater (10, which was not given), received 9'],
    [{ lowWater: 4, highWater: 9, outboundReserve: 20 }, 'Could not set the watermarks: outboundReserve must be below hardLimit (20, which was not given), received 20'],
    [{ lowWater: 1, highWater: NaN }, 'Could not set highWater: it must be a whole number of at least 1, received NaN']
  ])('refuses %j and changes nothing', (given, message) => {
    const { manager, clock } = mockHouse(marks)
    manager.start()

    expect(() => { manager.setLimits(given) }).toThrow(expect.objectContaining({ name: 'InvalidLimitError', message }))
    expect(marksOf(manager.getInfo())).toEqual(marksOf(marks))
    expect(clock.pending).toBe(0)
  })

  it.each<[unknown, string]>([
    [{ highwater: 5 }, 'Could not use the option limits: it must be an object whose keys are among lowWater, highWater, hardLimit, outboundReserve, received "highwater"'],
    [5, 'Could not use the option limits: it must be an object, received 5']
  ])('refuses %j, which names no mark', (given, message) => {
    const { manager } = mockHouse(marks)

    expect(() => { manager.setLimits(given as Partial<Limits>) }).toThrow(expect.objectContaining({ name: 'InvalidOptionError', message }))
    expect(marksOf(manager.getInfo())).toEqual(marksOf(marks))
  })

  it('lowering a watermark makes a trim due at once', async () => {
    const { manager, openMany, clock } = mockHouse(marks)
    manager.start()
    openMany(10)
    manager.setLimits({ lowWater: 2, highWater: 9 })
    const trimmed = next(manager, 'trim')
    clock.advance(0)

    await expect(trimmed).resolves.toMatchObject({ closed: 8, target: 2 })
  })

  it('lowering a watermark waits for the silence', async () => {
    const { manager, openMany, clock } = mockHouse(marks)
    manager.start()
    await manager.trimOpenConns()
    openMany(10)
    manager.setLimits({ highWater: 9 })
    const trims = heard(manager, 'trim')
    clock.advance(10 * SECOND - 1)
    await Promise.resolve()
    expect(trims).toEqual([])

    const trimmed = next(manager, 'trim')
    clock.advance(1)
    await expect(trimmed).resolves.toMatchObject({ closed: 5 })
  })

  it('lowering a watermark waits for grace', async () => {
    const { manager, openMany, clock } = mockHouse({ ...marks, gracePeriod: 60 * SECOND })
    manager.start()
    openMany(10)
    manager.setLimits({ highWater: 9 })
    const empty = next(manager, 'trim')
    clock.advance(0)
    await expect(empty).resolves.toMatchObject({ closed: 0 })

    const trimmed = next(manager, 'trim')
    clock.advance(60 * SECOND)
    await expect(trimmed).resolves.toMatchObject({ closed: 5 })
  })

  it('lowering the hard limit alone closes nothing', () => {
    const { manager, openMany, clock } = mockHouse(marks)
    manager.start()
    openMany(10)
    manager.setLimits({ hardLimit: 10 })

    expect(clock.pending).toBe(0)
    expect(manager.getInfo().connCount).toBe(10)
  })

  it('raising the high mark takes back a trim that was due', () => {
    const { manager, openMany, clock } = mockHouse(marks)
    manager.start()
    openMany(11)
    expect(clock.pending).toBe(1)
    manager.setLimits({ highWater: 11 })

    expect(clock.pending).toBe(0)
  })
})
