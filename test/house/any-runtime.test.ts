import { describe, expect, it } from 'vitest'
import { globalUses, guarded } from './globals.ts'
import { importsOf } from './imports.ts'
import { parse, sourceFiles, sourceOf } from './source.ts'
import type ts from 'typescript'

/** These doors run in browsers, too. */
const DOORS = ['src/index.ts', 'src/limiter.ts', 'src/testing.ts']
const NODE_GLOBALS = ['Buffer', 'process', 'global', 'require', 'module', '__dirname', '__filename', 'setImmediate', 'clearImmediate']

/** A file may use what it has asked for with `typeof`. */
function nodeIn (source: ts.SourceFile): string[] {
  const asked = guarded(source)

  const uses = globalUses(source, NODE_GLOBALS)
    .filter(({ name, text }) => !asked.has(text) && !asked.has(name))
    .map(({ line, text }) => `${source.fileName}:${line} uses ${text}, which browsers do not have`)

  const imports = importsOf(source)
    .filter(({ specifier, kind }) => kind === 'value' && specifier.startsWith('node:'))
    .map(({ line, specifier }) => `${source.fileName}:${line} imports ${specifier}, which browsers do not have`)

  return [...uses, ...imports]
}

/** The files that are loaded with a door. */
function loadedBy (door: string, loaded = new Set<string>()): Set<string> {
  loaded.add(door)

  for (const { to, kind } of importsOf(sourceOf(door))) {
    if (to != null && kind === 'value' && !loaded.has(to)) loadedBy(to, loaded)
  }

  return loaded
}

describe('what a browser loads', () => {
  it.each(sourceFiles('src/*.ts').filter(path => DOORS.includes(path)))('with %s has nothing of Node\'s in it', door => {
    expect([...loadedBy(door)].flatMap(path => nodeIn(sourceOf(path)))).toEqual([])
  })

  it('is followed through more than one file', () => {
    expect([...loadedBy('src/index.ts')]).toContain('src/clock/system-clock.ts')
  })

  it('is not what the command line loads', () => {
    expect([...loadedBy('src/cli.ts')].flatMap(path => nodeIn(sourceOf(path)))).not.toEqual([])
  })

  it.each([
    'import { isIP } from \'node:net\'',
    'export { isIP } from \'node:net\'',
    'await import(\'node:net\')',
    'const bytes = Buffer.from(text)',
    'const { argv } = process',
    'process.nextTick(() => {})',
    'globalThis.process.exit()',
    'setImmediate(() => {})'
  ])('may not have: %s', code => {
    expect(nodeIn(parse('src/a.ts', code))).toEqual([expect.stringContaining('src/a.ts:1')])
  })

  it.each([
    'import type { Socket } from \'node:net\'',
    'let bytes: Buffer',
    'if (typeof process === \'object\') process.exit()',
    'const { process } = globalThis as { process?: object }; console.log(process)',
    '// process.exit()'
  ])('may have: %s', code => {
    expect(nodeIn(parse('src/a.ts', code))).toEqual([])
  })
})
