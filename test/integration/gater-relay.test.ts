import { describe, expect, it } from 'vitest'
import { connectionGater } from '../../src/index.ts'
import { guarded, plainNode, relay, RELAYED } from '../support/gater-node.ts'
import { componentsOf } from '../support/inside.ts'
import { stoppedAfter } from '../support/stopped-after.ts'
import { until } from '../support/until.ts'
import { EMPTY } from '../support/empty.ts'
import type { ConnectionGater, ConnectionGaterInit } from '../../src/index.ts'
import type { Libp2p, ServiceMap } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

const OPTIONS = RELAYED as unknown as Libp2pOptions<ServiceMap>
const mine = stoppedAfter()

interface Middle {
  readonly node: Libp2p
  readonly gater: ConnectionGater
  readonly address: Multiaddr
  readonly circuit: Multiaddr

  /** Peers who have a reservation. */
  reservations (): number
}

async function middle (init: ConnectionGaterInit = {}): Promise<Middle> {
  const gater = connectionGater({ networks: {}, ...init })
  const node = mine(await relay({ connectionGater: gater }))
  const address = node.getMultiaddrs()[0]!
  const { relay: { reservations } } = node.services as unknown as { relay: { reservations: { size: number } } }

  return { node, gater, address, circuit: address.encapsulate('/p2p-circuit'), reservations: () => reservations.size }
}

/** A dial resolves before the other side is done. */
async function come (node: Libp2p, { node: relay, address }: Middle): Promise<void> {
  await node.dial(address)
  await until('the relay has him', () => relay.getConnections(node.peerId).length === 1)
}

/** Somebody who is connected to the relay, and listens nowhere yet. */
async function guestOf (between: Middle, gaterInit: ConnectionGaterInit = {}): Promise<{ node: Libp2p, gater: ConnectionGater }> {
  const { node, gater } = await guarded([], gaterInit, {}, OPTIONS)
  await come(mine(node), between)
  return { node, gater }
}

/** A real reservation, or why there is none. */
async function reserve (node: Libp2p, { circuit }: Middle): Promise<string> {
  return componentsOf(node).transportManager.listen([circuit]).then(() => 'ok', (error: Error) => error.message)
}

async function dial (from: Libp2p, to: Multiaddr): Promise<string> {
  return from.dial(to, { signal: AbortSignal.timeout(8_000) }).then(() => 'ok', (error: Error) => error.message)
}

/** Who is there when something is denied. */
interface Scene {
  readonly own: Own
  readonly between: Middle
  /** Of who listens through the relay. */
  readonly gater: ConnectionGater
  readonly from: Libp2p
  readonly to: Libp2p
}

const LATER = { closeExisting: false }

class Own {
  denyInboundRelayReservation () { return this.denies }
  denyOutboundRelayedConnection () { return this.denies }
  denyInboundRelayedConnection () { return this.denies }
  denies = false
}

describe('a relay', () => {
  it('gives a reservation, and passes on a connection, to whom nothing denies it', async () => {
    const between = await middle()
    const { node, gater } = await guestOf(between)
    expect(await reserve(node, between)).toBe('ok')
    await until('it has a reservation', () => node.getMultiaddrs().length > 0)
    expect(between.reservations()).toBe(1)

    expect(await dial(mine(await plainNode(OPTIONS)), node.getMultiaddrs()[0]!)).toBe('ok')
    expect([between.gater, gater].map(gater => gater.inspect().denials)).toEqual([{}, {}])
  })

  it.each([
    ['its own block', 'blocked-peer', ({ between, to }: Scene) => { void between.gater.blockPeer(to.peerId, LATER) }],
    ['a gater of the user\'s', 'denied-by-user', ({ own }: Scene) => { own.denies = true }]
  ])('refuses a reservation by %s', async (_, reason, deny) => {
    const own = new Own()
    const between = await middle({ also: own })
    const { node, gater } = await guestOf(between)
    deny({ own, between, gater, from: node, to: node })

    expect(await reserve(node, between)).toContain('PERMISSION_DENIED')
    expect(between.gater.inspect().denialsByStage).toEqual({ 'relay-reservation': { [reason]: 1 } })
    expect([between.reservations(), node.getMultiaddrs()]).toEqual([0, []])
  })

  it.each([
    ['whom it blocks', 'blocked-peer', ({ between, from }: Scene) => { void between.gater.blockPeer(from.peerId, LATER) }],
    ['to somebody whom it blocks', 'blocked-peer', ({ between, to }: Scene) => { void between.gater.blockPeer(to.peerId, LATER) }],
    ['whom a gater of the user\'s refuses', 'denied-by-user', ({ own }: Scene) => { own.denies = true }]
  ])('passes on no connection of somebody %s', async (_, reason, deny) => {
    const own = new Own()
    const between = await middle({ also: own })
    const { node, gater } = await guestOf(between)
    expect(await reserve(node, between)).toBe('ok')
    const from = mine(await plainNode(OPTIONS))
    await come(from, between)
    deny({ own, between, gater, from, to: node })

    expect(await dial(from, node.getMultiaddrs()[0]!)).toContain('PERMISSION_DENIED')
    expect(between.gater.inspect().denialsByStage).toEqual({ 'relay-through': { [reason]: 1 } })
    expect(gater.inspect()).toMatchObject({ denials: EMPTY, transports: { tcp: 1 } })
  })
})

describe('who is reached through a relay', () => {
  it.each([
    ['a peer whom he blocks', 'blocked-peer', ({ gater, from }: Scene) => { void gater.blockPeer(from.peerId, LATER) }],
    ['anybody through a relay that he blocks', 'blocked-peer', ({ gater, between }: Scene) => { void gater.blockPeer(between.node.peerId, LATER) }],
    ['more than come through one relay at once', 'relay-limit', ({ gater }: Scene) => { gater.setConfig({ maxConnsPerRelay: 0 }) }],
    ['whom a gater of his own refuses', 'denied-by-user', ({ own }: Scene) => { own.denies = true }]
  ])('refuses %s, and the dialer hears of it at once', async (_, reason, deny) => {
    const own = new Own()
    const between = await middle()
    const { node, gater } = await guestOf(between, { also: own })
    expect(await reserve(node, between)).toBe('ok')
    const from = mine(await plainNode(OPTIONS))
    deny({ own, between, gater, from, to: node })

    // not that it timed out
    expect(await dial(from, node.getMultiaddrs()[0]!)).toContain('CONNECTION_FAILED')
    expect(gater.inspect()).toMatchObject({ denialsByStage: { relayed: { [reason]: 1 } }, transports: { tcp: 1 }, connections: 1 })
  })

  it('counts who comes by the relay, and gives his place back', async () => {
    const between = await middle()
    const { node, gater } = await guestOf(between)
    expect(await reserve(node, between)).toBe('ok')
    const from = mine(await plainNode(OPTIONS))
    expect(await dial(from, node.getMultiaddrs()[0]!)).toBe('ok')
    const key = `relay:${between.node.peerId.toString()}`
    await until('it is counted', () => gater.inspect().clients[key] === 1)

    await Promise.all(from.getConnections(node.peerId).map(async connection => connection.close()))
    await until('it is given back', () => gater.inspect().clients[key] == null)
    expect(gater.inspect()).toMatchObject({ connections: 1, transports: { tcp: 1 } })
  })
})
