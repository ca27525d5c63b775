import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { ROOT, sourceFiles } from './source.ts'

interface PackageJson {
  readonly files: readonly string[]
  readonly scripts: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies: Readonly<Record<string, string>>
}

export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export const packageJson = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as PackageJson

/** Scripts of `npm pack` use the Node that runs this. */
const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter)

/**
 * The package as a user gets it: packed as for a release, unpacked into a project of its own beside the dependencies that it declares and
 * no others.
 */
export class ReleasedPackage {
  readonly #folder = mkdtempSync(join(tmpdir(), 'libp2p-connmgr-'))
  readonly tarball = join(this.#folder, 'package.tgz')
  readonly project = join(this.#folder, 'project')
  readonly installed = join(this.project, 'node_modules', 'libp2p-connmgr')

  /** Of a copy, because others use `dist/` meanwhile. */
  async pack (): Promise<void> {
    const copy = join(this.#folder, 'copy')
    const released = packageJson.files.filter(path => path !== 'dist').flatMap(pattern => sourceFiles(pattern))
    for (const path of ['package.json', 'README.md', 'tsconfig.json', 'tsconfig.build.json', ...released]) cpSync(ROOT + path, join(copy, path), { recursive: true })
    symlinkSync(`${ROOT}node_modules`, join(copy, 'node_modules'))

    const { stdout } = await mustRun('npm', ['pack', '--silent', '--pack-destination', this.#folder], copy)
    cpSync(join(this.#folder, stdout.trim().split('\n').at(-1) ?? ''), this.tarball)

    mkdirSync(this.installed, { recursive: true })
    await mustRun('tar', ['-xzf', this.tarball, '--strip-components', '1', '-C', this.installed], this.#folder)
    this.install(...Object.keys(packageJson.dependencies))
  }

  install (...names: readonly string[]): void {
    for (const name of names) {
      const place = join(this.project, 'node_modules', name)
      mkdirSync(dirname(place), { recursive: true })
      symlinkSync(`${ROOT}node_modules/${name}`, place)
    }
  }

  remove (): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** @returns how it went, whatever the exit code */
export async function run (command: string, args: readonly string[], cwd: string): Promise<Run> {
  return new Promise(resolve => {
    execFile(command, [...args], { cwd, timeout: 60_000, env: { ...process.env, PATH } }, (error, stdout, stderr) => {
      resolve({ code: error == null ? 0 : Number(error.code ?? -1), stdout, stderr })
    }).stdin?.end()
  })
}

export async function mustRun (command: string, args: readonly string[], cwd: string): Promise<Run> {
  const result = await run(command, args, cwd)
  if (result.code !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${result.stdout}${result.stderr}`)

  return result
}
