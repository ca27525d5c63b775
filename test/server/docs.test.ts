import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as limiter from '../../src/limiter.ts'
import * as server from '../../src/server.ts'
import { SERVER_DEFAULTS } from '../../src/server/options.ts'

const read = (file: string): string => readFileSync(fileURLToPath(new URL(`../../src/server/${file}`, import.meta.url)), 'utf8')

describe('the examples in the documentation', () => {
  it.each(['limit-connections.ts', 'limit-requests.ts', 'client-address.ts'])('of %s run, and print what they say', async file => {
    const example = /@example\n \*\n \* ```ts\n([\s\S]*?)\n \* ```/.exec(read(file))![1]!.replaceAll(/^ \* ?/gm, '')
    const expected = [...example.matchAll(/console\.log\([^\n]*\) \/\/ (.*)/g)].map(([, value]) => value)
    const printed: string[] = []
    const body = example.replaceAll(/import (\{[^}]*\}) from '[^']*'/g, 'const $1 = doors')
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (...args: string[]) => (...values: unknown[]) => Promise<void>

    await new AsyncFunction('doors', 'console', body)({ ...limiter, ...server, ...await import('node:http') }, { log: (...values: unknown[]) => { printed.push(values.join(' ')) } })
    expect(printed).toEqual(expected)
  })
})

describe('the defaults in the documentation', () => {
  it.each(Object.entries(SERVER_DEFAULTS))('of %s is %d', (name, value) => {
    const option = name === 'proxyHeaderDeadline' ? 'headerDeadline' : name
    const documented = [...read('options.ts').matchAll(new RegExp(`@default (\\S+)\\n\\s+\\*/\\n\\s+readonly ${option}\\?: number`, 'g'))].map(([, text]) => Number(text))
    expect(documented).toContain(value)
  })
})
