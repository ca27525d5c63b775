// Runs the benchmarks one after another, each in a process of its own, or those that are named.
//
//   npm run bench
//   npm run bench -- address

import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const BAD_NAME = 2

const known = globSync('*.ts', { cwd: FOLDER }).map(file => basename(file, '.ts')).filter(name => name !== 'run').sort()
const asked = process.argv.slice(2)
const unknown = asked.filter(name => !known.includes(name))

if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}: there are ${known.join(', ')}`)
  process.exitCode = BAD_NAME
} else {
  for (const name of asked.length > 0 ? asked : known) run(name)
}

function run (name: string): void {
  console.log(`\n${name}`)
  const { status } = spawnSync(process.execPath, [`${FOLDER}${name}.ts`], { stdio: 'inherit' })

  if (status !== 0) {
    console.error(`${name} failed`)
    process.exitCode = 1
  }
}
