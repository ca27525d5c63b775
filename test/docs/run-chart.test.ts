import { describe, expect, it } from 'vitest'
import { drawRun } from '../../docs/run-chart.ts'
import { textOf } from '../house/source.ts'
import type { Facts } from '../../src/cli/run-tally.ts'

/** A look at a node whose connections went over the mark and were trimmed, 100 ms after another one. */
function look (elapsed: number, facts: Partial<Facts>): Facts {
  const known = { peers: 2, connected: 2 }
  return { elapsed, open: 20, low: 20, high: 30, hardLimit: 60, opened: 0, peak: 0, denied: 0, deniedByReason: {}, deniedByAddress: {}, trims: 0, closed: 0, evicted: 0, protected: known, tagged: known, ...facts }
}

describe('the picture of a run', () => {
  const drawn = drawRun([
    look(0, { open: 0 }), look(500, { open: 37 }), look(600, { open: 20, trims: 1, closed: 17 }),
    look(1_000, { trims: 1, closed: 17, denied: 4, deniedByReason: { 'banned': 3, 'connection-limit': 1 } })
  ])

  it('shows both marks, each trim with what it closed, and the reasons of denials', () => {
    for (const words of ['low water 20', 'high water 30', 'trim: 17 closed', 'banned', 'connection-limit', 'protected, tagged']) expect(drawn).toContain(`>${words}</text>`)
  })

  it('stacks denials to the height of the most in a second', () => {
    const heights = [...drawn.matchAll(/<rect x="[^"]+" y="[^"]+" width="[^"]+" height="([\d.]+)"/g)].map(([, height]) => Number(height))
    expect(heights).toEqual([0, 19, 57])
  })

  it('is what the committed one was drawn by', () => {
    const labels = (svg: string): string[] => [...svg.matchAll(/>(low water \d+|high water \d+|Open connections|Denied per second)</g)].map(([, label = '']) => label)
    expect(labels(textOf('docs/run.svg'))).toEqual(labels(drawn))
  })
})
