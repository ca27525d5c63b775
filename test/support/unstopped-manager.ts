import { bumpOverwrite, connManager, decayNone } from '../../src/index.ts'
import { asConnection, mockConnection } from './mock-connection.ts'
import { peer } from './peers.ts'

/** A program of its own: says `done` and leaves its manager to itself, so that its process should end. */
const manager = connManager({ lowWater: 1, highWater: 2, hardLimit: 100 })()
await manager.start()
manager.registerDecayingTag('slow', { interval: 60_000, decay: decayNone(), bump: bumpOverwrite() }).bump(peer(0), 1)

for (let i = 0; i < 9; i++) {
  manager.notifee().connected(asConnection(mockConnection({ id: `c${i}`, remotePeer: peer(i), remoteAddr: `/ip4/10.0.0.${i}/tcp/1` })))
}

console.log('done')
