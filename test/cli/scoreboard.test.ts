import { describe, expect, it } from 'vitest'
import { bar, closingLines, openingLines, secondLine, table } from '../../src/cli/scoreboard.ts'
import type { Facts } from '../../src/cli/run-tally.ts'

const quiet: Facts = {
  elapsed: 1_004,
  open: 0,
  low: 20,
  high: 30,
  hardLimit: 60,
  opened: 0,
  peak: 0,
  denied: 0,
  deniedByReason: {},
  deniedByAddress: {},
  trims: 0,
  closed: 0,
  evicted: 0,
  protected: { peers: 0, connected: 0 },
  tagged: { peers: 0, connected: 0 }
}

const busy: Facts = {
  ...quiet,
  elapsed: 12_003,
  open: 24,
  opened: 61,
  peak: 34,
  denied: 45,
  deniedByReason: { 'connection-limit': 31, 'blocked-address': 14 },
  deniedByAddress: { '127.0.66.66': 31, '127.0.9.9': 14 },
  trims: 2,
  closed: 23,
  highestValueClosed: 0,
  protected: { peers: 2, connected: 2 },
  tagged: { peers: 10, connected: 9 }
}

describe('bar', () => {
  it.each([
    [0, '·······│···│···'],
    [1, '█······│···│···'],
    [10, '█████··│···│···'],
    [20, '███████┃···│···'],
    [30, '███████┃███┃···'],
    [35, '███████┃███┃██·'],
    [60, '█████┃█┃███████']
  ])('shows %d connections between the marks 20 and 30', (open, expected) => {
    expect(bar(open, 20, 30, 15)).toBe(expected)
  })
})

describe('secondLine', () => {
  it.each([
    [quiet, '  1s  open   0 (20 to 30)  opened 0  trims 0, closed 0  denied 0'],
    [{ ...quiet, evicted: 7 }, '  1s  open   0 (20 to 30)  opened 0  trims 0, closed 0  evicted 7  denied 0'],
    [busy, ' 12s  open  24 (20 to 30)  opened 61  trims 2, closed 23  denied 45: connection-limit 31, blocked-address 14  protected 2 of 2']
  ])('tells the facts in one line', (facts, expected) => {
    expect(secondLine(facts)).toBe(expected)
  })
})

describe('table', () => {
  it('shows the house against its marks, and who is kept', () => {
    expect(table(busy)).toEqual([
      `open         24  ${bar(24, 20, 30)} low 20, high 30, hard limit 60`,
      'opened       61  in 12 s, at most 34 at once',
      'trims         2  closed 23, of value 0 at most',
      'denied       45  connection-limit 31, blocked-address 14',
      '                 from 127.0.66.66 31, 127.0.9.9 14',
      'protected     2  2 connected',
      'tagged       10  9 connected'
    ])
  })

  it('shows evictions once there are any', () => {
    expect(table({ ...quiet, evicted: 7 })).toContain('evicted       7  for somebody worthier at the hard limit')
  })

  it('has no rows for peers that nobody named', () => {
    expect(table(quiet).slice(1)).toEqual([
      'opened        0  in 1 s, at most 0 at once',
      'trims         0',
      'denied        0',
      ''
    ])
  })
})

describe('openingLines', () => {
  it('say who visits', () => {
    expect(openingLines({ peerId: '12D3', addresses: ['/ip4/127.0.0.1/tcp/1'], visitors: { peers: 40, pid: 7 } })).toEqual([
      'Guarding 12D3',
      '  /ip4/127.0.0.1/tcp/1',
      'against 40 visitors, one address that floods and one that is blocked'
    ])
  })

  it('say how it ends when nobody was invited', () => {
    expect(openingLines({ peerId: '12D3', addresses: [] })).toContain('for peers of your own; Ctrl-C ends it')
  })
})

describe('closingLines', () => {
  it('sum the run up and tell what is left of it', () => {
    expect(closingLines({ ...busy, ended: 'duration', left: { open: 0, places: 0 } })).toEqual([
      'Stopped after 12 s (its time was over)',
      ...table(busy).slice(1),
      'left          0  0 connections, 0 places after the stop'
    ])
  })
})
