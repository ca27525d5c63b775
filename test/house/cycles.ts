import type { Import } from './imports.ts'

/** @returns one circle of imports as `a → b → a`, or undefined */
export function findCycle (imports: readonly Import[]): string | undefined {
  const targets = new Map<string, string[]>()
  for (const { from, to } of imports) if (to != null) targets.set(from, [...targets.get(from) ?? [], to])

  const done = new Set<string>()

  function visit (file: string, path: readonly string[]): string | undefined {
    const start = path.indexOf(file)
    if (start !== -1) return [...path.slice(start), file].join(' → ')
    if (done.has(file)) return undefined

    for (const target of targets.get(file) ?? []) {
      const cycle = visit(target, [...path, file])
      if (cycle != null) return cycle
    }

    done.add(file)
    return undefined
  }

  for (const file of targets.keys()) {
    const cycle = visit(file, [])
    if (cycle != null) return cycle
  }

  return undefined
}
