import type { CancelTimer, Clock } from './clock.ts'

/** One timer that can be moved: what rings is always the last time it was set to. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #at: number | undefined
  #cancel: CancelTimer | undefined

  constructor (clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Epoch ms at which it will ring. */
  get at (): number | undefined {
    return this.#at
  }

  /** Rings at epoch ms `at`, at once when that is past; undefined and Infinity never. */
  set (at: number | undefined): void {
    if (at === this.#at) return

    this.clear()
    if (at == null || at === Infinity) return

    this.#at = at
    this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#at = undefined
      this.#cancel = undefined
      this.#ring()
    })
  }

  clear (): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#at = undefined
  }
}
