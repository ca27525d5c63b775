import { readFileSync } from 'node:fs'

/** A package as the results call it: with the version that was measured. */
export function named (name: string, detail = ''): string {
  const { version } = JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8')) as { version: string }

  return `${name} ${version}${detail === '' ? '' : `, ${detail}`}`
}
