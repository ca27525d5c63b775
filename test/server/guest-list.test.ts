import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GuestList } from '../../src/server/guest-list.ts'
import type { Guest } from '../../src/server/guest.ts'

const guests = Array.from({ length: 8 }, () => ({ place: -1 }) as Guest)

describe('the list of who is in', () => {
  it('is a Set, through any coming and going', () => {
    fc.assert(fc.property(fc.array(fc.record({ guest: fc.nat({ max: 7 }), comes: fc.boolean() }), { maxLength: 200, size: 'max' }), steps => {
      const list = new GuestList()
      const model = new Set<Guest>()

      for (const { guest: at, comes } of steps) {
        const guest = guests[at]!

        if (!comes) {
          expect(list.delete(guest)).toBe(model.delete(guest))
        } else if (!model.has(guest)) {
          list.add(guest)
          model.add(guest)
        }

        expect(list.size).toBe(model.size)
        expect(guests.map(one => list.has(one))).toEqual(guests.map(one => model.has(one)))
      }

      expect(new Set(list)).toEqual(model)
      for (const guest of guests) list.delete(guest)
    }), { numRuns: 300 })
  })

  it('lets those leave who are being looked at', () => {
    const list = new GuestList()
    for (const guest of guests) list.add(guest)
    for (const guest of list) list.delete(guest)

    expect([list.size, ...list]).toEqual([0])
  })
})
