/**
 * Who wants to hear. A listener that throws or rejects harms neither the others nor us: it is counted and dropped, because at this floor there is
 * no log.
 */
export class Listeners<Event> {
  /** Another array after each change, so that whoever goes through one is not disturbed. */
  #listeners: ReadonlyArray<(event: Event) => unknown> = []
  #failures = 0

  /** Listeners that threw or rejected, over all time. */
  get failures (): number {
    return this.#failures
  }

  get size (): number {
    return this.#listeners.length
  }

  add (listener: (event: Event) => void): void {
    if (!this.#listeners.includes(listener)) this.#listeners = [...this.#listeners, listener]
  }

  delete (listener: (event: Event) => void): boolean {
    const size = this.size

    this.#listeners = this.#listeners.filter(known => known !== listener)
    return this.size < size
  }

  emit (event: Event): void {
    for (const listener of this.#listeners) {
      // One that was taken away meanwhile hears nothing any more.
      if (this.#listeners.includes(listener)) this.#call(listener, event)
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
