import { describe, expect, it } from 'vitest'
import { jsonReporter, lineReporter, tableReporter } from '../../src/cli/reporter.ts'
import { closingLines, openingLines, secondLine } from '../../src/cli/scoreboard.ts'
import type { Reporter, Write } from '../../src/cli/reporter.ts'
import type { Facts } from '../../src/cli/run-tally.ts'
import type { Closing, Opening } from '../../src/cli/scoreboard.ts'

const opening: Opening = { peerId: '12D3', addresses: ['/ip4/127.0.0.1/tcp/1'] }
const facts: Facts = {
  elapsed: 1_000,
  open: 3,
  low: 20,
  high: 30,
  hardLimit: 60,
  opened: 3,
  peak: 3,
  denied: 0,
  deniedByReason: {},
  deniedByAddress: {},
  trims: 0,
  closed: 0,
  evicted: 0,
  protected: { peers: 0, connected: 0 },
  tagged: { peers: 0, connected: 0 }
}
const closing: Closing = { ...facts, ended: 'signal', left: { open: 0, places: 0 } }

function told (reporterOf: (write: Write) => Reporter): string[] {
  const written: string[] = []
  const reporter = reporterOf(text => { written.push(text) })
  reporter.opening(opening)
  reporter.second(facts)
  reporter.second(facts)
  reporter.closing(closing)
  return written
}

describe('jsonReporter', () => {
  it('writes one object per line', () => {
    const written = told(jsonReporter)

    expect(written.map(line => JSON.parse(line))).toEqual([
      { type: 'start', ...opening },
      { type: 'second', ...facts },
      { type: 'second', ...facts },
      { type: 'summary', ...closing }
    ])
    expect(written.filter(line => line.indexOf('\n') !== line.length - 1)).toEqual([])
  })
})

describe('lineReporter', () => {
  it('writes one line per second between the opening and the closing', () => {
    expect(told(lineReporter)).toEqual([
      `${openingLines(opening).join('\n')}\n`,
      `${secondLine(facts)}\n`,
      `${secondLine(facts)}\n`,
      `${closingLines(closing).join('\n')}\n`
    ])
  })
})

describe('tableReporter', () => {
  const [, first = '', second = '', last = ''] = told(write => tableReporter(write, () => 20))

  it('draws the next table over the one before', () => {
    expect(first.startsWith('\u001B')).toBe(false)
    expect(second).toBe(`\u001B[5F\u001B[J${first}`)
  })

  it('leaves the closing lines alone on the screen', () => {
    expect(last).toBe(`\u001B[5F\u001B[J${closingLines(closing).join('\n')}\n`)
  })

  it('never draws a line that the terminal would wrap', () => {
    expect(first.split('\n').filter(line => line.length > 20)).toEqual([])
  })
})
