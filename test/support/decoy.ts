// A guarded node in a process of its own, for a control run's attackers. Answers each message with the number of its connections.
//
//   node decoy.ts <limits as JSON>

import { guarded } from './gater-node.ts'
import type { ConnManagerInit } from '../../src/index.ts'

const { node } = await guarded(['/ip4/127.0.0.1/tcp/0'], {}, JSON.parse(process.argv[2] ?? '{}') as ConnManagerInit)

process.on('message', () => { process.send!({ connections: node.getConnections().length }) })
process.on('disconnect', () => { process.exit() })
process.send!({ port: Number(node.getMultiaddrs()[0]!.getComponents().find(({ name }) => name === 'tcp')!.value) })
