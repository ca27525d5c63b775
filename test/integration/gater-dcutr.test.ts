import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { dcutr } from '@libp2p/dcutr'
import { identify } from '@libp2p/identify'
import { afterEach, describe, expect, it } from 'vitest'
import { guarded, relay } from '../support/gater-node.ts'
import { middlebox } from '../support/middlebox.ts'
import { quiet } from '../support/quiet.ts'
import { responder } from '../support/responder.ts'
import { until } from '../support/until.ts'
import { EMPTY } from '../support/empty.ts'
import type { Guarded } from '../support/gater-node.ts'
import type { Middlebox } from '../support/middlebox.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const stops: Array<() => unknown> = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

interface Behind extends Guarded {
  /** How often a socket was asked about that somebody else had dialled. */
  readonly accepted: () => number
}

/** A node that nobody can dial: it is known by a port of the middlebox. `localhost`, because an address in 127.0.0.0/8 passes for private. */
async function behind (port: number, listen: string[], isMended: boolean): Promise<Behind> {
  let accepted = 0
  const { transport, muxer, mend } = responder()
  const made = await guarded(listen, { also: { denyInboundConnection: () => {
    accepted++
    return false
  } } }, {}, {
    transports: [transport, circuitRelayTransport()],
    streamMuxers: [muxer],
    addresses: { listen, appendAnnounce: [`/dns4/localhost/tcp/${port}`] },
    services: { identify: identify(), dcutr: dcutr() }
  } as never)

  stops.push(async () => made.node.stop())
  for (const node of [made.node].filter(() => isMended)) mend(node)
  return { ...made, accepted: () => accepted }
}

interface Scene {
  readonly box: Middlebox

  /** He dials over the relay. */
  readonly a: Behind

  /** He is reached over the relay, and dials back. */
  readonly b: Behind
}

async function scene (isMended = true): Promise<Scene> {
  const between = await relay()
  stops.push(async () => between.stop())
  const box = await middlebox()
  stops.push(() => { box.stop() })
  const [portOfA, portOfB] = box.ports
  const reach = `${between.getMultiaddrs()[0]!.toString()}/p2p-circuit`
  const a = await behind(portOfA, [], isMended)
  const b = await behind(portOfB, [reach], isMended)

  await until('B has a reservation', () => b.node.getMultiaddrs().some(address => address.toString().includes('p2p-circuit')))
  return { box, a, b }
}

function circuitOf ({ node }: Behind): Multiaddr {
  return node.getMultiaddrs().find(address => address.toString().includes('p2p-circuit'))!
}

/** A dials B over the relay, and waits until both have a direct connection, and no other. */
async function punch ({ a, b, box }: Scene): Promise<void> {
  const relayed = await a.node.dial(circuitOf(b))
  expect(relayed.limits).toBeDefined()

  await until('the hole is punched', () => box.joined === 2, 15_000)
  await until('only the direct connection is left', () => [[a, b], [b, a]].every(([from, to]) => {
    const [only, ...others] = from!.node.getConnections(to!.node.peerId)
    return only?.limits == null && only?.status === 'open' && others.length === 0
  }))
}

describe('a hole punch', () => {
  it('is counted once on both sides, where nobody accepted, and is given back', async () => {
    const whole = await scene()
    const { a, b, box } = whole
    await punch(whole)

    // B dialled A alone first, was refused, and that left nothing
    expect(box.refused).toBeGreaterThan(0)
    expect(b.node.getConnections(a.node.peerId).map(({ direction }) => direction)).toEqual(['inbound'])
    expect(a.node.getConnections(b.node.peerId).map(({ direction }) => direction)).toEqual(['outbound'])
    // the relayed one, which B accepted, is the only one that anybody did
    expect([a.accepted(), b.accepted()]).toEqual([0, 1])

    for (const { gater, node } of [a, b]) {
      await until('the connection to the relay and the direct one are counted', () => gater.inspect().connections === 2 && gater.inspect().peers === 2)
      expect(gater.inspect()).toMatchObject({ open: { inbound: 0, outbound: 2 }, pending: { inbound: 0, outbound: 0 }, closing: 0, transports: { tcp: 2 }, denials: EMPTY })
      expect(node.services.connManager.getInfo().connCount).toBe(2)
    }

    await a.node.getConnections(b.node.peerId)[0]!.close()
    for (const { gater, node } of [a, b]) {
      await until('it is given back', () => gater.inspect().connections === 1 && gater.inspect().peers === 1 && node.services.connManager.getInfo().connCount === 1)
    }
    await Promise.all([a.node.stop(), b.node.stop()])
    for (const { gater } of [a, b]) await until('nothing is held', () => gater.inspect().connections === 0 && gater.inspect().peers === 0)
    expect([a, b].map(({ gater }) => gater.inspect())).toMatchObject([{ clients: {}, prefixes: {}, transports: {} }, { clients: {}, prefixes: {}, transports: {} }])
  })

  it('with a peer who was blocked meanwhile is refused without an accept, and holds nothing', async () => {
    const whole = await scene()
    const { a, b, box } = whole
    const original = b.gater.denyInboundEncryptedConnection
    const asked: string[] = []

    b.gater.denyInboundEncryptedConnection = (peer, maConn) => {
      for (const one of [maConn].filter(({ direction }) => direction === 'outbound')) {
        asked.push(one.remoteAddr.toString())
        void b.gater.blockPeer(peer, { closeExisting: false })
      }
      return original(peer, maConn)
    }

    await a.node.dial(circuitOf(b))
    await until('it is asked about', () => asked.length > 0, 15_000)
    expect(asked[0]).toContain(`/dns4/localhost/tcp/${box.ports[0]}`)
    await until('it is refused', () => b.gater.inspect().denialsByStage.secured?.['blocked-peer'] === 1)

    await until('nothing of it is left', () => b.gater.inspect().pending.outbound === 0 && a.gater.inspect().pending.outbound === 0 && (b.gater.inspect().transports.tcp ?? 0) === 1)
    expect(b.gater.inspect().closing).toBe(0)
  })

  it('that comes to nothing leaves what is open, and no more', async () => {
    const { a, b, box } = await scene(false)
    await a.node.dial(circuitOf(b))
    await until('it was tried', () => box.joined >= 2, 15_000)
    await quiet([a, b])

    for (const { gater, node } of [a, b]) {
      expect(gater.inspect()).toMatchObject({ connections: node.getConnections().length, pending: { inbound: 0, outbound: 0 }, closing: 0 })
      expect(node.services.connManager.getInfo().connCount).toBe(node.getConnections().length)
    }
  })
})
