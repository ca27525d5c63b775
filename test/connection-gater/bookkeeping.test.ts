import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { ALICE, bench, BOB, connectionOver, enter, FakeHouse, NOTHING, RELAY, socket } from './kit.ts'
import type { Socket } from './kit.ts'

describe('a connection is counted', () => {
  it('from accept on, pending until it is upgraded, and until it closes', () => {
    const { gater, gate } = bench()
    const one = socket()

    gater.denyInboundConnection(one)
    expect(gater.inspect()).toMatchObject({ connections: 1, pending: { inbound: 1 }, clients: { '192.0.2.1': 1 }, prefixes: { '192.0.2.1': 1 } })

    gater.denyInboundEncryptedConnection(ALICE, one)
    expect(gater.inspect()).toMatchObject({ pending: { inbound: 1 }, peers: 1 })
    const client = clientOf(one.remoteAddr)
    expect(gate.crowds.around(client)).toEqual({ narrow: 1, wide: 1 })

    gater.denyInboundUpgradedConnection(ALICE, one)
    expect(gater.inspect()).toMatchObject({ open: { inbound: 1 }, pending: { inbound: 0 } })
    expect(gate.crowds.around(client)).toEqual({ narrow: 0, wide: 0 })
    expect(gater.numOpen('192.0.2.1')).toBe(1)

    one.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it.each(['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.1/udp/1/quic-v1', '/memory/1', `/ip4/192.0.2.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit`])('and given back once over %s, however often it closes', address => {
    const { gater } = bench()
    const one = socket(address)
    gater.denyInboundConnection(one)

    one.die()
    one.die()
    one.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
    expect(gater.numOpen('192.0.2.1')).toBe(0)
  })

  it('not at all when it is dead already', () => {
    const { gater, denials } = bench()
    const dead = socket()
    dead.die()

    expect(gater.denyInboundConnection(dead)).toBe(true)
    expect(denials).toMatchObject([{ stage: 'accept', reason: 'not-open' }])
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it.each(['accept', 'secured'])('no more when it dies after %s, and the next stage denies it', stage => {
    const { gater, denials } = bench()
    const dying = socket()
    gater.denyInboundConnection(dying)
    for (const _ of ['secured'].filter(name => name === stage)) gater.denyInboundEncryptedConnection(ALICE, dying)
    dying.die()

    expect(gater.denyInboundUpgradedConnection(ALICE, dying)).toBe(true)
    expect(denials).toMatchObject([{ stage: 'upgraded', reason: 'not-open' }])
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('once when accept sees it twice', () => {
    const { gater } = bench()
    const one = socket()
    gater.denyInboundConnection(one)
    gater.denyInboundConnection(one)

    expect(gater.inspect()).toMatchObject({ connections: 1 })
    one.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('as outbound when it was dialled, and pays no connect rate', () => {
    const { gater } = bench({ connectRate: { strategy: 'token-bucket', limit: 1, window: 1_000 } })
    const one = socket('/ip4/192.0.2.1/tcp/1', 'outbound')

    gater.denyOutboundConnection(ALICE, one)
    expect(gater.inspect()).toMatchObject({ pending: { outbound: 1 }, rateEntries: 0 })
    gater.denyOutboundEncryptedConnection(ALICE, one)
    gater.denyOutboundUpgradedConnection(ALICE, one)
    expect(gater.inspect()).toMatchObject({ open: { outbound: 1 }, pending: { outbound: 0 } })
    one.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('from the secured stage on when it was dialled without a peer id', () => {
    const { gater } = bench()
    const one = socket('/ip4/192.0.2.1/tcp/1', 'outbound')

    gater.denyOutboundEncryptedConnection(ALICE, one)
    expect(gater.inspect()).toMatchObject({ pending: { outbound: 1 } })
    one.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('once after a hole punch, which is inbound without an accept', () => {
    const { gater, gate } = bench()
    const house = new FakeHouse()
    gate.attach(house)
    const punched = socket('/ip4/192.0.2.1/tcp/1', 'outbound')

    expect(gater.denyOutboundConnection(ALICE, punched)).toBe(false)
    expect(gater.denyInboundEncryptedConnection(ALICE, punched)).toBe(false)
    expect(gater.denyInboundUpgradedConnection(ALICE, punched)).toBe(false)
    expect(gater.inspect()).toMatchObject({ connections: 1, open: { inbound: 0, outbound: 1 } })
    expect(house.log).toEqual(['reserve inbound', 'take'])

    punched.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('no more when the connection over it says that it has closed and the socket does not', () => {
    const { gater, gate } = bench()
    const silent = socket('/ip4/192.0.2.1/udp/1/quic-v1/webtransport')
    expect(enter(gater, silent, ALICE)).toBe('open')

    gate.connectionClosed(connectionOver(silent, ALICE))
    expect(gater.inspect()).toMatchObject(NOTHING)
  })
})

describe('what is refused', () => {
  it.each([
    ['secured', 'denyInboundEncryptedConnection'],
    ['upgraded', 'denyInboundUpgradedConnection']
  ] as const)('at %s is ended, and gives back its place in the house', async (_, hook) => {
    const { gater, gate } = bench({ maxInbound: 1, maxConnsPerPeer: 1 })
    const house = new FakeHouse()
    gate.attach(house)
    const [first, second] = [socket(), socket('/ip4/192.0.2.2/tcp/1')]

    gater.denyInboundConnection(second)
    expect(enter(gater, first, ALICE)).toBe('open')
    const peer = hook === 'denyInboundEncryptedConnection' ? ALICE : BOB
    for (const _ of [hook].filter(name => name !== 'denyInboundEncryptedConnection')) gater.denyInboundEncryptedConnection(peer, second)

    expect(gater[hook](peer, second)).toBe(true)
    expect(second.aborts.map(({ message }) => message)).toEqual(['Connection refused'])
    expect(gater.inspect()).toMatchObject({ connections: 1, open: { inbound: 1 } })
    expect(house.log.filter(word => word === 'give back').length).toBe(house.log.filter(word => word.startsWith('reserve')).length - 1)
  })

  it('at accept over WebSockets is terminated at once', () => {
    const { gater } = bench({ maxConnsPerIp: 0 })
    const refused = socket('/ip4/192.0.2.1/tcp/1/ws')

    expect(gater.denyInboundConnection(refused)).toBe(true)
    expect(refused.websocket?.terminated).toBe(1)
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('when it is a dialled WebSocket, which js-libp2p leaves open, is closed', async () => {
    const { gater } = bench()
    const dialled = socket('/ip4/192.0.2.1/tcp/1/ws', 'outbound')
    await gater.blockPeer(ALICE)

    expect(gater.denyOutboundConnection(ALICE, dialled)).toBe(true)
    expect(dialled.websocket?.terminated).toBe(1)
  })
})

describe('a WebSocket', () => {
  it('keeps its slot until its socket is gone, and is hurried after a second', () => {
    const { gater, clock } = bench({ maxConnsPerIp: 1 })
    const closing = socket('/ip4/192.0.2.1/tcp/1/ws')
    expect(enter(gater, closing, ALICE)).toBe('open')

    closing.die()
    expect(gater.inspect()).toMatchObject({ connections: 1, closing: 1, open: { inbound: 0 } })
    expect(gater.denyInboundConnection(socket())).toBe(true)

    clock.advance(999)
    expect(closing.websocket?.terminated).toBe(0)
    clock.advance(1)
    expect(closing.websocket?.terminated).toBe(1)

    closing.websocket?.gone()
    closing.websocket?.gone()
    closing.die()
    expect(gater.inspect()).toMatchObject(NOTHING)
    expect(gater.denyInboundConnection(socket())).toBe(false)
    expect(clock.pending).toBe(0)
  })

  it('that is aborted is terminated, and nothing waits', () => {
    const { gater, clock } = bench()
    const evicted = socket('/ip4/192.0.2.1/tcp/1/ws')
    enter(gater, evicted, ALICE)

    evicted.abort(new Error('evicted'))
    expect(evicted.websocket?.terminated).toBe(1)
    evicted.websocket?.gone()
    expect(gater.inspect()).toMatchObject(NOTHING)
    expect(clock.pending).toBe(0)
  })

  it('of a platform that cannot terminate gives its slot back all the same', () => {
    const { gater, clock } = bench()
    const native = socket('/ip4/192.0.2.1/tcp/1/ws', 'outbound')
    Object.assign(native.websocket!, { terminate: undefined })

    gater.denyOutboundConnection(ALICE, native)
    native.die()
    clock.advance(1_000)
    expect(native.websocket?.closed).toBe(1)
    expect(gater.inspect()).toMatchObject(NOTHING)
  })
})

it('a connection that is closing already takes no place in the house, though its socket is there', () => {
  const { gater, gate, denials } = bench()
  const house = new FakeHouse()
  gate.attach(house)
  const closing = socket('/ip4/192.0.2.1/tcp/1/ws')
  gater.denyInboundConnection(closing)
  gate.connectionClosed(Object.assign(connectionOver(closing, ALICE), { maConn: closing }))

  expect(gater.denyInboundEncryptedConnection(ALICE, closing)).toBe(true)
  expect(gater.intercept.upgraded('inbound', ALICE, closing)).toMatchObject({ allow: false, reason: 'not-open' })
  expect(denials.map(({ reason }) => reason)).toEqual(['not-open', 'not-open'])
  expect(house.log).toEqual(['accept'])
})

describe('sockets of a /ws listener', () => {
  const remote = { address: '192.0.2.1', port: 77 }

  it('count from their connection on, and become the WebSocket that comes from them', () => {
    const { gater, gate } = bench({ maxConnsPerIp: 1 })
    const place = gate.admitSocket(remote, () => {})
    expect(gater.inspect()).toMatchObject({ connections: 1, pending: { inbound: 1 }, transports: { ws: 1 } })

    const webSocket = socket('/ip4/192.0.2.1/tcp/77/ws')
    expect(enter(gater, webSocket, ALICE)).toBe('open')
    expect(gater.inspect()).toMatchObject({ connections: 1, open: { inbound: 1 } })

    webSocket.die()
    expect(gater.inspect()).toMatchObject({ connections: 1, closing: 1 })
    expect(place).toMatchObject({ allow: true })
    const { release } = place as { release: (silent?: boolean) => void }
    release()
    release()
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  /** `ws` says over which socket a WebSocket comes; another implementation may not. */
  it.each([
    ['as ws tells them apart', [4_002, 4_001]],
    ['each its own, as far as can be seen', [undefined, undefined]]
  ])('of two listeners, from one address and port, are two: %s', async (_, [first, second]) => {
    const { gater, gate } = bench()
    const places = [4_001, 4_002].map(localPort => gate.admitSocket({ ...remote, localPort }, () => {}) as { release: () => void })
    const [one, other] = [first, second].map(localPort => {
      const made = socket('/ip4/192.0.2.1/tcp/77/ws')
      Object.assign(made.websocket!, { _socket: { localPort } })
      return made
    }) as [Socket, Socket]
    expect([enter(gater, one, ALICE), enter(gater, other, BOB)]).toEqual(['open', 'open'])
    expect(gater.inspect()).toMatchObject({ connections: 2, open: { inbound: 2 }, peers: 2 })

    await gater.blockPeer(BOB)
    expect([one.status, other.status]).toEqual(['open', 'aborted'])
    one.die()
    for (const { release } of places) release()
    expect(gater.inspect()).toMatchObject(NOTHING)
    expect(gate.close(connectionOver(one, ALICE), new Error('again'))).toBe(false)
  })

  it('are refused like any other, with an event', () => {
    const { gate, denials } = bench({ maxConnsPerIp: 1 })
    gate.admitSocket(remote, () => {})

    expect(gate.admitSocket({ address: '::ffff:192.0.2.1', port: 78 }, () => {})).toMatchObject({ allow: false, reason: 'connection-limit' })
    expect(denials).toMatchObject([{ stage: 'accept', ip: '192.0.2.1', reason: 'connection-limit' }])
  })

  it('that said nothing for ten seconds have offended', () => {
    const { gater, gate, clock } = bench({ risk: { threshold: 1 } })
    const place = gate.admitSocket(remote, () => {}) as { release: (silent?: boolean) => void }
    clock.advance(10_000)
    place.release(true)

    expect(gater.inspect()).toMatchObject({ ...NOTHING, bans: [{ key: '192.0.2.1', reason: 'pending-timeout' }] })
  })
})
