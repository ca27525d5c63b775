import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'

/** Debian's package of each program, as it is called there. */
const PACKAGES = { nginx: 'nginx-light', haproxy: 'haproxy', slowhttptest: 'slowhttptest', wrk: 'wrk', h2load: 'nghttp2-client' } as const
export type Program = keyof typeof PACKAGES

/** Says so in the output when the program is not there, and what to install. */
export function isMissing (program: Program): boolean {
  const isThere = spawnSync('sh', ['-c', `command -v ${program} /usr/sbin/${program}`]).status === 0
  if (!isThere) console.log(`Skipped: ${program} is not installed (Debian: apt-get install ${PACKAGES[program]})`)
  return !isThere
}

export interface Output {
  readonly text: string
  readonly status: number | null
}

/** Runs it to its end; a test that is over takes it along. */
export async function runProgram (program: Program, args: readonly string[]): Promise<Output> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  const collect = (piece: Buffer): void => { text += String(piece) }

  onTestFinished(() => { child.kill('SIGKILL') })
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const [status] = await once(child, 'close') as [number | null]
  return { text, status }
}

/** Starts a server with a configuration, on a free port, for as long as the test. */
export async function startServer (program: 'nginx' | 'haproxy', configure: (port: number, folder: string) => string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), `connmgr-${program}-`))
  const port = await freePort()
  const file = join(folder, 'conf')
  writeFileSync(file, configure(port, folder))
  const args = { nginx: ['-p', folder, '-c', file, '-e', join(folder, 'error.log')], haproxy: ['-db', '-q', '-f', file] }[program]
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` } })

  onTestFinished(async () => {
    const exited = child.exitCode == null ? once(child, 'exit') : undefined
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  })
  await until(`${program} listens`, async () => isListening(port))
  return port
}

async function isListening (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.255.255.1' })
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => { resolve(false) })
  })
}
