// Express: one middleware before all others. Its router takes /LOGIN for /login, so the rules are asked in lower case.
//
//   node --conditions=source examples/express/server.ts
//
// In a project of yours, on Node.js 22.18 or newer, `node server.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr express

import express from 'express'
import { securityGate } from 'libp2p-connmgr/limiter'
import { limitConnections, limitRequests } from 'libp2p-connmgr/server'
import type { AddressInfo } from 'node:net'

const gate = securityGate({
  maxConnsPerIp: 20,
  connectRate: { limit: 20 },
  requestRate: { strategy: 'sliding-window', limit: 40, window: 1_000 },
  pathRates: { '/login': { strategy: 'cooldown', limit: 3, window: 60_000 } }
})

const app = express()
app.use(limitRequests(gate, { skip: req => req.url === '/health', pathOf: req => req.url?.toLowerCase() ?? '/' }))
app.use((_, res) => { res.send('hello') })

const server = app.listen(0, '127.0.0.1', () => { console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) })
limitConnections(server, gate, { firstByteDeadline: 10_000, headerDeadline: 20_000 })
