import type { EndReason } from './scoreboard.ts'

/** How a run ends: with the first reason given, or with the first error. What comes later changes nothing. */
export class Ending {
  /** Rejects with the error given to `fail`. */
  readonly reason: Promise<EndReason>
  #resolve: (reason: EndReason) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #over = false

  constructor () {
    this.reason = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get over (): boolean {
    return this.#over
  }

  end (reason: EndReason): void {
    this.#over = true
    this.#resolve(reason)
  }

  fail (error: unknown): void {
    this.#over = true
    this.#reject(error)
  }
}
