import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { importedBy, installedBy } from '../house/installed.ts'
import { EXAMPLES } from '../support/example.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const tests = readdirSync(HERE).filter(file => file !== 'folders.test.ts').map(file => readFileSync(HERE + file, 'utf8')).join('')

describe('the examples', () => {
  it.each(readdirSync(EXAMPLES))('%s says how it is started, and a test does', name => {
    const [main = ''] = readdirSync(EXAMPLES + name).filter(file => /^(node|server|serve|chat)\.ts$/.test(file))

    expect(readFileSync(`${EXAMPLES}${name}/${main}`, 'utf8')).toContain(`//   node --conditions=source examples/${name}/${main}\n`)
    expect(tests).toMatch(new RegExp(`'${name}[/']`))
  })

  it.each(readdirSync(EXAMPLES))('%s says what a project of one\'s own needs for it', name => {
    const code = readdirSync(EXAMPLES + name).filter(file => file.endsWith('.ts')).map(file => readFileSync(`${EXAMPLES}${name}/${file}`, 'utf8')).join('')

    expect(code).toContain('\n//   npm pkg set type=module\n')
    expect(installedBy(code).toSorted()).toEqual(importedBy(code).toSorted())
  })
})
