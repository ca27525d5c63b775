import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as limiter from '../../src/limiter.ts'
import * as testing from '../../src/testing.ts'

const ROOT = fileURLToPath(new URL('../../src/', import.meta.url))

/** What a file imports when it runs; types are gone by then. */
function importsOf (file: string): string[] {
  const source = readFileSync(file, 'utf8')
  return [...source.matchAll(/^(?:import|export)\s+(?:\{[^}]*\}|\* as \w+|\w+)\s+from\s+'([^']+)'/gm)].map(([, from]) => from!)
}

function reach (door: string): { readonly files: string[], readonly packages: string[] } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const queue = [resolve(ROOT, door)]

  for (let file = queue.pop(); file != null; file = queue.pop()) {
    files.add(relative(ROOT, file))
    for (const from of importsOf(file)) {
      const target = resolve(dirname(file), from)
      if (!from.startsWith('.')) packages.add(from)
      else if (!files.has(relative(ROOT, target))) queue.push(target)
    }
  }

  return { files: [...files], packages: [...packages] }
}

describe.each(['limiter.ts', 'testing.ts'])('the door %s', door => {
  it('needs no package and nothing of Node, so that it runs anywhere', () => {
    expect(reach(door).packages).toEqual([])
  })

  it('stands on the limiter, the addresses and the clock only', () => {
    expect(reach(door).files.filter(file => file !== door && !/^(limiter|address|clock)\//.test(file))).toEqual([])
  })
})

/** Runs the examples of the documentation, and compares what they print with the comments behind. */
const EXAMPLES = ['limiter/block-list.ts', 'limiter/connection-limiter.ts', 'limiter/rate-limiter.ts', 'limiter/security-gate.ts', 'clock/fake-clock.ts']

describe('the examples in the documentation', () => {
  it.each(EXAMPLES)('of %s print what they say', async file => {
    const text = readFileSync(resolve(ROOT, file), 'utf8')
    const example = /@example\n \*\n \* ```ts\n([\s\S]*?)\n \* ```/.exec(text)![1]!.replaceAll(/^ \* ?/gm, '')
    const expected = [...example.matchAll(/console\.log\([^\n]*\) \/\/ (.*)/g)].map(([, value]) => value)
    const printed: string[] = []
    const body = example.replaceAll(/import (\{[^}]*\}) from '[^']*'/g, 'const $1 = door')
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (...args: string[]) => (...values: unknown[]) => Promise<void>

    await new AsyncFunction('door', 'console', body)({ ...limiter, ...testing }, { log: (...values: unknown[]) => { printed.push(values.join(' ')) } })
    expect(printed).toEqual(expected)
  })
})
