import { describe, expect, it } from 'vitest'
import { isNoisy, linesOf, once, per, quartiles, spread } from '../../benchmarks/support/figures.ts'
import { chartsOf, isChartOf, withSection } from '../../benchmarks/support/results.ts'
import type { Answer, Figure } from '../../benchmarks/support/figures.ts'
import type { Section } from '../../benchmarks/support/results.ts'

const figure: Figure = {
  name: 'choose',
  size: 1_000,
  unit: 'ms',
  ours: { p25: 1.9, p50: 2, p75: 2.2, samples: 30 },
  peers: { 'peer 1.0 & <more>': { p25: 90, p50: 100, p75: 180, samples: 4 } },
  floors: { 'a bare Map': once(0.5) },
  target: '≤ 3 ms'
}

const section = (name: string, answer: Partial<Answer> = {}): Section => ({ name, machine: 'a machine', records: [{ answer: { title: `About ${name}`, figures: [figure], ...answer } }] })

describe('figures', () => {
  it('have quartiles between the samples', () => {
    expect(quartiles([4, 1, 3, 2])).toEqual({ p25: 1.75, p50: 2.5, p75: 3.25, samples: 4 })
  })

  it('can be of one operation of many', () => {
    expect(per({ p25: 10, p50: 20, p75: 30, samples: [1, 2] }, 10)).toEqual({ p25: 1, p50: 2, p75: 3, samples: 2 })
  })

  it.each([
    [{ p25: 75, p50: 100, p75: 125 }, '±25 %'],
    [{ p25: 74, p50: 100, p75: 126 }, '±26 %, noisy'],
    [{ p25: 99, p50: 100, p75: 101, samples: 3 }, '±1 %, 3 samples'],
    [once(5), 'once']
  ])('%j are said to be %s', (stats, words) => {
    expect(spread(stats)).toBe(words)
    expect(isNoisy(stats)).toBe(words.includes('noisy'))
  })

  it('say in words which way round a ratio is', () => {
    const slow: Figure = { ...figure, ours: { p25: 300, p50: 400, p75: 500 } }
    const rate: Figure = { ...figure, unit: 'a second', ours: { p25: 30, p50: 50, p75: 55 } }

    expect(linesOf(figure).map(({ who, ratio }) => [who, ratio])).toEqual([['ours', ''], ['peer 1.0 & <more>', 'ours is 50 × faster'], ['floor: a bare Map', 'ours is 4 × it']])
    expect(linesOf(slow)[1]!.ratio).toBe('ours is 4 × slower')
    expect(linesOf(rate)[1]!.ratio).toBe('ours is 2 × fewer')
  })
})

describe('the page of results', () => {
  it('has a section for each benchmark, with machine, table and chart', () => {
    const page = withSection('', section('trim'))

    expect(page).toContain('## trim\n\na machine\n\n### About trim\n\n![About trim](charts/trim.1.svg)')
    expect(page).toContain('| choose | 1,000 | ours | 2 ms | ±8 % |  | ≤ 3 ms |')
    expect(page).toContain('|  |  | peer 1.0 & <more> | 100 ms | ±45 %, noisy, 4 samples | ours is 50 × faster |  |')
  })

  it('keeps the sections that were not measured again', () => {
    const before = withSection(withSection('', section('trim')), section('address'))
    const after = withSection(before, { ...section('trim'), machine: 'another one' })

    expect([...after.matchAll(/^## .*/gm)].map(String)).toEqual(['## address', '## trim'])
    expect(after).toContain('## address\n\na machine')
    expect(after).toContain('## trim\n\nanother one')
    expect(after.startsWith('# Results')).toBe(true)
  })

  it('stays the same when the same is written again', () => {
    const page = withSection(withSection('', section('trim')), section('address'))
    expect(withSection(page, section('trim'))).toBe(page)
  })

  it('shows tables that are no figures as they are', () => {
    const page = withSection('', { name: 'server', machine: 'a machine', records: [{ table: 'Pairs', rows: [{ a: 1, b: 'x|y' }, { a: 2 }] }] })
    expect(page).toContain('| a | b |\n|---|---|\n| 1 | x\\|y |\n| 2 |  |')
  })
})

describe('a chart', () => {
  const [bars] = chartsOf(section('trim')).values()
  const sizes = [10, 100, 1_000].map(size => ({ ...figure, size }))
  const [lines] = chartsOf(section('scaling', { figures: sizes, chart: 'lines' })).values()

  it.each([['bars', bars!], ['lines', lines!]])('of %s is well-formed, and escapes what it is given', (_, chart) => {
    expect(chart.startsWith('<svg ') && chart.endsWith('</svg>\n')).toBe(true)
    expect(chart).toContain('peer 1.0 &#38; &#60;more&#62;')
    expect(chart).not.toMatch(/NaN|Infinity|undefined/)
    expect(chart).toContain('prefers-color-scheme:dark')
  })

  it('has bars as long as their values, with room for the longest whisker', () => {
    const widths = [...bars!.matchAll(/class="bar [^"]*" x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width))
    expect(widths).toEqual([4.3, 216.7, 1.1])
  })

  it('has one line for each contestant, and log axes: what is flat is drawn flat', () => {
    const paths = [...lines!.matchAll(/class="line [^"]*" d="M([^"h]+)"/g)].map(([, path]) => path!.split('L').map(place => Number(place.split(' ')[1])))
    expect(paths).toHaveLength(3)
    for (const heights of paths) expect(new Set(heights).size).toBe(1)
  })

  it('belongs to one section only', () => {
    expect(isChartOf('limiter', 'limiter.1.svg')).toBe(true)
    expect(isChartOf('limiter', 'limiter-memory.1.svg')).toBe(false)
    expect(isChartOf('end-to-end --peers 5000', [...chartsOf(section('end-to-end --peers 5000')).keys()][0]!)).toBe(true)
  })

  it('is not drawn where nothing is compared', () => {
    const alone = section('trim', { figures: [{ name: 'choose', unit: 'ms', ours: once(2) }] })

    expect(chartsOf(alone).size).toBe(0)
    expect(withSection('', alone)).not.toContain('![')
  })
})
