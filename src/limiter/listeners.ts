/**
 * Who wants to hear. A listener that throws or rejects harms neither the others nor us: it is counted and dropped, because at this floor there is
 * no log.
 */
export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => void>()
  #failures = 0

  /** Listeners that threw or rejected, over all time. */
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
    // A copy, or a listener that takes itself away and adds itself again would hear of one event for ever.
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) this.#call(listener, event)
    }
  }

  #call (listener: (event: Event) => unknown, event: Event): void {
    try {
      const returned = listener(event)
      // An async listener throws by rejecting.
      if (returned instanceof Promise) returned.catch(() => { this.#failures++ })
    } catch {
      this.#failures++
    }
  }
}
