/**
 * Who wants to hear. A listener that throws harms neither the others nor us: what it threw is counted and dropped, because at this floor there
 * is no log.
 */
export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => void>()
  #failures = 0

  /** Listeners that threw, over all time. */
  get failures (): number {
    return this.#failures
  }

  get size (): number {
    return this.#listeners.size
  }

  add (listener: (event: Event) => void): void {
    this.#listeners.add(listener)
  }

  delete (listener: (event: Event) => void): boolean {
    return this.#listeners.delete(listener)
  }

  emit (event: Event): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch {
        this.#failures++
      }
    }
  }
}
