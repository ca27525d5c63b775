import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { examplesIn, promises } from './examples.ts'
import { ReleasedPackage, mustRun, packageJson, run } from './released-package.ts'
import { ROOT } from './source.ts'

const doors = Object.keys(packageJson.exports).filter(door => door !== './package.json')
const released = new ReleasedPackage()

/** What a newcomer's compiler is set to by `tsc --init`, and the `types` that the README asks for. */
const NEWCOMER = {
  module: 'nodenext',
  target: 'esnext',
  types: ['node'],
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  strict: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  moduleDetection: 'force',
  skipLibCheck: true,
  noEmit: true
}

describe('the first ten minutes', () => {
  const readme = () => examplesIn('README.md', readFileSync(join(released.installed, 'README.md'), 'utf8'))
  /** What the page says to do first, but for the install itself, which has been done without a registry. */
  const installCommands = (): string[] => {
    const [, block = ''] = /\n## Install\n\n```sh\n([\s\S]*?)```/.exec(readFileSync(join(released.installed, 'README.md'), 'utf8')) ?? []
    return block.split('\n').filter(line => line !== '' && !line.startsWith('npm install '))
  }

  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(released.project, name)), { recursive: true })
    writeFileSync(join(released.project, name), content)
  }

  beforeAll(async () => {
    await released.pack()
    const [, named = ''] = /\(here `npm install ([^`]+)`\)/.exec(readFileSync(join(released.installed, 'README.md'), 'utf8')) ?? []

    released.install('@types/node', ...named.split(' '))
    for (const command of ['npm init -y', ...installCommands()]) await mustRun('bash', ['-c', command], released.project)
    write('tsconfig.json', JSON.stringify({ compilerOptions: NEWCOMER, include: ['*.ts', '*.cts'] }))
    readme().forEach(({ code }, at) => { write(`readme-${at}.ts`, `${code}\nexport {}\n`) })
    write('doors.ts', doors.map((door, at) => `import * as door${at} from '${join('libp2p-connmgr', door)}'\nconsole.log(door${at})\n`).join(''))
    write('doors.cts', doors.map((door, at) => `import door${at} = require('${join('libp2p-connmgr', door)}')\nconsole.log(door${at})\n`).join(''))
  }, 120_000)

  afterAll(() => { released.remove() })

  it('please a strict compiler', async () => {
    const { stdout } = await run(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '-p', released.project], released.project)
    expect(stdout).toBe('')
  }, 60_000)

  it('please a compiler that reads declarations, without types of Node', async () => {
    const { name } = /needs `(?<name>[\w.]+)` in `lib`/.exec(readFileSync(join(released.installed, 'README.md'), 'utf8'))?.groups ?? {}
    write('page/limiter.ts', 'import { connectionLimiter } from \'libp2p-connmgr/limiter\'\nconnectionLimiter()\n')
    write('page/tsconfig.json', JSON.stringify({ compilerOptions: { ...NEWCOMER, target: 'es2022', lib: ['es2022', 'dom', name], types: [], skipLibCheck: false } }))

    const { stdout } = await run(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '-p', join(released.project, 'page')], released.project)
    expect(stdout).toBe('')
  }, 60_000)

  it('end with examples that run as they are written', async () => {
    expect(readme().length).toBeGreaterThan(3)

    for (const [at, { code: example }] of readme().entries()) {
      const { code, stdout, stderr } = await run(process.execPath, [`readme-${at}.ts`], released.project)
      expect({ code, stderr, printed: stdout.split('\n').filter(line => line !== '') }).toEqual({ code: 0, stderr: '', printed: promises(example) })
    }
  }, 60_000)

  it('are told what is wrong where a name is', async () => {
    onTestFinished(() => { rmSync(join(released.project, 'typo.ts')) })
    write('typo.ts', 'import { connManager } from \'libp2p-connmgr\'\nconnManager({ lowWatr: 5 })\n')
    const { stdout } = await run(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '-p', released.project], released.project)

    expect(stdout).toMatch(/^typo\.ts\(2,15\): .*'lowWatr'.*Did you mean to write 'lowWater'/)
  }, 60_000)
})
