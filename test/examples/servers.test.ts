import { describe, expect, it } from 'vitest'
import { ask } from '../server/support/clients.ts'
import { startExample } from '../support/example.ts'

/** @returns its port */
async function start (name: string): Promise<number> {
  return Number(new URL(await startExample(`${name}/server.ts`).saw('http://')).port)
}

describe('the example', () => {
  it.each(['http', 'express', 'fastify', 'hono'])('%s serves, limits the path, and keeps serving', async name => {
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
