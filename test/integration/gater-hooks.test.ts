import { afterEach, describe, expect, it } from 'vitest'
import { connManager, connectionGater } from '../../src/index.ts'
import { BASE, guarded, plainNode, relay, RELAYED } from '../support/gater-node.ts'
import { until } from '../support/until.ts'
import type { ConnectionGater } from '../../src/index.ts'
import type { Libp2p, PeerId, ServiceMap, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

type Factory = (components: never) => Transport

interface Loaded {
  readonly listen: string
  readonly transports: readonly Factory[]
}

const nodes: Libp2p[] = []

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async node => node.stop()))
})

function mine<T extends Libp2p> (node: T): T {
  nodes.push(node)
  return node
}

const TRANSPORTS: Record<string, (() => Promise<Loaded>)> = {
  'TCP': async () => ({ listen: '/ip4/127.0.0.1/tcp/0', transports: BASE.transports as never }),
  'WebSockets': async () => ({ listen: '/ip4/127.0.0.1/tcp/0/ws', transports: BASE.transports as never }),
  'memory': async () => ({ listen: `/memory/gater-${Math.random()}`, transports: BASE.transports as never }),
  'QUIC': async () => {
    // not among our own dependencies: it is not published for every platform that the lock file would have to name
    const name = '@chainsafe/libp2p-quic'
    const { quic } = await import(name) as { quic: () => never }
    return { listen: '/ip4/127.0.0.1/udp/0/quic-v1', transports: [...BASE.transports, quic()] as never }
  },
  'WebRTC-direct': async () => {
    const { webRTCDirect } = await import('@libp2p/webrtc')
    return { listen: '/ip4/127.0.0.1/udp/0/webrtc-direct', transports: [...BASE.transports, webRTCDirect()] as never }
  }
}

/** Native packages install on some machines only. */
async function load (name: string): Promise<Loaded | undefined> {
  try {
    return await TRANSPORTS[name]!()
  } catch (error) {
    console.log(`not run over ${name}: its native package did not load (${String(error)})`)
    return undefined
  }
}

