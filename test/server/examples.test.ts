import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask } from './support/clients.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

/** As a reader would start it. @returns its port */
async function start (name: string): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=source', `${EXAMPLES}${name}/server.ts`], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => { child.kill('SIGKILL') })
  const [line] = await once(child.stdout, 'data') as [Buffer]

  return Number(new URL(String(line).trim()).port)
}

describe('the example', () => {
  it.each(readdirSync(EXAMPLES))('%s serves, limits the path, and keeps serving', async name => {
    const port = await start(name)
    const answers = []
    for (const path of ['/', '/login', '/login', '/login', '/login', '/', '/health']) answers.push(await ask('http', { port, path }))

    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual([
      '200 hello', '200 hello', '200 hello', '200 hello', '429 Connection refused', '200 hello', '200 hello'
    ])
    expect(answers[1]!.headers['ratelimit-policy']).toBe('"connection";q=40;w=1, "client";q=800;w=1, "path";q=3;w=60')
    expect(answers[4]!.headers).toMatchObject({ 'retry-after': expect.stringMatching(/^(59|60)$/), 'connection': 'close' })
    expect(answers[6]!.headers['ratelimit-policy']).toBeUndefined()
  })
})
