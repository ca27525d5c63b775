import { describe, expect, it } from 'vitest'
import { globalUses } from './globals.ts'
import { importsOf } from './imports.ts'
import { parse, sourceFiles, sourceOf } from './source.ts'
import type ts from 'typescript'

const TIMES = ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'AbortSignal']

/** They ask no clock. */
const TIMELESS = ['Date.UTC', 'Date.parse', 'AbortSignal', 'AbortSignal.any', 'AbortSignal.abort']

function timesIn (source: ts.SourceFile): string[] {
  const uses = globalUses(source, TIMES)
    .filter(({ text }) => !TIMELESS.includes(text))
    .map(({ line, text }) => `${source.fileName}:${line} uses ${text}: take \`now\` as an argument, or a Clock (src/clock/)`)

  const imports = importsOf(source)
    .filter(({ specifier, kind }) => kind === 'value' && /^(node:)?(timers|perf_hooks)(\/|$)/.test(specifier))
    .map(({ line, specifier }) => `${source.fileName}:${line} imports ${specifier}: take a Clock (src/clock/)`)

  return [...uses, ...imports]
}

describe('the one clock', () => {
  it('is the only one that asks for the time and sets timers', () => {
    const files = sourceFiles().filter(path => !path.startsWith('src/clock/'))

    expect(files.length).toBeGreaterThan(0)
    expect(files.flatMap(path => timesIn(sourceOf(path)))).toEqual([])
  })

  it('is seen to do so itself', () => {
    expect(timesIn(sourceOf('src/clock/system-clock.ts')).length).toBeGreaterThan(0)
  })

  it.each([
    'const now = Date.now()',
    'const now = performance.now()',
    'const at = new Date()',
    'const at = new Date(0)',
    'const { now } = Date',
    'setTimeout(() => {}, 1)',
    'const later = setInterval',
    'call({ setImmediate })',
    'globalThis.setTimeout(() => {}, 1)',
    'const signal = AbortSignal.timeout(1)',
    'import { setTimeout } from \'node:timers/promises\''
  ])('is missed in: %s', code => {
    expect(timesIn(parse('src/a.ts', code))).toEqual([expect.stringContaining('src/a.ts:1')])
  })

  it.each([
    '// Date.now()',
    'const text = "setTimeout()"',
    'socket.setTimeout(5)',
    'interface Log { at: Date }',
    'let timer: ReturnType<typeof setTimeout>',
    'const at = Date.parse(text)',
    'const is = signal instanceof AbortSignal',
    'const timers = { setTimeout: 1 }',
    'import { setTimeout } from \'./mine.ts\'; setTimeout(1)'
  ])('is not missed in: %s', code => {
    expect(timesIn(parse('src/a.ts', code))).toEqual([])
  })
})
