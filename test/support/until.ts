import { setTimeout } from 'node:timers/promises'

/**
 * Waits until something in another process or behind a socket has happened. Not for time: what depends on a clock uses the fake one.
 */
export async function until (what: string, isSo: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms

  while (!await isSo()) {
    if (performance.now() > end) throw new Error(`Waited ${ms} ms in vain until ${what}`)
    await setTimeout(5)
  }
}
