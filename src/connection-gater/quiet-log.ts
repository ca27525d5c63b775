import type { Logger } from '@libp2p/interface'

/** Lines in a window of ms: enough to see what is going on, too few to fill a disk. */
const LINES = 10
const WINDOW = 10_000

/** A log that strangers make us write cannot be flooded by them: what is too much is counted, and the next line says how much that was. */
export class QuietLog {
  readonly #log: Logger
  #windowEnds = -Infinity
  #written = 0
  #leftOut = 0

  constructor (log: Logger) {
    this.#log = log
  }

  /** @param line - only called when it is written */
  write (now: number, line: () => string): void {
    // A clock that jumped back far begins a new window, too.
    if (now >= this.#windowEnds || now < this.#windowEnds - WINDOW) {
      this.#windowEnds = now + WINDOW
      this.#written = 0
    }

    if (this.#written === LINES) {
      this.#leftOut++
      return
    }

    const leftOut = this.#leftOut
    this.#written++
    this.#leftOut = 0
    if (leftOut === 0) this.#log('%s', line())
    else this.#log('%s (%d lines were left out before)', line(), leftOut)
  }
}
