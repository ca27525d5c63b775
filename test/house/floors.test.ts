import { describe, expect, it } from 'vitest'
import { findCycle } from './cycles.ts'
import { wrongWith } from './floors.ts'
import { importsOf } from './imports.ts'
import { parse, sourceFiles, sourceOf } from './source.ts'

const imports = sourceFiles().flatMap(path => importsOf(sourceOf(path)))

function importing (from: string, specifier: string): string | undefined {
  return importsOf(parse(from, `import '${specifier}'`)).map(wrongWith).at(0)
}

describe('the house', () => {
  it('has imports that only go down its floors', () => {
    expect(imports.length).toBeGreaterThan(0)
    expect(imports.flatMap(each => wrongWith(each) ?? [])).toEqual([])
  })

  it('has no imports that go in a circle', () => {
    expect(findCycle(imports)).toBeUndefined()
  })

  it('imports files that are there', () => {
    const files = new Set(sourceFiles())
    expect(imports.filter(({ to }) => to != null && !files.has(to))).toEqual([])
  })
})

describe('the rule of the floors', () => {
  it.each([
    ['src/index.ts', './conn-manager/limits.ts'],
    ['src/cli.ts', './index.ts'],
    ['src/libp2p/take-over.ts', '../conn-manager/limits.ts'],
    ['src/conn-manager/limits.ts', '../limiter/rate.ts'],
    ['src/conn-manager/limits.ts', './errors.ts'],
    ['src/limiter/rate.ts', '../address/ip.ts'],
    ['src/limiter/rate.ts', '@libp2p/interface']
  ])('lets %s import %s', (from, specifier) => {
    expect(importing(from, specifier)).toBeUndefined()
  })

  it.each([
    ['src/conn-manager/limits.ts', '../connection-gater/contract.ts', 'another part'],
    ['src/conn-manager/limits.ts', '../libp2p/take-over.ts', 'an edge'],
    ['src/limiter/rate.ts', '../conn-manager/limits.ts', 'a part'],
    ['src/address/ip.ts', '../clock/clock.ts', 'its neighbour on the ground'],
    ['src/libp2p/take-over.ts', '../cli/main.ts', 'another edge'],
    ['src/cli/main.ts', '../index.ts', 'a door'],
    ['src/cli/main.ts', 'libp2p-connmgr', 'a door by its name'],
    ['src/utils/strings.ts', '../address/ip.ts', 'anything from a folder without a floor']
  ])('does not let %s import %s: %s', (from, specifier) => {
    expect(importing(from, specifier)).toContain(from)
  })

  it.each([
    ['a type', 'import type { A } from \'./b.ts\'', 'type'],
    ['a re-exported value', 'export { a } from \'./b.ts\'', 'value'],
    ['a re-exported type', 'export type { A } from \'./b.ts\'', 'type'],
    ['a dynamic import', 'await import(\'./b.ts\')', 'value'],
    ['a type in place', 'let a: import(\'./b.ts\').A', 'type']
  ])('sees %s', (_, code, kind) => {
    expect(importsOf(parse('src/a.ts', code))).toEqual([{ from: 'src/a.ts', line: 1, specifier: './b.ts', to: 'src/b.ts', kind }])
  })

  it('sees no import in a comment or a string', () => {
    expect(importsOf(parse('src/a.ts', '// import \'./b.ts\'\nconst text = "import \'./b.ts\'"'))).toEqual([])
  })

  it('finds a circle of three', () => {
    const circle = ['ab', 'bc', 'cb'].map(([from = '', to = '']) => ({ from, to, line: 1, specifier: to, kind: 'type' as const }))
    expect(findCycle(circle)).toBe('b → c → b')
  })
})
