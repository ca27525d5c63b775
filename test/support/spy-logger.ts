import { format } from 'node:util'
import type { ComponentLogger, Logger } from '@libp2p/interface'

export interface SpyLogger extends ComponentLogger {
  /** What a component logged as errors, formatted. */
  errors (component: string): string[]

  /** What it logged otherwise. */
  lines (component: string): string[]
}

/** Keeps what a node logs. libp2p's own placeholders (`%p`, `%a`, `%e`) are printed as strings. */
export function spyLogger (): SpyLogger {
  const errors = new Map<string, string[]>()
  const lines = new Map<string, string[]>()

  function write (to: Map<string, string[]>, component: string, [first, ...rest]: unknown[]): void {
    const line = format(String(first).replaceAll(/%[a-z]/g, placeholder => placeholder === '%d' ? '%d' : '%s'), ...rest.map(String))
    to.set(component, [...to.get(component) ?? [], line])
  }

  function forComponent (component: string): Logger {
    return Object.assign((...args: unknown[]) => { write(lines, component, args) }, {
      enabled: true,
      error: (...args: unknown[]) => { write(errors, component, args) },
      trace: () => {},
      newScope: (scope: string) => forComponent(`${component}:${scope}`)
    })
  }

  return {
    forComponent,
    errors: component => errors.get(component) ?? [],
    lines: component => lines.get(component) ?? []
  }
}
