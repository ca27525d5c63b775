import { deny } from '../limiter/denial.ts'
import { checkRecord } from '../limiter/options.ts'
import { withDeadline } from '../clock/deadline.ts'
import { isThenable } from '../limiter/thenable.ts'
import { QuietLog } from './quiet-log.ts'
import type { CheckOptions } from './config.ts'
import type { Clock } from '../clock/clock.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { ConnectionGater as Libp2pConnectionGater, Logger } from '@libp2p/interface'

export type Hook = keyof Libp2pConnectionGater

/** Undefined allows. */
export type Answer = Denied | undefined

const DENIED = deny({ action: 'close', reason: 'denied-by-user' })
const FAILED = deny({ action: 'close', reason: 'check-failed' })

/**
 * The user's own gater, which may be anything: a class with `this` in its methods, slow, or broken. It is asked within a deadline of ours:
 * js-libp2p has none for half of its hooks, and one that hangs would lock everybody out.
 */
export class UserGater {
  readonly #gater: Libp2pConnectionGater
  readonly #checks: () => CheckOptions
  readonly #clock: Clock
  readonly #log: QuietLog

  /** @param checks - as they are now: they may change while a gater runs */
  constructor (gater: Libp2pConnectionGater, checks: () => CheckOptions, clock: Clock, log: Logger) {
    this.#gater = gater
    this.#checks = checks
    this.#clock = clock
    this.#log = new QuietLog((format, ...args) => { log.error(format, ...args) })
    checkRecord('also', gater)
  }

  /** At once, unless the user's answer is a promise. Looked up each time: js-libp2p does so, too. */
  ask (hook: Hook, args: readonly unknown[]): Answer | Promise<Answer> {
    const method = this.#gater[hook] as ((...args: readonly unknown[]) => unknown) | undefined
    if (typeof method !== 'function') return undefined

    try {
      const answer = method.apply(this.#gater, [...args])
      return isThenable(answer) ? this.#wait(hook, answer) : answerOf(hook, answer)
    } catch (error) {
      return this.#failed(hook, error)
    }
  }

  async #wait (hook: Hook, answer: PromiseLike<unknown>): Promise<Answer> {
    try {
      return answerOf(hook, await withDeadline(answer, this.#checks().checkTimeout, this.#clock))
    } catch (error) {
      return this.#failed(hook, error)
    }
  }

  #failed (hook: Hook, error: unknown): Answer {
    const { onCheckFailed } = this.#checks()
    this.#log.write(this.#clock.now(), () => `${hook} of the user's own gater failed, which is to ${onCheckFailed}`, error)
    return onCheckFailed === 'deny' ? FAILED : undefined
  }
}

/** The filter keeps where it says yes, all others deny. */
function answerOf (hook: Hook, answer: unknown): Answer {
  const isDenied = hook === 'filterMultiaddrForPeer' ? !answer : Boolean(answer)
  return isDenied ? DENIED : undefined
}
