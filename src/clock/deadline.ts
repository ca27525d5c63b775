import type { Clock } from './clock.ts'

/** Something took longer than it may. */
class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  readonly code = 'ERR_DEADLINE'

  constructor (ms: number) {
    super(`Waited ${ms} ms in vain`)
  }
}

/** What becomes of `promise`, or a rejection when that takes longer than `ms`. It may still settle; nobody hears of it. */
export async function withDeadline<T> (promise: PromiseLike<T>, ms: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => { reject(new DeadlineError(ms)) })

    promise.then(value => {
      cancel()
      resolve(value)
    }, error => {
      cancel()
      reject(error)
    })
  })
}
