import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './released-package.ts'

/** The first version that libp2p 3 works with. */
const NEEDED = 22

/** @returns a `node` on the path that is older than this package allows, or undefined */
export async function findOlderNode (path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  const candidates = [...new Set(path.split(delimiter))].map(folder => join(folder, 'node')).filter(file => existsSync(file))

  for (const file of candidates) {
    const { stdout } = await run(file, ['--version'], '.')
    if (Number(/^v(\d+)/.exec(stdout)?.[1]) < NEEDED) return file
  }

  return undefined
}
