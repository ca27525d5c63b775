import { fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../clock/system-clock.ts'
import { isIntroduction } from './visitor-messages.ts'
import type { Introduction, Invitation, Welcome } from './visitor-messages.ts'
import type { ChildProcess } from 'node:child_process'

/** Runs beside this file in `src` as in `dist`. */
const ENTRY = fileURLToPath(new URL(`visitors${extname(import.meta.url)}`, import.meta.url))

/** The visitors leave at once when asked. This is for a machine too busy to let them. */
const LEAVE_WITHIN = 500

export interface VisitorProcess {
  readonly pid: number

  /** Rejects when the process ends before it has introduced anybody. */
  readonly introduction: Promise<Introduction>

  /** Settles when the process ends, however it does. */
  readonly ended: Promise<void>

  /** Lets the visitors dial. Does nothing once the process has ended. */
  welcome (): void

  /** Resolves once the process is gone. */
  stop (): Promise<void>
}

export function forkVisitors (invitation: Invitation): VisitorProcess {
  const child = fork(ENTRY, [JSON.stringify(invitation)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'exit').then(() => {})

  return {
    pid: child.pid ?? 0,
    introduction: introductionOf(child, ended),
    ended,
    welcome: () => { child.send({ kind: 'welcome' } satisfies Welcome, () => {}) },

    async stop () {
      if (child.connected) child.disconnect()
      const cancel = systemClock.after(LEAVE_WITHIN, () => { child.kill('SIGKILL') })

      await ended
      cancel()
    }
  }
}

async function introductionOf (child: ChildProcess, ended: Promise<void>): Promise<Introduction> {
  return new Promise((resolve, reject) => {
    child.on('message', message => {
      if (isIntroduction(message)) resolve(message)
    })
    ended.then(() => { reject(new Error('The visitors\' process ended before it had begun')) }, reject)
  })
}
