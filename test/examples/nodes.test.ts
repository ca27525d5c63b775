import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startExample } from '../support/example.ts'
import { startNode, startVisitor } from '../support/node.ts'
import type { RunningExample } from '../support/example.ts'
import type { Libp2p } from '@libp2p/interface'

const GONE_WELL = { code: 0, complaints: '' }

function own<N extends Libp2p> (node: N): N {
  onTestFinished(async () => { await node.stop() })
  return node
}

/** One stranger from each address, one after the other. Who is refused is a stranger, too. */
async function visit (address: string, from: readonly string[]): Promise<Libp2p[]> {
  const strangers: Libp2p[] = []

  for (const localAddress of from) {
    const stranger = own(await startVisitor(localAddress))
    await stranger.dial(multiaddr(address)).catch(() => {})
    strangers.push(stranger)
  }

  return strangers
}

const addresses = (count: number, net: string): string[] => Array.from({ length: count }, (_, i) => `${net}.${i + 1}`)

describe('the bootstrap node', () => {
  it('lets four in from one address, and is the same node after a restart', async () => {
    const DATA = mkdtempSync(join(tmpdir(), 'connmgr-example-'))
    onTestFinished(() => { rmSync(DATA, { recursive: true }) })

    const first = startExample('bootstrap-node/node.ts', { env: { DATA } })
    const address = await first.saw('/tcp/')
    await visit(address, Array.from({ length: 5 }, () => '127.0.7.1'))
    await first.saw('denied at accept: connection-limit 127.0.7.1')
    expect(await first.stop()).toEqual(GONE_WELL)

    const second = startExample('bootstrap-node/node.ts', { env: { DATA } })
    expect((await second.saw('/tcp/')).split('/').at(-1)).toBe(address.split('/').at(-1))
    expect(await second.stop()).toEqual(GONE_WELL)
  })

  it('is trimmed above its high water', async () => {
    const node = startExample('bootstrap-node/node.ts', { env: { HIGH_WATER: '6', GRACE_PERIOD: '0' } })

    await node.saw('/ws/')
    await visit(await node.saw('/tcp/'), addresses(7, '127.0.8'))
    await node.saw('trimmed 2, 5 stay')
  })
})

describe('the relay', () => {
  it('keeps who has a reservation when strangers are trimmed, and leads others to it', async () => {
    const relay = startExample('relay/node.ts', { env: { HIGH_WATER: '6', GRACE_PERIOD: '0' } })
    const address = await relay.saw('/tcp/')
    const transports = [tcp(), circuitRelayTransport()]
    const listener = own(await startNode({ transports, addresses: { listen: [`${address}/p2p-circuit`] }, services: { identify: identify() } }))

    await relay.saw(`reserved ${listener.peerId}`)
    await visit(address, addresses(6, '127.0.9'))
    await relay.saw('trimmed 2, 1 protected')
    expect(listener.getConnections()).toHaveLength(1)

    const dialler = own(await startNode({ transports, services: { identify: identify() } }))
    const connection = await dialler.dial(multiaddr(`${address}/p2p-circuit/p2p/${listener.peerId}`))
    expect(connection.remotePeer.equals(listener.peerId)).toBe(true)
    expect(await relay.stop()).toEqual(GONE_WELL)
  })
})

describe('the chat', () => {
  async function join (hub?: string): Promise<RunningExample> {
    return startExample('gossipsub-chat/chat.ts', { args: hub == null ? [] : [hub], env: { HIGH_WATER: '4', GRACE_PERIOD: '0' } })
  }

  it('goes on among its mesh while strangers are trimmed', async () => {
    const hub = await join()
    const address = await hub.saw('/tcp/')
    const [alice, bob] = await Promise.all([join(address), join(address)])
    const peers = (await Promise.all([alice.saw('/tcp/'), bob.saw('/tcp/')])).map(own => own.split('/').at(-1))
    await Promise.all(peers.map(async peer => hub.saw(`mesh + ${peer}`)))

    await visit(address, addresses(3, '127.0.10'))
    await hub.saw('trimmed 2, 2 protected')

    alice.type('still here')
    await Promise.all([hub.saw(': still here'), bob.saw(': still here')])
    expect(await Promise.all([alice.stop(), bob.stop(), hub.stop()])).toEqual([GONE_WELL, GONE_WELL, GONE_WELL])
  })
})

describe('the Helia node', () => {
  it('gives its text to another one', async () => {
    const owner = startExample('helia/node.ts')
    const [address = '', cid = ''] = (await owner.saw('/tcp/')).split(' ')
    const reader = startExample('helia/node.ts', { args: [address, cid] })

    await reader.saw('hello from a guarded node')
    expect(await reader.ended).toEqual(GONE_WELL)
    expect(await owner.stop()).toEqual(GONE_WELL)
  })
})
