import { describe, expect, it } from 'vitest'
import { connManager, connectionGater } from '../../src/index.ts'
import { guarded, plainNode } from '../support/gater-node.ts'
import { roads } from '../support/roads.ts'
import { stoppedAfter } from '../support/stopped-after.ts'
import { until } from '../support/until.ts'
import type { ConnectionGater } from '../../src/index.ts'
import type { Road } from '../support/roads.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const mine = stoppedAfter()

interface Pair {
  readonly listener: Libp2p
  readonly dialer: Libp2p
  readonly listening: ConnectionGater
  readonly dialing: ConnectionGater
  readonly address: Multiaddr
}

async function pair ({ listen, options }: Road): Promise<Pair> {
  const [listening, dialing] = [connectionGater({ networks: {} }), connectionGater({ networks: {} })]
  const listener = mine((await guarded([listen()], {}, {}, { ...options, connectionGater: listening })).node)
  const dialer = mine(await plainNode({ ...options, connectionGater: dialing }))

  return { listener, dialer, listening, dialing, address: listener.getMultiaddrs()[0]! }
}

async function dial (from: Libp2p, to: Multiaddr | PeerId): Promise<string> {
  try {
    await from.dial(to, { signal: AbortSignal.timeout(8_000) })
    return 'ok'
  } catch (error) {
    return error instanceof Error ? error.name : 'unknown'
  }
}

describe.each((await roads()).filter(({ isRelayed }) => !isRelayed))('over $name', road => {
  it('nobody is denied without a reason, and everything is counted and given back', async () => {
    const { listener, dialer, listening, dialing, address } = await pair(road)
    expect(await dial(dialer, address)).toBe('ok')
    await until('both have it open', () => listening.inspect().open.inbound === 1 && dialing.inspect().open.outbound === 1)

    await dialer.stop()
    await until('nothing is left', () => listening.inspect().connections === 0 && dialing.inspect().connections === 0)
    expect(listener.getConnections()).toEqual([])
  })

  it('a blocked peer is not dialled, nor his address', async () => {
    const { listener, dialer, dialing, address } = await pair(road)
    await dialing.blockPeer(listener.peerId)

    expect(await dial(dialer, address)).toBe('DialDeniedError')
    expect(Object.keys(dialing.inspect().denialsByStage)).toContain('peer-dial')
    expect(dialing.inspect().connections).toBe(0)
  })

  it('a blocked peer is refused when he comes', async () => {
    const { dialer, listening, dialing, address } = await pair(road)
    await listening.blockPeer(dialer.peerId)
    await dial(dialer, address)

    await until('he is refused', () => listening.inspect().denialsByStage.secured?.['blocked-peer'] === 1)
    await until('nothing is left', () => listening.inspect().connections === 0 && dialing.inspect().connections === 0)
    expect(dialer.getConnections()).toEqual([])
  })

  it.each(['secured', 'upgraded'])('a peer who is blocked while he is dialled is refused when he is %s', async stage => {
    const { listener, dialer, listening, dialing, address } = await pair(road)
    const hook = stage === 'secured' ? 'denyOutboundEncryptedConnection' : 'denyOutboundUpgradedConnection'
    const original = dialing[hook]
    dialing[hook] = (peer, maConn) => {
      void dialing.blockPeer(peer, { closeExisting: false })
      return original(peer, maConn)
    }

    expect(await dial(dialer, address)).not.toBe('ok')
    expect(dialing.inspect().denialsByStage).toMatchObject({ [stage]: { 'blocked-peer': 1 } })
    await until('nothing is left', () => listening.inspect().connections === 0 && dialing.inspect().connections === 0)
    expect([...listener.getConnections(), ...dialer.getConnections()]).toEqual([])
  })

  it('a full gater refuses at accept, and lets in again after a close', async () => {
    const { dialer, listening, address } = await pair(road)
    listening.setConfig({ maxConns: 0 })
    await dial(dialer, address)
    await until('he is refused', () => listening.inspect().denialsByStage.accept?.['total-limit'] != null)
    await until('nothing is left', () => listening.inspect().connections === 0)

    listening.setConfig({ maxConns: Infinity })
    await until('the dialer has forgotten', () => dialer.getConnections().length === 0)
    expect(await dial(dialer, address)).toBe('ok')
  })

  it('blocking closes what is open', async () => {
    const { listener, dialer, listening, address } = await pair(road)
    expect(await dial(dialer, address)).toBe('ok')
    await until('it is open', () => listener.getConnections().length === 1)

    await listening.blockPeer(dialer.peerId)
    await until('it is closed on both sides', () => listener.getConnections().length === 0 && dialer.getConnections().length === 0)
    expect(listening.inspect().connections).toBe(0)
  })
})

describe('where js-libp2p\'s limits were lifted without a gater of ours', () => {
  it('the manager installs one, which asks the node\'s own', async () => {
    const asked: string[] = []
    const { node } = await guarded(['/ip4/127.0.0.1/tcp/0'], {}, {}, {
      connectionGater: { denyInboundConnection: () => asked.push('accept') > 1 },
      services: { connManager: connManager() }
    } as never)
    mine(node)
    const [first, second] = [mine(await plainNode()), mine(await plainNode())]

    expect(await dial(first, node.getMultiaddrs()[0]!)).toBe('ok')
    expect(await dial(second, node.getMultiaddrs()[0]!)).not.toBe('ok')
    expect(asked).toEqual(['accept', 'accept'])
    expect((node as unknown as { components: { connectionGater: ConnectionGater } }).components.connectionGater.inspect().denials).toEqual({ 'denied-by-user': 1 })
  })
})
