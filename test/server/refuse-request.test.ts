import { describe, expect, it } from 'vitest'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { ask } from './support/clients.ts'
import { createHttp, HTTP_PROTOCOLS, listen } from './support/servers.ts'
import type { Handler, ServerProtocol } from './support/servers.ts'

/** Somebody answers, and all is refused after that. */
async function refusedAfter (protocol: ServerProtocol, answer: Handler): Promise<{ port: number, heard: unknown[] }> {
  const heard: unknown[] = []
  const limit = limitRequests(securityGate({ connectRate: false, requestRate: { strategy: 'fixed-window', limit: 0, window: 10_000 } }))
  const server = createHttp(protocol, (req, res) => {
    res.on('error', error => { heard.push(error) })
    answer(req, res)
    heard.push(limit(req, res))
  })

  return { port: await listen(server), heard }
}

describe.each(HTTP_PROTOCOLS)('a refusal on %s', protocol => {
  it('leaves an answer as it is that was given before', async () => {
    const { port, heard } = await refusedAfter(protocol, (_, res) => { res.end('mine') })

    expect(await ask(protocol, { port })).toMatchObject({ status: 200, body: 'mine' })
    expect(heard).toEqual([false])
  })

  it('breaks off an answer that was only begun, and adds nothing to it', async () => {
    const { port, heard } = await refusedAfter(protocol, (_, res) => { res.write('mi') })
    const { status, body } = await ask(protocol, { port })

    expect([[200, 'mi'], ['refused', '']]).toContainEqual([status, body])
    expect(heard).toEqual([false])
  })
})
