// Runs the benchmarks one after another, each in a process of its own, or those that are named, and writes what they found to results.md, with a chart
// for each answer. What was not run stays in results.md as it was.
//
//   npm run bench
//   npm run bench -- trim go
//   npm run bench -- end-to-end --peers 5000

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chartsOf, isChartOf, withSection } from './support/results.ts'
import type { Recorded } from './support/report.ts'
import type { Section } from './support/results.ts'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const PAGE = join(FOLDER, 'results.md')
const CHARTS = join(FOLDER, 'charts')
const BAD_NAME = 2

const known = globSync('*.ts', { cwd: FOLDER }).map(file => basename(file, '.ts')).filter(name => name !== 'run').sort()
const firstOption = process.argv.findIndex((arg, index) => index > 1 && arg.startsWith('-'))
const asked = process.argv.slice(2, firstOption === -1 ? undefined : firstOption)
const options = firstOption === -1 ? [] : process.argv.slice(firstOption)
const unknown = asked.filter(name => !known.includes(name))
const took = new Map<string, number>()

if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}: there are ${known.join(', ')}`)
  process.exitCode = BAD_NAME
} else {
  for (const name of asked.length > 0 ? asked : known) run(name)
  const slowest = [...took].sort(([, a], [, b]) => b - a).map(([name, seconds]) => `${name} ${seconds.toFixed(0)} s`)
  console.log(`\n${slowest.join(', ')}; ${[...took.values()].reduce((sum, seconds) => sum + seconds, 0).toFixed(0)} s in all`)
}

function run (name: string): void {
  console.log(`\n${name}`)
  const scratch = mkdtempSync(join(tmpdir(), 'bench-'))
  const figures = join(scratch, 'figures')
  const load = loadavg()[0]!
  const began = performance.now()

  // collections between samples are mitata's, and not an array of a gigabyte
  const { status } = spawnSync(process.execPath, ['--expose-gc', `${FOLDER}${name}.ts`, ...options], { stdio: 'inherit', env: { ...process.env, BENCH_FIGURES: figures } })
  took.set(name, (performance.now() - began) / 1_000)

  if (status !== 0) {
    console.error(`${name} failed`)
    process.exitCode = 1
  } else if (existsSync(figures)) {
    const records = readFileSync(figures, 'utf8').trim().split('\n').map(line => JSON.parse(line) as Recorded)
    write({ name: [name, ...options].join(' '), machine: machine(load, took.get(name)!), records })
  }
  rmSync(scratch, { recursive: true })
}

function write (section: Section): void {
  mkdirSync(CHARTS, { recursive: true })
  for (const file of readdirSync(CHARTS)) {
    if (isChartOf(section.name, file)) rmSync(join(CHARTS, file))
  }

  for (const [file, chart] of chartsOf(section)) writeFileSync(join(CHARTS, file), chart)
  writeFileSync(PAGE, withSection(existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '', section))
}

function machine (load: number, seconds: number): string {
  const [day] = new Date().toISOString().split('T')
  const gigabytes = Math.round(totalmem() / 2 ** 30)

  return `${day}, Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${gigabytes} GB; ` +
    `load before it ${load.toFixed(1)}; ${seconds.toFixed(0)} s`
}
