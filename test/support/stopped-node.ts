import { connManager } from '../../src/index.ts'
import { startNode, startVisitor } from './node.ts'

/** A program of its own: says `done` and has nothing more to do, so that its process should end. */
const hub = await startNode({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
  services: { connManager: connManager({ lowWater: 1, highWater: 100, gracePeriod: 0 }) }
})
const visitors = await Promise.all(hub.getMultiaddrs().map(async address => {
  const visitor = await startVisitor()
  await visitor.dial(address)
  return visitor
}))

void hub.services.connManager.trimOpenConns()
await hub.stop()
await Promise.all(visitors.map(async visitor => visitor.stop()))
console.log('done')
