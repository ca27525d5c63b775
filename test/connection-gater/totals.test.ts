import { describe, expect, it } from 'vitest'
import { ALICE, bench, BOB, CAROL, enter, MALLORY, PEERS, RELAY, socket } from './kit.ts'
import { brokenStore } from './store-kit.ts'
import type { Socket } from './kit.ts'
import type { PeerId } from '@libp2p/interface'

describe('totals', () => {
  it.each([
    ['maxInbound', { maxInbound: 1 }, 'total-limit'],
    ['maxConns', { maxConns: 1 }, 'total-limit'],
    ['transportLimits', { transportLimits: { tcp: 1 } }, 'transport-limit']
  ] as const)('%s holds across addresses', (_, init, reason) => {
    const { gater, denials } = bench(init)
    expect(enter(gater, socket(), ALICE)).toBe('open')

    expect(enter(gater, socket('/ip4/198.51.100.1/tcp/1'), BOB)).toBe('accept')
    expect(denials).toMatchObject([{ stage: 'accept', reason, limit: 1 }])
  })

  it.each(['/memory/1', `/ip4/203.0.113.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit`])('maxConns counts %s, which has no address of its own, until it is gone', address => {
    const { gater } = bench({ maxConns: 2 })
    const two = [socket(address), socket(address)]
    expect([...two, socket(address), socket()].map(one => gater.denyInboundConnection(one))).toEqual([false, false, true, true])

    two[0]!.die()
    expect([socket(), socket()].map(one => gater.denyInboundConnection(one))).toEqual([false, true])
  })

  it('maxInbound counts what is open, and is exact when many upgrade at once', () => {
    const { gater } = bench({ maxInbound: 2 })
    const all = PEERS.map((peer, i) => ({ peer, socket: socket(`/ip4/192.0.2.${i}/tcp/1`) }))
    for (const { socket } of all) expect(gater.denyInboundConnection(socket)).toBe(false)
    for (const { socket, peer } of all) expect(gater.denyInboundEncryptedConnection(peer, socket)).toBe(false)

    expect(all.map(({ socket, peer }) => gater.denyInboundUpgradedConnection(peer, socket))).toEqual([false, false, true, true, true, true])
    expect(gater.inspect()).toMatchObject({ connections: 2, open: { inbound: 2 } })
  })

  it.each([
    ['maxInbound', 'the user\'s own gater', 'inbound', 'denyInboundUpgradedConnection', { also: { denyInboundUpgradedConnection: async () => false } }, {}],
    ['maxOutbound', 'the user\'s own gater', 'outbound', 'denyOutboundUpgradedConnection', { also: { denyOutboundUpgradedConnection: async () => false } }, {}],
    ['maxInbound', 'stored rules', 'inbound', 'denyInboundUpgradedConnection', {}, { store: brokenStore({}) }]
  ] as const)('%s is exact when many wait for %s', async (limit, _, direction, hook, init, edge) => {
    const { gater } = bench({ [limit]: 2, ...init }, edge)
    const all = PEERS.map((peer, i) => ({ peer, socket: socket(`/ip4/192.0.2.${i}/tcp/1`, direction) }))
    for (const { socket, peer } of all) gater.intercept.secured(direction, peer, socket)

    expect(await Promise.all(all.map(async ({ socket, peer }) => gater[hook](peer, socket)))).toEqual([false, false, true, true, true, true])
    expect(gater.inspect()).toMatchObject({ connections: 2, open: { [direction]: 2 } })
  })

  it('maxOutbound and maxPendingOutbound hold dials, and dialled sockets', () => {
    const { gater } = bench({ maxOutbound: 1, maxPendingOutbound: 1 })
    const first = socket(undefined, 'outbound')
    gater.denyOutboundConnection(ALICE, first)

    expect(gater.denyDialPeer(BOB)).toBe(true)
    expect(gater.denyOutboundConnection(BOB, socket(undefined, 'outbound'))).toBe(true)
    gater.denyOutboundEncryptedConnection(ALICE, first)
    gater.denyOutboundUpgradedConnection(ALICE, first)
    expect(gater.denyDialPeer(BOB)).toBe(true)
    expect(gater.inspect().denials).toEqual({ 'pending-total': 2, 'total-limit': 1 })

    first.die()
    expect(gater.denyDialPeer(BOB)).toBe(false)
  })

  it('maxConnsPerPeer holds dials and both directions, from the secured stage on', () => {
    const { gater } = bench({ maxConnsPerPeer: 1 })
    const first = socket()
    gater.denyInboundConnection(first)
    gater.denyInboundEncryptedConnection(ALICE, first)

    expect(gater.denyDialPeer(ALICE)).toBe(true)
    expect(enter(gater, socket('/ip4/192.0.2.2/tcp/1'), ALICE)).toBe('secured')
    expect(enter(gater, socket('/ip4/192.0.2.2/tcp/1'), BOB)).toBe('open')
    first.die()
    expect(gater.denyDialPeer(ALICE)).toBe(false)
  })

  it('of a relay hold its clients together, and no address', () => {
    const { gater, denials } = bench({ maxConnsPerRelay: 2, maxConnsPerIp: 1 })
    const through = `/ip4/192.0.2.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit/p2p/`
    const [first] = [ALICE, BOB].map(peer => {
      const one = socket(`${through}${peer.toString()}`)
      expect(gater.denyInboundConnection(one)).toBe(false)
      return one
    })

    expect(gater.denyInboundRelayedConnection(RELAY, PEERS[2]!)).toBe(true)
    expect(gater.denyInboundConnection(socket(`${through}${PEERS[2]!.toString()}`))).toBe(true)
    expect(denials).toMatchObject([{ stage: 'relayed', reason: 'relay-limit' }, { stage: 'accept', reason: 'relay-limit', limit: 2 }])
    expect(gater.numOpen('192.0.2.1')).toBe(0)

    first!.die()
    expect(gater.denyInboundRelayedConnection(RELAY, PEERS[2]!)).toBe(false)
  })
  it('of a relay are not lifted by trust in the relay', () => {
    const { gater } = bench({ maxConnsPerRelay: 1, trust: [RELAY] })
    const nameless = `/ip4/203.0.113.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit`
    expect(enter(gater, socket(nameless), ALICE)).toBe('open')

    expect(gater.denyInboundConnection(socket(nameless))).toBe(true)
  })

  it('of a relay let in who says he is a trusted peer, one at a time, and find out at secured', () => {
    const { gater, denials } = bench({ maxConnsPerRelay: 1, trust: [BOB] })
    const through = (peer: PeerId): Socket => socket(`/ip4/203.0.113.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit/p2p/${peer.toString()}`)
    expect(enter(gater, through(ALICE), ALICE)).toBe('open')

    expect(gater.denyInboundRelayedConnection(RELAY, BOB)).toBe(false)
    expect(enter(gater, through(BOB), BOB)).toBe('open')
    expect(enter(gater, through(CAROL), CAROL)).toBe('accept')

    const liar = through(BOB)
    expect([gater.denyInboundConnection(liar), gater.denyInboundConnection(through(BOB))]).toEqual([false, true])
    expect(gater.denyInboundEncryptedConnection(MALLORY, liar)).toBe(true)
    expect(enter(gater, through(BOB), BOB)).toBe('open')
    expect(denials.map(({ stage, reason }) => `${stage} ${reason}`)).toEqual(['accept relay-limit', 'accept relay-limit', 'secured relay-limit'])
  })

  it.each([
    ['pending-limit', { maxPendingPerIp: 1 }],
    ['pending-total', { maxPending: 1 }]
  ])('of who is pending, %s, let in who says over a relay that he is a trusted peer, one at a time', (reason, init) => {
    const { gater, denials } = bench({ ...init, trust: [BOB] })
    const over = (peer: PeerId) => socket(`/ip4/203.0.113.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit/p2p/${peer.toString()}`)
    gater.denyInboundConnection(over(ALICE))

    expect(gater.denyInboundConnection(over(ALICE))).toBe(true)
    expect(gater.denyInboundConnection(over(BOB))).toBe(false)
    expect(gater.denyInboundConnection(over(BOB))).toBe(true)
    expect(denials).toMatchObject([{ reason }, { reason }])
  })
})
