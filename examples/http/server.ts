// Plain node:http: connections limited before a request is parsed, requests by the gate's quotas.
//
//   node --conditions=source examples/http/server.ts
//
// In a project of yours, on Node.js 22.18 or newer, `node server.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr

import { createServer } from 'node:http'
import { securityGate } from 'libp2p-connmgr/limiter'
import { limitConnections, limitRequests } from 'libp2p-connmgr/server'
import type { AddressInfo } from 'node:net'

const gate = securityGate({
  maxConnsPerIp: 20,
  connectRate: { limit: 20 },
  requestRate: { strategy: 'sliding-window', limit: 40, window: 1_000 },
  pathRates: { '/login': { strategy: 'cooldown', limit: 3, window: 60_000 } }
})

const limit = limitRequests(gate, { skip: req => req.url === '/health' })
const server = createServer((req, res) => {
  if (limit(req, res)) res.end('hello')
})

limitConnections(server, gate, { firstByteDeadline: 10_000, headerDeadline: 20_000 })
server.listen(0, '127.0.0.1', () => { console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) })
