import { TypedEventEmitter } from 'main-event'
import type { Logger } from '@libp2p/interface'
import type { EventHandler } from 'main-event'

type Guarded = (event: Event) => void

/**
 * An event target whose listeners cannot hurt us: what one throws, or rejects with, is logged and counted, and the others still hear. Node's own
 * rethrows it in the next tick, where nobody can catch it and the process ends.
 */
export class GuardedEvents<Events extends { [Type in keyof Events]: Event }> extends TypedEventEmitter<Events> {
  readonly #log: Logger

  /** One for each listener, so that it can be removed, and is added once. */
  readonly #guarded = new WeakMap<object, Guarded>()
  #failures = 0

  constructor (log: Logger) {
    super()
    this.#log = log
  }

  /** Listeners that threw or rejected, over all time. */
  get listenerFailures (): number {
    return this.#failures
  }

  override addEventListener<K extends keyof Events> (type: K, listener: EventHandler<Events[K]> | null, options?: boolean | AddEventListenerOptions): void {
    if (listener == null) return
    super.addEventListener(type, this.#guard(listener as EventHandler<Event>) as EventHandler<Events[K]>, options)
  }

  override removeEventListener<K extends keyof Events> (type: K, listener?: EventHandler<Events[K]> | null, options?: boolean | EventListenerOptions): void {
    if (listener == null) return
    super.removeEventListener(type, (this.#guarded.get(listener) ?? listener) as EventHandler<Events[K]>, options)
  }

  #guard (listener: EventHandler<Event>): Guarded {
    const known = this.#guarded.get(listener)
    if (known != null) return known

    const guarded: Guarded = event => { this.#call(listener, event) }
    this.#guarded.set(listener, guarded)
    return guarded
  }

  #call (listener: EventHandler<Event>, event: Event): void {
    try {
      const returned: unknown = typeof listener === 'function' ? listener(event) : listener.handleEvent(event)
      // An async listener throws by rejecting.
      if (returned instanceof Promise) returned.catch(error => { this.#failed(event, error) })
    } catch (error) {
      this.#failed(event, error)
    }
  }

  #failed (event: Event, error: unknown): void {
    this.#failures++
    // Strangers make events, and so lines: the first, the second, the fourth, and so on.
    if (Number.isInteger(Math.log2(this.#failures))) this.#log.error('a listener of %s failed, the failures are now %d - %e', event.type, this.#failures, error)
  }
}
