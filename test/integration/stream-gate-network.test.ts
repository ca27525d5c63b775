import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { expect, it } from 'vitest'
import { streamGate } from '../../src/index.ts'
import { echo, handleEcho } from '../support/echo.ts'
import { gatedNodes } from '../support/gated-nodes.ts'
import { startNode } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { StreamGate } from '../../src/index.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import type { KadDHT } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'
import type { Libp2p } from '@libp2p/interface'

interface Services extends Record<string, unknown> {
  dht: KadDHT
  pubsub: GossipSub
  ping: Ping
  streamGate: StreamGate
}
type Node = Libp2p<Services>

const TRAFFIC = 30_000
const TOPIC = 'news'
const ECHO = '/echo/1.0.0'
const LISTEN = '/ip4/127.0.0.1/tcp/0'
const RELAYED = { runOnLimitedConnection: true }

const { add } = gatedNodes()

/** Default quotas, and nobody who is exempt from them. The node's own monitor closes a connection on which its ping meets one of ours: it is off. */
async function start (listen: string[], isRelay = false): Promise<Node> {
  return add(await startNode<Services>({
    addresses: { listen },
    transports: [tcp(), circuitRelayTransport()],
    services: {
      identify: identify(RELAYED),
      identifyPush: identifyPush(RELAYED),
      ping: ping(RELAYED),
      dht: kadDHT({ protocol: '/test/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper }),
      pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, runOnLimitedConnection: true }),
      streamGate: streamGate(),
      ...isRelay && { relay: circuitRelayServer() }
    } as never
  }))
}

/** A relay, four others, and one that can only be reached through the relay. */
async function network (): Promise<Node[]> {
  const relay = await start([LISTEN], true)
  const others = await Promise.all(Array.from({ length: 4 }, async () => start([LISTEN])))
  const hidden = await start([`${relay.getMultiaddrs()[0]!.toString()}/p2p-circuit`])
  await until('the hidden one has its reservation', () => hidden.getMultiaddrs().length > 0)

  const nodes = [relay, ...others, hidden]
  for (const node of nodes) {
    await handleEcho(node, ECHO, RELAYED)
  }
  for (const [n, node] of others.entries()) {
    await node.dial(relay.getMultiaddrs())
    for (const other of others.slice(0, n)) await node.dial(other.getMultiaddrs())
  }
  for (const node of others) await node.dial(hidden.getMultiaddrs())

  return nodes
}

async function ask (from: Node, to: Node): Promise<void> {
  await echo(await from.dialProtocol(to.peerId, ECHO, { ...RELAYED, signal: AbortSignal.timeout(5_000) }))
}

it('kad-dht, gossipsub, identify, ping and circuit relay run for 30 s on six nodes under the default quotas without one refusal', { timeout: 120_000 }, async () => {
  const nodes = await network()
  const done: Record<string, number> = { published: 0, received: 0, provided: 0, found: 0, pinged: 0, echoed: 0 }
  const failed: string[] = []
  let opened = 0

  for (const node of nodes) {
    node.services.pubsub.subscribe(TOPIC)
    node.services.pubsub.addEventListener('message', () => { done['received']!++ })
    node.addEventListener('connection:open', () => { opened++ })
  }

  const end = performance.now() + TRAFFIC
  async function often (what: string, ms: number, act: (n: number) => Promise<unknown>): Promise<void> {
    for (let n = 0; performance.now() < end; n++) {
      try {
        await act(n)
        done[what]!++
      } catch (error) {
        failed.push(`${what}: ${String(error)}`)
      }
      await new Promise(resolve => { setTimeout(resolve, ms) })
    }
  }

  await Promise.all(nodes.flatMap((node, at) => {
    const other = (n: number): Node => nodes[(at + 1 + n % 5) % 6]!
    return [
      often('published', 100, async n => node.services.pubsub.publish(TOPIC, new TextEncoder().encode(`${at} ${n}`))),
      often('provided', 500, async n => node.contentRouting.provide(other(n).peerId.toCID(), { signal: AbortSignal.timeout(5_000) })),
      often('found', 500, async n => node.peerRouting.findPeer(other(n).peerId, { signal: AbortSignal.timeout(5_000) })),
      often('pinged', 300, async n => node.services.ping.ping(other(n).peerId, { signal: AbortSignal.timeout(5_000) })),
      often('echoed', 100, async n => ask(node, other(n)))
    ]
  }))

  const inspections = nodes.map(({ services }) => services.streamGate.inspect())
  console.log(`six nodes, 30 s: ${JSON.stringify(done)}, failed ${failed.length}, streams open now ${inspections.map(({ streams }) => streams.open).join(' ')}, new connections ${opened}, refused ${JSON.stringify(inspections.map(({ denials }) => denials))}`)
  if (failed.length > 0) console.log([...new Set(failed)].slice(0, 5).join('\n'))

  expect(inspections.map(({ denials, off }) => ({ denials, off }))).toEqual(nodes.map(() => ({ denials: {}, off: [] })))
  expect(inspections.every(({ connections }) => connections >= 5)).toBe(true)
  expect(done['received']).toBeGreaterThan(done['published']!)
  for (const [what, count] of Object.entries(done)) expect(count, what).toBeGreaterThan(20)
})
