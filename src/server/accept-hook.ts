import type { EventEmitter } from 'node:events'

/** What becomes of an event before anybody else hears of it: `pass` lets the listeners have it, and may be called later or never. */
export type Hook = (args: readonly unknown[], pass: () => boolean) => boolean

export type Hooks = ReadonlyMap<string, Hook>

const NO_HOOKS: Hooks = new Map()

/**
 * Stands in front of an emitter's listeners: those that are there, those that come later, and whoever emits an event by hand.
 *
 * A listener that is put first cannot keep a socket from those behind it: the HTTP parser would still read from a connection that was
 * refused, and call the application. So it is `emit` that is overridden, on this one object, for the events of `hooks` alone.
 *
 * @returns takes it away again: the object is then as it was. Where somebody has put an override of theirs on top, which only they can take
 * away, ours stays below it and does nothing.
 */
export function hookEvents (emitter: EventEmitter, hooks: Hooks): () => void {
  const before = Object.getOwnPropertyDescriptor(emitter, 'emit')
  const emit = emitter.emit as (this: EventEmitter, ...event: unknown[]) => boolean
  let current = hooks

  function hooked (this: unknown, type: string, ...args: unknown[]): boolean {
    const hook = current.get(type)

    if (hook == null) return emit.call(emitter, type, ...args)
    return hook(args, () => emit.call(emitter, type, ...args))
  }

  Object.defineProperty(emitter, 'emit', { value: hooked, writable: true, enumerable: false, configurable: true })

  return () => {
    current = NO_HOOKS
    if (emitter.emit !== hooked) return
    if (before == null) Reflect.deleteProperty(emitter, 'emit')
    else Object.defineProperty(emitter, 'emit', before)
  }
}
