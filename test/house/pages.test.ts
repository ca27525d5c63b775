import { describe, expect, it } from 'vitest'
import { FLAG_DEFAULTS } from '../../src/cli/flags.ts'
import { HELP } from '../../src/cli/help.ts'
import { packageJson } from './released-package.ts'
import { sourceFiles, textOf } from './source.ts'

const PAGES = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']

/** Folders that are made, and not in the repository. */
const MADE = ['dist/', 'docs/api/']

/** Words in backticks. */
function codeIn (page: string): string[] {
  return [...textOf(page).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

describe.each(PAGES)('%s', page => {
  it('names files and folders that are there', () => {
    const files = sourceFiles('{src,test,benchmarks,examples}/**/*.ts')
    const named = codeIn(page)
      .filter(code => /^[\w./-]*[\w-](\.ts|\/)$/.test(code))
      .filter(code => !MADE.includes(code))

    expect(named.filter(name => !files.some(file => `/${file}`.includes(`/${name}`)))).toEqual([])
  })

  it('names scripts that are there', () => {
    const scripts = [...textOf(page).matchAll(/npm (?:run )?(start|test|(?<=run )[\w-]+)/g)].map(([, script = '']) => script)
    expect(scripts.filter(script => !(script in packageJson.scripts))).toEqual([])
  })
})

describe('ARCHITECTURE.md', () => {
  it('gives every folder a floor', () => {
    const folders = new Set(sourceFiles().flatMap(path => /^src\/[^/]+\//.exec(path) ?? []))
    expect([...folders].filter(folder => !textOf('ARCHITECTURE.md').includes(`\`${folder}\``))).toEqual([])
  })
})

describe('the flags in README.md', () => {
  const rows = [...textOf('README.md').matchAll(/^\| `--([\w-]+)[^|]*\|[^|]*\| *`?([^`;|]*)/gm)].map(([, flag = '', value = '']) => [flag, value.trim()])

  it('are those that the command has', () => {
    expect(rows.map(([flag]) => flag)).toEqual([...HELP.matchAll(/--([\w-]+) .*(?= {2})/g)].map(([, flag]) => flag))
  })

  it('have its defaults', () => {
    const { duration, low, high, gracePeriod, silencePeriod, maxPerIp, peers } = FLAG_DEFAULTS

    expect(Object.fromEntries(rows)).toMatchObject({
      'duration': `${duration / 1_000}s`,
      'low': `${low}`,
      'high': `${high}`,
      'grace': `${gracePeriod / 1_000}s`,
      'silence': `${silencePeriod / 1_000}s`,
      'max-per-ip': `${maxPerIp}`,
      'peers': `${peers}`
    })
  })
})
