// Are we as fast as Go? The same operations by go-libp2p and go-connlimit, in a Go program of ours (benchmarks/go), turn and turn about with ours in one
// run: Go, ours, ours, Go. Without Go, or where its modules cannot be had, it says so and ends.
//
//   npm run bench -- go

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once, per, quartiles } from './support/figures.ts'
import { OF_WHICH, oursBesideGo } from './support/ours-beside-go.ts'
import { report } from './support/report.ts'
import type { Figure, Stats, Unit } from './support/figures.ts'
import type { Measured } from './support/ours-beside-go.ts'

const FOLDER = fileURLToPath(new URL('./go/', import.meta.url))

/** Targets of the project, by operation and size. */
const TARGETS: Readonly<Record<string, string>> = {
  'trim, decision 10000': '≥ 5 × faster',
  'trim, decision 100000': '≥ 10 × faster',
  'tag 10000': 'as fast',
  'info 10000': 'as fast',
  'connect and disconnect 10000': 'as fast',
  'accept and release 1': 'faster',
  'accept and release 100000': 'faster'
}

/** What ours is called where Go has one operation and we show two. */
const SAME_WORK: Readonly<Record<string, string>> = {
  'trim, decision': 'trim',
  'trim, with closing': 'trim',
  'accept and release, address parsed before': 'accept and release'
}

interface Answered {
  readonly go: string
  readonly modules: Readonly<Record<string, string>>
  readonly figures: ReadonlyArray<{ readonly name: string, readonly size: number, readonly unit: string, readonly samples: readonly number[] }>
}

const scratch = mkdtempSync(join(tmpdir(), 'bench-go-'))

try {
  const program = build()
  if (program != null) await compare(program)
} finally {
  rmSync(scratch, { recursive: true })
}

function build (): string | undefined {
  const program = join(scratch, 'peers')

  try {
    execFileSync('go', ['build', '-mod=readonly', '-trimpath', '-o', program, '.'], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'pipe'], timeout: 240_000 })
    return program
  } catch (error) {
    const { code, stderr } = error as { code?: string, stderr?: Buffer }
    const why = code === 'ENOENT' ? 'it is not installed' : `the program does not build: ${stderr?.toString().trim().split('\n').at(-1) ?? String(code)}`
    console.log(`Not compared with Go: ${why}`)
    return undefined
  }
}

function run (program: string): Answered {
  return JSON.parse(execFileSync(program, { encoding: 'utf8', maxBuffer: 2 ** 26 })) as Answered
}

async function compare (program: string): Promise<void> {
  const first = run(program)
  const ours = [await oursBesideGo(), await oursBesideGo()]
  const theirs = [first, run(program)]
  const figures = [...ours[0]!.values()].map(({ name, size, unit }): Figure => {
    const divisor = unit === 'ns' && name.startsWith('trim') ? 1e6 : 1
    const label = labelOf(first, name)

    return {
      name,
      size,
      unit: (divisor === 1 ? unit : 'ms') as Unit,
      ours: pooled(ours.map(all => all.get(`${name} ${size}`)!), divisor),
      peers: name === OF_WHICH ? {} : { [label]: pooled(theirs.map(({ figures }) => figures.find(one => one.name === (SAME_WORK[name] ?? name) && one.size === size)!), divisor) },
      target: TARGETS[`${name} ${size}`] ?? ''
    }
  })

  report({
    title: `the same operations, ours in Node ${process.version} and theirs in ${first.go}`,
    figures,
    notes: [
      'Go\'s trim closes connections whose close does nothing, as ours "with closing" does; ours returns a plan with a reason for each, too.',
      'At a connect Go\'s reads no address and counts no prefix; what ours takes for that, on the same newcomers, is a line of its own.',
      'Go\'s info has the text of the connection\'s address in it, ours the connection\'s id.',
      'A connection through the gate is, for Go, the resource manager\'s OpenConnection and Done: its connLimiter is private. Ours is the gater\'s accept and the socket\'s close; both without rates.'
    ]
  })
}

function labelOf ({ modules }: Answered, name: string): string {
  const module = name.startsWith('accept') || name === 'refuse' ? 'github.com/hashicorp/go-connlimit' : 'github.com/libp2p/go-libp2p'

  return `${module.split('/').at(-1)} ${modules[module]}`
}

function pooled (rounds: readonly Pick<Measured, 'samples'>[], divisor: number): Stats {
  const all = rounds.flatMap(({ samples }) => samples)

  return rounds.every(({ samples }) => samples.length === 1) ? once(quartiles(all).p50 / divisor) : per(quartiles(all), divisor)
}
