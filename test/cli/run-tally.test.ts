import { describe, expect, it } from 'vitest'
import { Counts } from '../../src/cli/counts.ts'
import { RunTally } from '../../src/cli/run-tally.ts'
import type { Readings } from '../../src/cli/run-tally.ts'
import type { TrimEntry } from '../../src/conn-manager/trim-contract.ts'

const nobody = { peers: 0, connected: 0 }
const readings: Readings = { elapsed: 1_000, open: 3, low: 2, high: 4, hardLimit: 8, protected: nobody, tagged: nobody }

function closing (...values: number[]): { closed: number, entries: TrimEntry[] } {
  return { closed: values.length, entries: values.map(value => ({ value }) as TrimEntry) }
}

describe('Counts', () => {
  it('gives the most frequent keys first, and those of one count by name', () => {
    const counts = new Counts()
    for (const key of ['b', 'a', 'c', 'c']) counts.add(key)

    expect(Object.entries(counts.top(2))).toEqual([['c', 2], ['a', 1]])
    expect(counts.total).toBe(4)
  })

  it('counts keys that find no place any more together, so that strangers cannot fill the memory', () => {
    const counts = new Counts()
    for (let i = 0; i < 1_500; i++) counts.add(`stranger-${i}`)

    expect(counts.top(1)).toEqual({ others: 500 })
    expect(Object.keys(counts.top(Infinity)).length).toBe(1_001)
  })
})

describe('RunTally', () => {
  it('starts with nothing but what is read off the node', () => {
    expect(new RunTally().facts(readings)).toEqual({
      ...readings, opened: 0, peak: 3, denied: 0, deniedByReason: {}, deniedByAddress: {}, trims: 0, closed: 0, evicted: 0
    })
  })

  it('remembers how many were open at once', () => {
    const tally = new RunTally()
    for (const open of [1, 5, 4]) tally.opened(open)

    expect(tally.facts(readings)).toMatchObject({ opened: 3, peak: 5 })
  })

  it('counts denials by reason and by address, or by key where there is no address', () => {
    const tally = new RunTally()
    tally.denied({ reason: 'connection-limit', ip: '127.0.0.2' })
    tally.denied({ reason: 'connection-limit', ip: '127.0.0.2', key: '127.0.0.2/32' })
    tally.denied({ reason: 'transport-limit', key: 'memory' })
    tally.denied({ reason: 'stopping' })

    expect(tally.facts(readings)).toMatchObject({
      denied: 4,
      deniedByReason: { 'connection-limit': 2, 'transport-limit': 1, 'stopping': 1 },
      deniedByAddress: { '127.0.0.2': 2, 'memory': 1, 'unknown': 1 }
    })
  })

  it('counts those that gave way, not those let in above the limit', () => {
    const tally = new RunTally()
    tally.evicted({ reason: 'displaced' })
    tally.evicted({ reason: 'admitted-above-limit' })

    expect(tally.facts(readings)).toMatchObject({ evicted: 1 })
  })

  it('adds up what trims closed and keeps the highest value among it', () => {
    const tally = new RunTally()
    for (const report of [closing(0, 50), closing(0), closing()]) tally.trimmed(report)

    expect(tally.facts(readings)).toMatchObject({ trims: 2, closed: 3, highestValueClosed: 50 })
  })
})
