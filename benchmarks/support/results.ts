import { barChart, isCompared } from './bar-chart.ts'
import { linesOf } from './figures.ts'
import { lineChart } from './line-chart.ts'
import type { Answer, Line } from './figures.ts'
import type { Recorded } from './report.ts'

/** What one benchmark found, and where. */
export interface Section {
  /** As it is asked for: `trim`, or `end-to-end --peers 5000`. */
  readonly name: string
  readonly machine: string
  readonly records: readonly Recorded[]
}

const HEAD = `# Results

Written by \`npm run bench\`; [README.md](README.md) says what is measured and how to read it. Absolute times belong to the machine and
its neighbours: compare within one table. A spread of more than half of its median is called noisy.
`

const HEADINGS: ReadonlyArray<readonly [keyof Line, string]> = [
  ['operation', 'operation'], ['size', 'size'], ['who', 'who'], ['median', 'median'], ['spread', 'quartiles'], ['ratio', 'ratio'], ['target', 'target']
]

/** The charts of a section by file name, in the order of its answers. */
export function chartsOf ({ name, records }: Section): ReadonlyMap<string, string> {
  const charts = new Map<string, string>()

  for (const [index, record] of records.entries()) {
    if ('answer' in record && hasChart(record.answer)) charts.set(chartName(name, index), draw(record.answer))
  }
  return charts
}

/** Whether a chart was drawn for this section, in this run or in an earlier one. */
export function isChartOf (name: string, file: string): boolean {
  return file.replace(/\.\d+\.svg$/, '') === slug(name)
}

/** The page with this section in its place; the other sections stay as they were measured. */
export function withSection (page: string, section: Section): string {
  const sections = new Map(page.split(/^(?=## )/m).slice(1).map(text => [text.slice(3, text.indexOf('\n')), text.trim()]))
  sections.set(section.name, sectionText(section))

  return `${[HEAD.trim(), ...[...sections.keys()].sort().map(name => sections.get(name)!)].join('\n\n')}\n`
}

function sectionText (section: Section): string {
  const { name, machine, records } = section
  return [`## ${name}`, machine, ...records.map((record, index) => recordText(name, record, index))].join('\n\n')
}

function recordText (name: string, record: Recorded, index: number): string {
  if (!('answer' in record)) {
    const columns = [...new Set(record.rows.flatMap(row => Object.keys(row)))]
    const rows = record.rows as ReadonlyArray<Record<string, unknown>>
    return [`### ${record.table}`, table(columns, rows.map(row => columns.map(column => String(row[column] ?? ''))))].join('\n\n')
  }

  const { title, figures, notes = [] } = record.answer
  const rows = figures.flatMap(linesOf).map(line => HEADINGS.map(([key]) => line[key]))
  return [
    `### ${title}`,
    ...hasChart(record.answer) ? [`![${title}](charts/${chartName(name, index)})`] : [],
    table(HEADINGS.map(([, heading]) => heading), rows),
    ...notes
  ].join('\n\n')
}

function table (headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`

  return [line(headings), `|${headings.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

function chartName (name: string, index: number): string {
  return `${slug(name)}.${index + 1}.svg`
}

function slug (name: string): string {
  return name.replace(/[^a-z0-9]+/g, '-')
}

function hasChart ({ chart, figures }: Answer): boolean {
  return chart === 'lines' || figures.some(isCompared)
}

function draw (answer: Answer): string {
  return answer.chart === 'lines' ? lineChart(answer) : barChart(answer)
}
