import { connect, createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { guarded, plainNode } from '../support/gater-node.ts'
import { stoppedAfter } from '../support/stopped-after.ts'
import { until } from '../support/until.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo, Server } from 'node:net'

const WS = '/ip4/127.0.0.1/tcp/0/ws'
const mine = stoppedAfter()
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Passes bytes on to a listener from a source port of its choice, as any client's system may. */
async function from (localPort: number, listener: Multiaddr): Promise<Multiaddr> {
  const port = Number(listener.getComponents().find(({ name }) => name === 'tcp')?.value)
  const server = createServer(client => {
    const onward = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort })
    for (const [one, other] of [[client, onward], [onward, client]] as const) one.on('error', () => {}).on('close', () => { other.destroy() }).pipe(other)
  })

  servers.push(server)
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return multiaddr(`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}/ws`)
}

it('one source port at two WebSocket listeners is two connections, each of which can be closed', async () => {
  const { node, gater } = await guarded([WS, WS])
  mine(node)
  const source = await freePort()
  const clients = await Promise.all([plainNode(), plainNode()])
  clients.forEach(mine)
  const addresses = await Promise.all(node.getMultiaddrs().map(async listener => from(source, listener)))
  await Promise.all(clients.map(async (client, n) => client.dial(addresses[n]!)))
  await until('both are open', () => gater.inspect().open.inbound === 2)
  expect(gater.inspect()).toMatchObject({ connections: 2, pending: { inbound: 0 }, peers: 2 })

  await Promise.all(clients.map(async ({ peerId }) => gater.blockPeer(peerId)))
  await until('nobody is left', () => gater.inspect().connections === 0 && node.getConnections().length === 0)
})
