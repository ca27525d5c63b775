import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FLAG_DEFAULTS } from '../../src/cli/flags.ts'
import { HELP } from '../../src/cli/help.ts'
import { STAGES, STAGE_RULES } from '../../src/connection-gater/stages.ts'
import ts from 'typescript'
import { examplesIn } from './examples.ts'
import { importedBy, installedBy } from './installed.ts'
import { linksIn } from './links.ts'
import { packageJson } from './released-package.ts'
import { ROOT, nodesOf, sourceFiles, sourceOf, textOf } from './source.ts'

const GUIDES = sourceFiles('docs/*.md')
const PAGES = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...GUIDES]

/** Folders that are made, and not in the repository. */
const MADE = ['dist/', 'docs/api/']

/** Words in backticks. */
function codeIn (page: string): string[] {
  return [...textOf(page).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

describe.each(PAGES)('%s', page => {
  it('names files and folders that are there', () => {
    const files = sourceFiles('{src,test,benchmarks,examples,docs}/**/*.ts')
    const named = codeIn(page)
      .filter(code => /^[\w./-]*[\w-](\.ts|\/)$/.test(code))
      .filter(code => !MADE.includes(code))

    expect(named.filter(name => !files.some(file => `/${file}`.includes(`/${name}`)))).toEqual([])
  })

  it('links to pages that are there', () => {
    expect(linksIn(page, textOf(page)).filter(link => !existsSync(ROOT + link))).toEqual([])
  })

  it('names in an install line what its examples import', () => {
    const installed = ['README.md', page].flatMap(from => installedBy(textOf(from)))
    expect(examplesIn(page).flatMap(({ code }) => importedBy(code)).filter(name => !installed.includes(name))).toEqual([])
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

/** What a union of string literals allows. */
function unionOf (file: string, name: string): string[] {
  const declaration = nodesOf(sourceOf(file)).find(node => ts.isTypeAliasDeclaration(node) && node.name.text === name)
  if (declaration == null) throw new Error(`There is no type ${name} in ${file}`)

  return nodesOf(declaration).filter(node => ts.isStringLiteral(node)).map(({ text }) => text)
}

/** The first column of the table under a heading. */
function columnOf (page: string, heading: string): string[] {
  const [, section = ''] = textOf(page).split(`\n## ${heading}\n`)
  return [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name = '']) => name)
}

describe('docs/reading-a-denial.md', () => {
  it('has every reason, in the order of the type', () => {
    const reasons = unionOf('src/limiter/verdict.ts', 'DenyReason')

    expect(reasons.length).toBeGreaterThan(10)
    expect(columnOf('docs/reading-a-denial.md', 'Reasons')).toEqual(reasons)
  })

  it('has every stage, and its hooks', () => {
    expect(columnOf('docs/reading-a-denial.md', 'Stages')).toEqual(STAGES)

    const rows = textOf('docs/reading-a-denial.md')
    for (const [stage, { hooks }] of Object.entries(STAGE_RULES)) expect(rows).toContain(`| \`${stage}\` | ${hooks.map(hook => `\`${hook}\``).join(', ')} |`)
  })
})

describe('the metrics in docs/reading-a-denial.md', () => {
  it('are those that are registered, with their labels', () => {
    const calls = sourceFiles('src/libp2p/*-metrics.ts').flatMap(file => [...textOf(file).matchAll(/'(libp2p_connmgr_\w+)', \{\s*(?:label: '(\w+)')?/g)])
    const rows = [...textOf('docs/reading-a-denial.md').matchAll(/^\| `(libp2p_connmgr_\w+)` \| (?:`(\w+)`)?/gm)]
    const named = (found: RegExpMatchArray[]): string[] => found.map(([, name, label = 'none']) => `${name}: ${label}`).toSorted()

    expect(calls.length).toBeGreaterThan(5)
    expect(named(rows)).toEqual(named(calls))
  })
})

describe('README.md', () => {
  it('leads to every guide', () => {
    expect(GUIDES.filter(guide => !textOf('README.md').includes(`](${guide})`))).toEqual([])
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
