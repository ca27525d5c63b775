// WebSockets behind a proxy: the limits are the client's, not the proxy's.
//
//   node --conditions=source examples/websocket-behind-proxy/server.ts
//   APP=<its port> PORT=8000 haproxy -f examples/websocket-behind-proxy/haproxy.cfg
//
// In a project of yours, on Node.js 22.18 or newer, `node server.ts` is enough, after
//
//   npm pkg set type=module
//   npm install libp2p-connmgr ws

import { createServer } from 'node:http'
import { securityGate } from 'libp2p-connmgr/limiter'
import { clientAddress, limitConnections, limitRequests } from 'libp2p-connmgr/server'
import { WebSocketServer } from 'ws'
import type { AddressInfo } from 'node:net'

const { PROXIES = '127.0.0.1', PORT = '0' } = process.env

const gate = securityGate({
  maxConnsPerIp: 5,
  connectRate: { limit: 10 },
  pathRates: { '/message': { strategy: 'token-bucket', limit: 20, window: 10_000 } }
})

const limit = limitRequests(gate)
const server = createServer((req, res) => {
  if (limit(req, res)) res.writeHead(426, { 'Content-Type': 'text/plain' }).end('WebSockets only')
})

const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536 })

server.on('upgrade', (req, socket, head) => {
  if (!limit.upgrade(req, socket)) return

  sockets.handleUpgrade(req, socket, head, webSocket => {
    webSocket.on('error', () => { webSocket.terminate() })
    webSocket.on('message', data => {
      // To the gate a message is a request: `drop` ignores this one, `close` ends the connection. It knows `req.socket` because this is the accepted
      // socket: on an HTTPS server it is not, and with `trustedProxies` it is the proxy's. There, take from a `rateLimiter` by a key of your own.
      const verdict = gate.allowRequest(req.socket, '/message')
      if (verdict.allow) webSocket.send(`${clientAddress(req.socket)}: ${String(data)}`)
      else if (verdict.action === 'close') webSocket.close(1008)
    })
  })
})

limitConnections(server, gate, {
  firstByteDeadline: 10_000,
  headerDeadline: 20_000,
  // A connection is its client's before the first byte of HTTP, so connections can be capped, and not requests alone.
  proxyProtocol: { from: PROXIES.split(',') } // whoever is in this list can say that it is anybody
})

server.listen(Number(PORT), '127.0.0.1', () => { console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) })
