/** Lines in a window of ms: enough to see what is going on, too few to fill a disk. */
const LINES = 10
const WINDOW = 10_000

/** A log that strangers make us write cannot be flooded by them: what is too much is counted, and the next line says how much that was. */
export class QuietLog {
  readonly #log: (format: string, ...args: unknown[]) => void
  #windowEnds = -Infinity
  #written = 0
  #leftOut = 0

  constructor (log: (format: string, ...args: unknown[]) => void) {
    this.#log = log
  }

  /**
   * @param line - only called when it is written
   * @param error - written behind it, where there is one
   */
  write (now: number, line: () => string, error?: unknown): void {
    // A clock that jumped back far begins a new window, too.
    if (now >= this.#windowEnds || now < this.#windowEnds - WINDOW) {
      this.#windowEnds = now + WINDOW
      this.#written = 0
    }

    if (this.#written === LINES) {
      this.#leftOut++
      return
    }

    const [format, ...args] = this.#leftOut === 0 ? ['%s', line()] : ['%s (%d lines were left out before)', line(), this.#leftOut]
    this.#written++
    this.#leftOut = 0
    if (error === undefined) this.#log(format, ...args)
    else this.#log(`${format} - %e`, ...args, error)
  }
}
