import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pagesFrom } from './links.ts'
import { findOlderNode } from './older-node.ts'
import { ReleasedPackage, packageJson, run } from './released-package.ts'
import { sourceFiles } from './source.ts'

const NODE_PACKAGES = ['libp2p', '@libp2p/tcp', '@libp2p/websockets', '@libp2p/noise', '@libp2p/yamux', '@libp2p/identify', '@libp2p/ping']

const doors = Object.keys(packageJson.exports).filter(door => door !== './package.json')
const olderNode = await findOlderNode()

if (olderNode == null) console.log('There is no Node older than 22 on the path: what happens there was not tried')

const released = new ReleasedPackage()

async function importing (node: string, door: string): ReturnType<typeof run> {
  const code = `console.log(Object.keys(await import('${join('libp2p-connmgr', door)}')).join())`
  return run(node, ['--input-type=module', '--eval', code], released.project)
}

beforeAll(async () => { await released.pack() }, 120_000)
afterAll(() => { released.remove() })

describe('the released package', () => {
  it('has an export for every door', () => {
    const names = sourceFiles('src/*.ts').filter(path => path !== 'src/cli.ts').map(path => path.replace(/^src\/(.+)\.ts$/, './$1'))
    expect(doors.toSorted()).toEqual(names.map(name => name === './index' ? '.' : name).toSorted())
  })

  it.each(doors)('can be imported as %s with the dependencies it declares', async door => {
    const { code, stdout, stderr } = await importing(process.execPath, door)

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^\w+(,\w+)*\n$/)
  })

  it.each(doors)('can be required as %s', async door => {
    const { code, stdout, stderr } = await run(process.execPath, ['--input-type=commonjs', '--eval', `console.log(Object.keys(require('${join('libp2p-connmgr', door)}')).join())`], released.project)

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe((await importing(process.execPath, door)).stdout)
  })

  it('has every page, picture and folder that its README leads to', () => {
    const pages = pagesFrom('README.md', released.installed)

    expect(pages).toEqual(expect.arrayContaining(['docs/security-model.md', 'docs/run.svg', 'benchmarks/results.md', 'benchmarks/charts/trim.1.svg']))
    expect(['examples/', ...pages].filter(page => !existsSync(join(released.installed, page)))).toEqual([])
  })

  it('has both licences, the changelog and no tests', async () => {
    const { stdout } = await run('tar', ['-tzf', released.tarball], released.project)

    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['package/LICENSE-APACHE', 'package/LICENSE-MIT', 'package/CHANGELOG.md', 'package/README.md']))
    expect(stdout).not.toMatch(/^package\/(test|node_modules)\/|^package\/(benchmarks|docs)\/.*\.ts$/m)
  })

  it.skipIf(olderNode == null)('says in one sentence that it needs a newer Node', async () => {
    const { code, stderr } = await importing(olderNode!, '.')

    expect(code).toBe(1)
    expect(stderr).toMatch(/^Error: libp2p-connmgr needs Node\.js 22 or newer, or a browser of 2024 or newer: this is Node\.js \d+\.\d+\.\d+$/m)
  })
})

describe('the released command', () => {
  const command = join(released.installed, 'dist', 'cli.js')

  it('can be started by its name', async () => {
    const { stdout } = await run('tar', ['-tvzf', released.tarball], released.project)

    expect(stdout.split('\n').find(line => line.endsWith(' package/dist/cli.js'))).toMatch(/^-rwxr-xr-x /)
    expect(readFileSync(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('helps', async () => {
    await expect(run(process.execPath, [command, '--help'], released.project)).resolves.toMatchObject({ code: 0, stderr: '' })
  })

  it('names what has to be installed for it', async () => {
    const { code, stderr } = await run(process.execPath, [command, '--duration', '1s'], released.project)

    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`npm install ${NODE_PACKAGES.join(' ')}\n`) })
  })

  it('does its job with that', async () => {
    released.install(...NODE_PACKAGES)
    const { code, stdout, stderr } = await run(process.execPath, [command, '--duration', '1500ms', '--peers', '3'], released.project)

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('Stopped after 1.5 s')
  })
})
