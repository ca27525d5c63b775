import type { ConformanceCase } from '../../../src/testing.ts'

/** The promises that are broken, by name. */
export async function brokenOf (cases: readonly ConformanceCase[]): Promise<string[]> {
  const broken: string[] = []

  for (const { name, run } of cases) {
    try {
      await run()
    } catch {
      broken.push(name)
    }
  }

  return broken
}

/** `part` with some of its members replaced. */
export function changed<T extends object> (part: T, members: Partial<T>): T {
  return new Proxy(part, {
    get (_, name) {
      const value: unknown = Reflect.get(name in members ? members : part, name)
      return typeof value === 'function' && !(name in members) ? value.bind(part) : value
    }
  })
}
