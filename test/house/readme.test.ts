import { describe, expect, it } from 'vitest'
import { examplesIn, promises, runExample, runnable, typeErrors } from './examples.ts'
import { sourceFiles } from './source.ts'

const guides = sourceFiles('docs/*.md')
const examples = ['README.md', ...guides, ...sourceFiles()].flatMap(file => examplesIn(file))

describe('the examples', () => {
  it('are on the page, in the guides and in the doc comments', () => {
    expect(new Set(examples.map(({ file }) => file))).toContain('README.md')
    expect(guides.length).toBeGreaterThan(0)
    for (const folder of ['docs/', 'src/']) expect(examples.some(({ file }) => file.startsWith(folder))).toBe(true)
  })

  it('please the compiler as strictly as the package does', () => {
    expect(typeErrors(examples)).toEqual([])
  })

  it.each(examples)('$file:$line runs, ends and prints what it promises', async example => {
    const { code, printed, stderr } = await runExample(example)

    expect({ code, stderr }, 'an example whose code is null did not end by itself').toEqual({ code: 0, stderr: '' })
    expect(printed).toEqual(promises(example.code))
  })
})

describe('an example', () => {
  const page = ['# Title', '', '```ts', 'console.log(1 + 1) // 2', '```', '', '```sh', 'npm test', '```', ''].join('\n')
  const comment = ['/**', ' * ```ts', ' * console.log(1 + 1) // 2', ' * ```', ' */', ''].join('\n')

  it.each([['page.md', page, 4], ['code.ts', comment, 3]])('is found in %s', (file, content, line) => {
    expect(examplesIn(file, content)).toEqual([{ file, line, code: 'console.log(1 + 1) // 2\n' }])
  })

  it('imports the sources\' doors', () => {
    const code = 'import { fakeClock } from \'libp2p-connmgr/testing\'\n'
    expect(runnable({ file: 'page.md', line: 1, code }, path => `./${path}`)).toBe('import { fakeClock } from \'./src/testing.ts\'\n')
  })

  it('has what its own file exports in scope', () => {
    expect(runnable({ file: 'src/address/ip.ts', line: 1, code: 'parseIp(\'192.0.2.1\')\n' }, path => `./${path}`))
      .toBe('import { parseIp } from \'./src/address/ip.ts\'; parseIp(\'192.0.2.1\')\n')
  })

  it.each([
    ['throws', 'throw new Error(\'no\')', { code: 1, stderr: expect.stringContaining('Error: no') }],
    ['prints', 'console.log(1 as number)', { code: 0, printed: ['1'] }],
    ['imports what is not there', 'import \'libp2p-not-there\'', { code: 1, stderr: expect.stringContaining('libp2p-not-there') }]
  ])('that %s is seen to do so', async (_, code, outcome) => {
    await expect(runExample({ file: 'page.md', line: 1, code })).resolves.toMatchObject(outcome)
  })

  it('with a wrong type is named with its line', () => {
    const code = 'import { fakeClock } from \'libp2p-connmgr/testing\'\n\nfakeClock(\'now\')\n'
    expect(typeErrors([{ file: 'page.md', line: 10, code }])).toEqual([expect.stringMatching(/^page\.md:12: .*'string'.*'number'/)])
  })
})
