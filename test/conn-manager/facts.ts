import fc from 'fast-check'
import { GUARD } from '../../src/conn-manager/trim-facts.ts'
import type { TrimFacts } from '../../src/conn-manager/trim-facts.ts'

export const NOW = 1_000_000
export const GRACE = 1_000

/** One connection, as a row. Whatever is not said is the same for all. */
export interface Row {
  readonly id?: string
  readonly value?: number
  readonly streams?: number
  readonly outbound?: boolean
  readonly redundant?: boolean
  readonly wideCrowd?: number
  readonly narrowCrowd?: number
  readonly openedAt?: number
  readonly guard?: keyof typeof GUARD
  readonly keepAlive?: boolean
}

/** Rows into columns. */
export function factsOf (rows: readonly Row[]): TrimFacts {
  return {
    size: rows.length,
    value: Float64Array.from(rows, row => row.value ?? 0),
    active: Uint8Array.from(rows, row => Math.min(row.streams ?? 0, 1)),
    streams: Int32Array.from(rows, row => row.streams ?? 0),
    outbound: Uint8Array.from(rows, row => Number(row.outbound ?? false)),
    redundant: Uint8Array.from(rows, row => Number(row.redundant ?? false)),
    wideCrowd: Int32Array.from(rows, row => row.wideCrowd ?? 1),
    narrowCrowd: Int32Array.from(rows, row => row.narrowCrowd ?? 1),
    openedAt: Float64Array.from(rows, row => row.openedAt ?? NOW - 10 * GRACE),
    guard: Uint8Array.from(rows, row => GUARD[row.guard ?? 'none']),
    keepAlive: Uint8Array.from(rows, row => Number(row.keepAlive ?? false)),
    readUse () {},
    readTies () {},
    connectionId: index => rows[index]!.id ?? `c${String(index).padStart(4, '0')}`
  }
}

/** The same before anybody asked: what is read of ties alone is not there yet, and what stands in its place is wrong. */
export function unreadFactsOf (rows: readonly Row[]): TrimFacts {
  const read = factsOf(rows)
  const wrong = Int32Array.from(rows, (_, index) => index * 7 % 11)
  const unread = { ...read, active: Uint8Array.from(wrong, value => value % 2), streams: wrong.slice(), wideCrowd: wrong.slice(), narrowCrowd: wrong.slice() }

  return {
    ...unread,
    readUse (items) {
      for (const item of items) {
        unread.active[item] = read.active[item]!
        unread.wideCrowd[item] = read.wideCrowd[item]!
      }
    },
    readTies (items) {
      for (const item of items) {
        unread.streams[item] = read.streams[item]!
        unread.narrowCrowd[item] = read.narrowCrowd[item]!
      }
    }
  }
}

/** Few different values, so that ties are common and every rule has its say. */
const row: fc.Arbitrary<Row> = fc.record({
  value: fc.constantFrom(-5, 0, 0, 1, 7),
  streams: fc.constantFrom(0, 0, 1, 2),
  outbound: fc.boolean(),
  redundant: fc.boolean(),
  wideCrowd: fc.constantFrom(1, 2, 9),
  narrowCrowd: fc.constantFrom(1, 2),
  openedAt: fc.constantFrom(NOW, NOW - 1, NOW - GRACE + 1, NOW - GRACE, NOW - GRACE - 1, NOW - 5 * GRACE),
  guard: fc.constantFrom('none', 'none', 'none', 'protected', 'trusted'),
  keepAlive: fc.boolean()
})

/** A house of up to 80 connections, each with an id of its own. */
export const house: fc.Arbitrary<Row[]> = fc.array(row, { maxLength: 80, size: 'max' })
  .map(rows => rows.map((row, index) => ({ ...row, id: `c${String(index).padStart(4, '0')}` })))

export const limits = fc.record({ lowWater: fc.integer({ min: 1, max: 60 }), outboundReserve: fc.integer({ min: 0, max: 20 }) })
