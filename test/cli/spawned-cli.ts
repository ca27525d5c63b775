import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** The command as a user starts it, with its output in a pipe. */
export interface SpawnedCli {
  readonly process: ChildProcess

  /** Resolves with the first line that `matches`. */
  line (matches: (line: string) => boolean): Promise<string>

  /** Resolves once the process is gone. */
  readonly result: Promise<CliResult>
}

export interface CliResult {
  /** Null for a process that a signal killed. */
  readonly code: number | null
  readonly lines: readonly string[]
  readonly stderr: string
}

export function spawnCli (...args: string[]): SpawnedCli {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const stdout = createInterface(child.stdout)
  const lines: string[] = []
  const exited = Promise.all([once(child, 'close'), text(child.stderr)])

  stdout.on('line', line => { lines.push(line) })

  return {
    process: child,

    line: async matches => new Promise((resolve, reject) => {
      stdout.on('line', line => { if (matches(line)) resolve(line) })
      exited.then(([, stderr]) => { reject(new Error(`It ended without that line: ${stderr}`)) }, reject)
    }),

    result: exited.then(([[code], stderr]) => ({ code: code as number | null, lines, stderr }))
  }
}

export function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
