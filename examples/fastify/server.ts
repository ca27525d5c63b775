// Fastify: a hook before anything is parsed. A refused request is answered below Fastify, which is told so by `hijack`.
//
//   node --conditions=source examples/fastify/server.ts
//
// In a project of yours, on Node.js 22.18 or newer, `node server.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr fastify

import fastify from 'fastify'
import { securityGate } from 'libp2p-connmgr/limiter'
import { limitConnections, limitRequests } from 'libp2p-connmgr/server'

const gate = securityGate({
  maxConnsPerIp: 20,
  connectRate: { limit: 20 },
  requestRate: { strategy: 'sliding-window', limit: 40, window: 1_000 },
  pathRates: { '/login': { strategy: 'cooldown', limit: 3, window: 60_000 } }
})

const app = fastify()
const limit = limitRequests(gate, { skip: req => req.url === '/health' })

app.addHook('onRequest', (request, reply, done) => {
  if (limit(request.raw, reply.raw)) done()
  else reply.hijack()
})
app.get('/*', async () => 'hello')

limitConnections(app.server, gate, { firstByteDeadline: 10_000, headerDeadline: 20_000 })
console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
