import { expect, it } from 'vitest'
import { clientAddress } from '../../src/server/client-address.ts'
import { ask } from './support/clients.ts'
import { createHttp, HTTP_PROTOCOLS, listen } from './support/servers.ts'
import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'

it.each(HTTP_PROTOCOLS)('the address of who is behind no proxy is its own on %s, by its socket and by its session', async protocol => {
  const server = createHttp(protocol, (req: IncomingMessage & { readonly stream?: ServerHttp2Stream }, res) => {
    res.end([req.socket, req.stream?.session ?? req.socket].map(clientAddress).join(' '))
  })

  expect((await ask(protocol, { port: await listen(server), localAddress: '127.0.0.5' })).body).toBe('127.0.0.5 127.0.0.5')
})
