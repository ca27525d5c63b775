// Hono on Node: a middleware over the request and the answer that Node gave.
//
//   node --conditions=source examples/hono/server.ts
//
// In a project of yours, on Node.js 22.18 or newer, `node server.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr @hono/node-server hono

import { serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { securityGate } from 'libp2p-connmgr/limiter'
import { limitConnections, limitRequests } from 'libp2p-connmgr/server'
import type { HttpBindings } from '@hono/node-server'

const gate = securityGate({
  maxConnsPerIp: 20,
  connectRate: { limit: 20 },
  requestRate: { strategy: 'sliding-window', limit: 40, window: 1_000 },
  pathRates: { '/login': { strategy: 'cooldown', limit: 3, window: 60_000 } }
})

const app = new Hono<{ Bindings: HttpBindings }>()
const limit = limitRequests(gate, { skip: req => req.url === '/health' })

app.use(async ({ env }, next) => limit(env.incoming, env.outgoing) ? next() : RESPONSE_ALREADY_SENT)
app.get('/*', context => context.text('hello'))

const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => { console.log(`http://127.0.0.1:${port}`) })
limitConnections(server, gate, { firstByteDeadline: 10_000, headerDeadline: 20_000 })
