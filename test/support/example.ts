import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

export const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

export interface RunningExample {
  /** The first line that has `text` in it, once it is printed. */
  saw (text: string): Promise<string>

  /** To its standard input. */
  type (line: string): void

  /** Asks it to end as an operator would. @returns its exit code and what it complained of */
  stop (): Promise<Ending>
  readonly ended: Promise<Ending>
}

export interface Ending {
  readonly code: number | null
  readonly complaints: string
}

export interface ExampleOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** As a reader would start it; it ends with the test. */
export function startExample (path: string, { args = [], env = {} }: ExampleOptions = {}): RunningExample {
  const child = spawn(process.execPath, ['--conditions=source', `${EXAMPLES}${path}`, ...args], { env: { ...process.env, ...env } })
  const lines: string[] = []
  let complaints = ''

  onTestFinished(() => { child.kill('SIGKILL') })
  createInterface({ input: child.stdout }).on('line', line => { lines.push(line) })
  child.stderr.on('data', (piece: Buffer) => { complaints += String(piece) })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, complaints }))

  async function saw (text: string): Promise<string> {
    const find = (): string | undefined => lines.find(line => line.includes(text))
    const what = (): string => `${path} prints ${JSON.stringify(text)}`

    await until(what(), () => {
      if (find() == null && child.exitCode != null) throw new Error(`${what()}: it ended with ${child.exitCode} after ${JSON.stringify(lines)} ${complaints}`)
      return find() != null
    }, 20_000)

    return find()!
  }

  return {
    saw,
    ended,
    type: line => { child.stdin.write(`${line}\n`) },
    stop: async () => {
      child.kill('SIGTERM')
      return ended
    }
  }
}
