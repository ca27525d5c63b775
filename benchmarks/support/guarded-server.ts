// One server of one variant, in a process of its own. Prints its port; answers each message with the CPU it has used, in microseconds.

import { createServer as createHttp } from 'node:http'
import { createServer as createNet } from 'node:net'
import { connectionLimiter, securityGate } from '../../src/limiter.ts'
import { limitConnections, limitRequests } from '../../src/server.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'

const BODY = 'hello, world'

function hello (_: IncomingMessage, res: ServerResponse): void {
  res.end(BODY)
}

function requests (fields: boolean): Server {
  // The default strategy of the connection's quota; limits that this load stays below.
  const gate = securityGate({
    maxConnsPerIp: 1_000,
    connectRate: false,
    requestRate: { strategy: 'sliding-window', limit: 5_000, window: 1_000 },
    clientRequestRate: { strategy: 'token-bucket', limit: 100_000, window: 1_000 }
  })
  const limit = limitRequests(gate, { fields })
  const server = createHttp((req, res) => {
    limit(req, res, () => { hello(req, res) })
  })

  limitConnections(server, gate)
  return server
}

/** As many bytes of fields as ours, and nothing else. */
function twoFields (): Server {
  return createHttp((req, res) => {
    res.setHeader('RateLimit-Policy', '"connection";q=5000;w=1, "client";q=100000;w=1')
    res.setHeader('RateLimit', '"connection";r=4321;t=1, "client";r=98765;t=1')
    hello(req, res)
  })
}

function accepts (): Server {
  const server = createHttp(hello)
  limitConnections(server, connectionLimiter({ maxConnsPerIp: 10_000 }))
  return server
}

function refuses (onDeny: 'reset' | 'close'): Server {
  const server = createNet(() => { throw new Error('Let somebody in') })
  limitConnections(server, connectionLimiter({ maxConnsPerIp: 0 }), { onDeny })
  return server
}

const VARIANTS: Readonly<Record<string, () => Server>> = {
  'bare': () => createHttp(hello),
  'limitRequests': () => requests(false),
  'limitRequests with fields': () => requests(true),
  'two fields': twoFields,
  'limitConnections': accepts,
  'destroy': () => createNet(socket => { socket.destroy() }),
  'close': () => refuses('close'),
  'resetAndDestroy': () => createNet(socket => { socket.resetAndDestroy() }),
  'reset': () => refuses('reset')
}

const server = VARIANTS[process.argv[2] ?? '']!()

server.listen(0, '127.0.0.1', () => { process.send!({ port: (server.address() as AddressInfo).port }) })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ cpu: user + system })
})

// Whoever asked is gone.
process.on('disconnect', () => { process.exit() })
