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
  const emit = emitter.emit as (this: EventEmitter, ...event: unknown[]) => boolean
  let current = hooks

  function hooked (this: unknown, type: string, ...args: unknown[]): boolean {
    const hook = current.get(type)

    if (hook == null) return emit.call(emitter, type, ...args)
    return hook(args, () => emit.call(emitter, type, ...args))
  }

  const restore = override(emitter, 'emit', hooked)

  return () => {
    current = NO_HOOKS
    restore()
  }
}

/** Does something more whenever a method is called, if there is one. @returns takes it away again, as that of `hookEvents` does */
export function hookCalls (object: object, name: string, more: () => void): () => void {
  const method: unknown = Reflect.get(object, name)
  if (typeof method !== 'function') return () => {}

  let isInForce = true
  const restore = override(object, name, function (this: unknown, ...args: unknown[]): unknown {
    if (isInForce) more()
    return Reflect.apply(method, this, args)
  })

  return () => {
    isInForce = false
    restore()
  }
}

/** @returns makes the object as it was, as far as nobody else has put something on top */
function override (object: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(object, name)
  Object.defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true })

  return () => {
    if (Reflect.get(object, name) !== value) return
    if (before == null) Reflect.deleteProperty(object, name)
    else Object.defineProperty(object, name, before)
  }
}
