// A cluster with one worker that lets nobody in. Says its port, and after each refusal how many it refused and how many sockets it made.

import cluster from 'node:cluster'
import { subscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:net'
import { connectionLimiter } from '../../../src/limiter/connection-limiter.ts'
import { limitConnections } from '../../../src/server/limit-connections.ts'
import type { AddressInfo } from 'node:net'

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.fork().on('message', message => { process.send!(message) })
  // Whoever asked is gone.
  process.on('disconnect', () => { process.exit() })
} else {
  let made = 0
  const limiter = connectionLimiter({ maxConnsPerIp: 0 })
  const server = createServer()
  const { counts } = limitConnections(server, limiter, { onDeny: 'close' })

  subscribe('net.server.socket', () => { made++ })
  limiter.addEventListener('deny', () => {
    setImmediate(() => { process.send!({ refused: counts().refused, made }) })
  })
  server.listen(0, '127.0.0.1', () => { process.send!({ port: (server.address() as AddressInfo).port }) })
}
