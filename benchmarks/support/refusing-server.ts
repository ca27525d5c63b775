// A server that refuses one address, in a process of its own. Prints its port; answers each message with how many it has refused.

import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connectionLimiter } from '../../src/limiter.ts'
import { limitConnections } from '../../src/server.ts'
import { certificate } from '../../test/server/support/certificate.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const answer = (_: IncomingMessage, res: ServerResponse): void => { res.end('ok') }
const server = process.argv[2] === 'https' ? createHttps(certificate, answer) : createHttp(answer)
const { counts } = limitConnections(server, connectionLimiter({ networks: { '127.0.0.1/32': 0 } }), { writeDeadline: 60_000 })

server.listen(0, '127.0.0.1', () => { process.send!({ port: (server.address() as AddressInfo).port }) })
process.on('message', () => { process.send!({ refused: counts().refused }) })

// Whoever asked is gone.
process.on('disconnect', () => { process.exit() })