async function pair ({ listen, transports }: Loaded): Promise<{ listener: Libp2p, dialer: Libp2p, listening: ConnectionGater, dialing: ConnectionGater, address: Multiaddr }> {
  const [listening, dialing] = [connectionGater({ networks: {} }), connectionGater({ networks: {} })]
  const options = { transports, connectionGater: dialing } as unknown as Libp2pOptions<ServiceMap>
  const listener = mine((await guarded([listen], {}, {}, { transports, connectionGater: listening } as never)).node)
  const dialer = mine(await plainNode(options))

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

describe.each(Object.keys(TRANSPORTS))('over %s', name => {
  it('nobody is denied without a reason, and everything is counted and given back', async () => {
    for (const loaded of [await load(name)].filter(loaded => loaded != null)) {
      const { listener, dialer, listening, dialing, address } = await pair(loaded)
      expect(await dial(dialer, address)).toBe('ok')
      await until('both have it open', () => listening.inspect().open.inbound === 1 && dialing.inspect().open.outbound === 1)

      await dialer.stop()
      await until('nothing is left', () => listening.inspect().connections === 0 && dialing.inspect().connections === 0)
      expect(listener.getConnections()).toEqual([])
    }
  })

  it('a blocked peer is not dialled, nor his address', async () => {
    for (const loaded of [await load(name)].filter(loaded => loaded != null)) {
      const { listener, dialer, dialing, address } = await pair(loaded)
      await dialing.blockPeer(listener.peerId)

      expect(await dial(dialer, address)).toBe('DialDeniedError')
      expect(Object.keys(dialing.inspect().denialsByStage)).toContain('peer-dial')
      expect(dialing.inspect().connections).toBe(0)
    }
  })

  it('a blocked peer is refused when he comes', async () => {
    for (const loaded of [await load(name)].filter(loaded => loaded != null)) {
      const { dialer, listening, dialing, address } = await pair(loaded)
      await listening.blockPeer(dialer.peerId)
      await dial(dialer, address)

      await until('he is refused', () => listening.inspect().denialsByStage.secured?.['blocked-peer'] === 1)
      await until('nothing is left', () => listening.inspect().connections === 0 && dialing.inspect().connections === 0)
      expect(dialer.getConnections()).toEqual([])
    }
  })

  it.each(['secured', 'upgraded'])('a peer who is blocked while he is dialled is refused when he is %s', async stage => {
    for (const loaded of [await load(name)].filter(loaded => loaded != null)) {
      const { listener, dialer, listening, dialing, address } = await pair(loaded)
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
    }
  })

  it('a full gater refuses at accept, and lets in again after a close', async () => {
    for (const loaded of [await load(name)].filter(loaded => loaded != null)) {
      const { dialer, listening, address } = await pair(loaded)
      listening.setConfig({ maxConns: 0 })
      await dial(dialer, address)
      await until('he is refused', () => listening.inspect().denialsByStage.accept?.['total-limit'] != null)
      await until('nothing is left', () => listening.inspect().connections === 0)

      listening.setConfig({ maxConns: Infinity })
      await until('the dialer has forgotten', () => dialer.getConnections().length === 0)
      expect(await dial(dialer, address)).toBe('ok')
    }
  })

  it('blocking closes what is open', async () => {
    for (const loaded of [await load(name)].filter(loaded => loaded != null)) {
      const { listener, dialer, listening, address } = await pair(loaded)
      expect(await dial(dialer, address)).toBe('ok')
      await until('it is open', () => listener.getConnections().length === 1)

      await listening.blockPeer(dialer.peerId)
      await until('it is closed on both sides', () => listener.getConnections().length === 0 && dialer.getConnections().length === 0)
      expect(listening.inspect().connections).toBe(0)
    }
  })
})

describe('over a circuit relay', () => {
  it('a relay refuses to connect to a peer whom it blocked after his reservation', async () => {
    const middle = mine(await relay())
    const gater = connectionGater({ networks: {} })
    Object.assign((middle as unknown as { components: object }).components, { connectionGater: gater })
    const { node } = await guarded([`${middle.getMultiaddrs()[0]!.toString()}/p2p-circuit`], {}, {}, RELAYED as never)
    mine(node)
    await until('it has a reservation', () => node.getMultiaddrs().length > 0)

    await gater.blockPeer(node.peerId, { closeExisting: false })
    expect(gater.denyInboundRelayReservation(node.peerId)).toBe(true)
    const dialer = mine(await plainNode(RELAYED as never))
    await dial(dialer, middle.getMultiaddrs()[0]!)
    expect(await dial(dialer, node.getMultiaddrs()[0]!)).not.toBe('ok')
    expect(gater.inspect().denialsByStage).toMatchObject({ 'relay-through': { 'blocked-peer': 1 } })
  })

  it('a relayed connection is keyed by its relay, and a blocked peer behind it is refused there', async () => {
    const middle = mine(await relay())
    const reach = `${middle.getMultiaddrs()[0]!.toString()}/p2p-circuit`
    const { node, gater } = await guarded([reach], {}, {}, RELAYED as never)
    mine(node)
    await until('the relay has it', () => node.getMultiaddrs().length > 0)
    const dialer = mine(await plainNode(RELAYED as never))
    const target = node.getMultiaddrs()[0]!

    expect(await dial(dialer, target)).toBe('ok')
    await until('it is counted', () => gater.inspect().clients[`relay:${middle.peerId.toString()}`] === 1)
    await Promise.all(dialer.getConnections(node.peerId).map(async connection => connection.close()))
    await until('it is given back', () => gater.inspect().clients[`relay:${middle.peerId.toString()}`] == null)

    await gater.blockPeer(dialer.peerId)
    const begun = performance.now()
    expect(await dial(dialer, target)).not.toBe('ok')
    expect(performance.now() - begun).toBeLessThan(3_000)
    expect(gater.inspect().denialsByStage.relayed).toEqual({ 'blocked-peer': 1 })
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
