import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { heard, openOnes, partHouse, storedPeer } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { MockConnection } from '../support/mock-connection.ts'
import type { PartHouse } from '../support/mock-house.ts'
import type { ReadPeer } from '../../src/conn-manager/peer-store-reader.ts'
import type { ConnManagerInit } from '../../src/index.ts'
import type { Place } from '../../src/limiter/ports.ts'
import type { Denied } from '../../src/limiter/verdict.ts'

/** A house of three inbound places and one that is kept for outbound ones. */
const marks = { lowWater: 1, highWater: 4, hardLimit: 4, outboundReserve: 1 }
const DENIED = { allow: false, action: 'close', reason: 'hard-limit', limit: 4 }

/** What the gater does at *secured*: it counts the guest among the crowds and asks for a place. */
function arrive (house: PartHouse, connection: MockConnection, trusted = false): Place | Denied {
  const client = clientOf(connection.remoteAddr)
  const crowd = house.crowds.enter(client)
  const { remotePeer, direction, timeline } = connection
  const place = house.manager.house.reserve({ peer: remotePeer, client, direction, trusted, timeline })
  house.crowds.leave(crowd)
  return place
}

function arriveAndTake (house: PartHouse, connection: MockConnection, trusted = false): Place {
  const place = arrive(house, connection, trusted) as Place
  expect(place.allow).toBe(true)
  place.take()
  return place
}

function full (init: ConnManagerInit = {}, readPeer?: ReadPeer): PartHouse {
  const house = partHouse({ ...marks, ...init }, { readPeer })
  house.openMany(3)
  return house
}

describe('at accept', () => {
  it.each<[string, number, ConnManagerInit, boolean, object | undefined]>([
    ['below the limit anybody may come', 2, {}, false, undefined],
    ['at the limit a stranger may compete', 3, {}, false, undefined],
    ['at the limit a stranger is refused where nobody may compete', 3, { onHardLimit: 'deny' }, false, DENIED],
    ['below the limit, where nobody may compete', 2, { onHardLimit: 'deny' }, false, undefined],
    ['a favoured address may come all the same', 3, { onHardLimit: 'deny' }, true, undefined]
  ])('%s', (_, count, init, favoured, expected) => {
    const { manager, openMany, make } = partHouse({ ...marks, ...init })
    openMany(count)

    expect(manager.house.atAccept(clientOf(make().remoteAddr), favoured)).toEqual(expected)
  })
})

describe('once the peer is known', () => {
  it('a reserved place counts until it is given back, twice or more', () => {
    const house = partHouse({ ...marks, onHardLimit: 'deny' })
    house.openMany(2)
    const place = arrive(house, house.make()) as Place
    expect(arrive(house, house.make())).toEqual(DENIED)

    place.giveBack()
    place.giveBack()
    expect(arrive(house, house.make()).allow).toBe(true)
    expect(arrive(house, house.make())).toEqual(DENIED)
  })

  it('a place is given back when its connection is open', () => {
    const house = partHouse({ ...marks, onHardLimit: 'deny' })
    house.openMany(1)
    const connection = house.make()
    arriveAndTake(house, connection)
    house.announce(connection)

    expect(arrive(house, house.make()).allow).toBe(true)
    expect(arrive(house, house.make())).toEqual(DENIED)
  })

  it('one worth more displaces the one worth least, at *upgraded* and not before', () => {
    const house = full()
    const evictions = heard(house.manager, 'evict')
    for (const [n, value] of [5, 1, 3].entries()) house.manager.tagPeer(peer(n), 'a', value)
    const newcomer = house.make()
    house.manager.tagPeer(newcomer.remotePeer, 'a', 2)
    const place = arrive(house, newcomer) as Place
    expect(openOnes(house.connections.slice(0, 3))).toHaveLength(3)
    place.take()
    place.take()
    house.announce(newcomer)

    expect(openOnes(house.connections)).toEqual(['c0000', 'c0002', 'c0003'])
    expect(evictions).toEqual([{ connectionId: 'c0001', peer: peer(1), value: 1, newcomer: newcomer.remotePeer, reason: 'displaced' }])
  })

  it('a failed upgrade displaces nobody', () => {
    const house = full()
    const newcomer = house.make()
    house.manager.tagPeer(newcomer.remotePeer, 'a', 2)
    const place = arrive(house, newcomer) as Place
    place.giveBack()
    place.take()

    expect(openOnes(house.connections.slice(0, 3))).toHaveLength(3)
  })

  it('two at once displace two, and a third finds one left', () => {
    const house = full()
    const newcomers = [1, 2, 3, 4].map(() => house.make())
    for (const { remotePeer } of newcomers) house.manager.tagPeer(remotePeer, 'a', 2)
    const places = newcomers.map(newcomer => arrive(house, newcomer))
    expect(places.map(({ allow }) => allow)).toEqual([true, true, true, false])
    for (const place of places.slice(0, 2)) (place as Place).take()

    expect(openOnes(house.connections.slice(0, 3))).toHaveLength(1)
  })

  it.each<[string, (house: PartHouse) => void]>([
    ['left by itself', house => { house.connections[0]!.end() }],
    ['is closed by somebody else', house => { house.connections[0]!.status = 'closing' }],
    ['died unannounced', house => { house.connections[0]!.status = 'closed' }],
    ['was not the only one to leave', house => { for (const c of house.connections.slice(1, 3)) c.end() }]
  ])('nobody is displaced when the chosen one %s meanwhile', (_, change) => {
    const house = full()
    const evictions = heard(house.manager, 'evict')
    const newcomer = house.make()
    house.manager.tagPeer(newcomer.remotePeer, 'a', 2)
    const place = arrive(house, newcomer) as Place
    change(house)
    place.take()

    expect(evictions).toEqual([])
  })

  it.each<[string, (house: PartHouse, trusted: Set<string>) => void]>([
    ['protected', house => { house.manager.protect(peer(2), 'mine') }],
    ['trusted', (_, trusted) => { trusted.add(peer(2).toString()) }]
  ])('another is displaced when the chosen one was %s meanwhile; where nobody may go, that is reported', (_, spare) => {
    const trusted = new Set<string>()
    const house = partHouse(marks, { trust: { trustsAnybody: true, isTrusted: ({ remotePeer }) => trusted.has(remotePeer.toString()) } })
    house.openMany(3)
    const evictions = heard(house.manager, 'evict')
    for (const n of [0, 1]) house.manager.tagPeer(peer(n), 'a', n + 1)
    const [first, second] = [house.make(), house.make()]
    house.manager.tagPeer(first.remotePeer, 'a', 3)
    house.manager.tagPeer(second.remotePeer, 'a', 9)
    const place = arrive(house, first) as Place
    spare(house, trusted)
    place.take()
    house.announce(first)
    expect(evictions).toMatchObject([{ connectionId: 'c0000', newcomer: first.remotePeer, reason: 'displaced' }])

    const next = arrive(house, second) as Place
    for (const n of [1, 3]) house.manager.protect(peer(n), 'mine')
    next.take()
    expect(evictions.slice(1)).toEqual([{ newcomer: second.remotePeer, reason: 'admitted-above-limit' }])
  })

  it.each<[string, number, (connection: MockConnection) => void]>([
    ['worth too little for another', 2, connection => { connection.end() }],
    ['worth more than all', 9, connection => { connection.end() }],
    ['worth more than all, and that was not announced', 9, connection => { connection.status = 'closed' }]
  ])('one whose chosen one left has his place, and a later newcomer displaces who was chosen for him: %s', (_, value, leave) => {
    const house = full()
    const evictions = heard(house.manager, 'evict')
    for (const n of [0, 1, 2]) house.manager.tagPeer(peer(n), 'a', n + 1)
    const newcomers = [house.make(), house.make()] as const
    for (const [n, { remotePeer }] of newcomers.entries()) house.manager.tagPeer(remotePeer, 'a', [value, 10][n]!)

    const first = arrive(house, newcomers[0]) as Place
    leave(house.connections[0]!)
    const second = arrive(house, newcomers[1]) as Place
    first.take()
    house.announce(newcomers[0])
    expect(evictions).toEqual([])

    second.take()
    house.announce(newcomers[1])
    expect(evictions).toMatchObject([{ connectionId: 'c0001', newcomer: newcomers[1].remotePeer, reason: 'displaced' }])
    expect(openOnes(house.connections)).toEqual(['c0002', 'c0003', 'c0004'])
  })

  it('of two chosen ones the lower goes where somebody else has left', () => {
    const house = full()
    for (const n of [0, 1, 2]) house.manager.tagPeer(peer(n), 'a', n)
    const newcomers = [house.make(), house.make()]
    for (const { remotePeer } of newcomers) house.manager.tagPeer(remotePeer, 'a', 9)
    const places = newcomers.map(newcomer => arrive(house, newcomer) as Place)
    house.connections[2]!.end()

    for (const [n, place] of places.entries()) {
      place.take()
      house.announce(newcomers[n]!)
    }
    expect(openOnes(house.connections)).toEqual(['c0001', 'c0003', 'c0004'])
  })

  it('nobody is told of one above the limit whose upgrade fails', () => {
    const house = full()
    const evictions = heard(house.manager, 'evict')
    for (const { remotePeer } of house.connections) house.manager.protect(remotePeer, 'mine')
    const place = arrive(house, house.make(), true) as Place
    place.giveBack()

    expect(evictions).toEqual([])
  })

  it.each([
    ['that others are closing', 'closing'],
    ['that died unannounced', 'closed']
  ] as const)('connections %s take no place', (_, status) => {
    const house = full({ onHardLimit: 'deny' })
    for (const connection of house.connections) connection.status = status
    expect(house.manager.house.atAccept(clientOf(house.make().remoteAddr), false)).toBeUndefined()

    for (const n of [0, 1, 2]) expect([n, arrive(house, house.make()).allow]).toEqual([n, true])
    expect([arrive(house, house.make()), house.manager.getInfo().connCount]).toEqual([DENIED, 0])
  })

  it('a house that stays full is looked through once a second', () => {
    const house = full({ onHardLimit: 'deny' })
    let looks = 0
    Object.defineProperty(house.connections[0], 'status', { get: () => looks++ < 0 ? 'closed' : 'open' })
    const client = clientOf(house.make().remoteAddr)
    for (let n = 0; n < 10; n++) expect(house.manager.house.atAccept(client, false)).toEqual(DENIED)
    expect(looks).toBe(1)

    house.clock.advance(1_000)
    house.manager.house.atAccept(client, false)
    expect(looks).toBe(2)
  })

  it('a house that stays full is looked through though the clock was set back', () => {
    const house = full({ onHardLimit: 'deny' })
    const client = clientOf(house.make().remoteAddr)
    expect(house.manager.house.atAccept(client, false)).toEqual(DENIED)
    house.clock.jump(house.clock.now() - 3_600_000)
    house.connections[0]!.status = 'closed'

    expect(house.manager.house.atAccept(client, false)).toBeUndefined()
  })

  it('a place that outlives a stop does not displace who has come where the chosen one was', () => {
    const house = full()
    const newcomer = house.make()
    house.manager.tagPeer(newcomer.remotePeer, 'a', 2)
    // the row of the third is the first to be used again
    for (const n of [0, 1]) house.manager.tagPeer(peer(n), 'a', 1)
    const place = arrive(house, newcomer) as Place
    house.manager.start()
    house.manager.stop()
    house.manager.start()
    const [where, other, outbound] = [...house.openMany(2), house.open({ direction: 'outbound' })]
    house.manager.tagPeer(where!.remotePeer, 'a', 1)
    place.take()

    expect([where, other, outbound].map(connection => connection!.status)).toEqual(['open', 'closed', 'open'])
  })

  it.each<[string, (house: PartHouse, newcomer: MockConnection) => void, boolean, string[]]>([
    ['a stranger among strangers: ties keep the incumbent', () => {}, false, ['c0000', 'c0001', 'c0002']],
    ['a protected one displaces the lowest', (house, { remotePeer }) => { house.manager.protect(remotePeer, 'mine') }, true, ['c0001', 'c0002', 'c0003']],
    ['one of less value than all', (house, { remotePeer }) => { house.manager.tagPeer(remotePeer, 'a', -1) }, false, ['c0000', 'c0001', 'c0002']]
  ])('%s', (_, prepare, allow, open) => {
    const house = full()
    const newcomer = house.make()
    prepare(house, newcomer)
    const place = arrive(house, newcomer)
    for (const taken of [place].filter(place => place.allow)) {
      taken.take()
      house.announce(newcomer)
    }

    expect(place.allow).toBe(allow)
    expect(openOnes(house.connections).filter(id => allow || id !== newcomer.id)).toEqual(open)
  })

  it('a trusted one is let in above the limit when nobody may be displaced, and reported', () => {
    const house = full()
    const evictions = heard(house.manager, 'evict')
    for (const { remotePeer } of house.connections) house.manager.protect(remotePeer, 'mine')
    const newcomer = house.make()
    arriveAndTake(house, newcomer, true)
    house.announce(newcomer)

    expect(house.manager.getInfo().connCount).toBe(4)
    expect(evictions).toEqual([{ newcomer: newcomer.remotePeer, reason: 'admitted-above-limit' }])
  })

  it('the newcomer from an empty part of the network displaces one of a crowd, the youngest of it', () => {
    const house = partHouse(marks)
    house.open({ remoteAddr: '/ip4/192.0.2.1/tcp/1' })
    house.clock.advance(1)
    house.open({ remoteAddr: '/ip4/192.0.2.2/tcp/1' })
    house.open({ remoteAddr: '/ip4/198.51.100.1/tcp/1' })
    const newcomer = house.make({ remoteAddr: '/ip4/203.0.113.1/tcp/1' })
    arriveAndTake(house, newcomer)

    expect(openOnes(house.connections.slice(0, 3))).toEqual(['c0000', 'c0002'])
    expect(arrive(house, house.make({ remoteAddr: '/ip4/192.0.2.3/tcp/1' }))).toEqual(DENIED)
  })

  it('within one /24 the newcomer from an address of its own displaces one of several from another', () => {
    const house = partHouse(marks)
    for (const remoteAddr of ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1', '/ip4/192.0.2.1/tcp/2']) house.open({ remoteAddr })
    expect(arrive(house, house.make({ remoteAddr: '/ip4/192.0.2.2/tcp/2' }))).toEqual(DENIED)

    arriveAndTake(house, house.make({ remoteAddr: '/ip4/192.0.2.3/tcp/1' }))
    expect(openOnes(house.connections.slice(0, 3))).toEqual(['c0001', 'c0002'])
  })
})

describe('outbound connections', () => {
  it('have their reserve, displace the lowest unprotected inbound one beyond it, and always come in', () => {
    const house = full()
    const evictions = heard(house.manager, 'evict')
    house.manager.protect(peer(0), 'mine')
    house.manager.tagPeer(peer(1), 'a', 5)
    for (let i = 0; i < 4; i++) house.open({ direction: 'outbound' })

    expect(openOnes(house.connections)).toEqual(['c0000', 'c0003', 'c0004', 'c0005', 'c0006'])
    expect(evictions.map(({ connectionId, reason }) => [connectionId, reason]))
      .toEqual([['c0002', 'displaced'], ['c0001', 'displaced'], [undefined, 'admitted-above-limit']])
  })

  it('are never displaced by inbound ones', () => {
    const house = partHouse(marks)
    house.openMany(3, { direction: 'outbound' })
    const newcomer = house.make()
    house.manager.tagPeer(newcomer.remotePeer, 'a', 100)

    expect(arrive(house, newcomer)).toEqual(DENIED)
  })
})

describe('without a gate', () => {
  it('a newcomer who loses is closed at once, and reported', async () => {
    const house = full()
    const evictions = heard(house.manager, 'evict')
    const loser = house.open()
    await Promise.resolve()

    expect(loser.calls).toEqual(['close'])
    expect(house.manager.getInfo()).toMatchObject({ connCount: 3, trackedPeers: 3 })
    expect(evictions).toMatchObject([{ connectionId: loser.id, newcomer: loser.remotePeer, reason: 'not-worth-more' }])
  })
})

/** A peer store that knows one tag of everybody, of so much value. */
const worth = (value: number): ReadPeer => async peer => storedPeer(peer, { kad: value })
const hangs: ReadPeer = async () => new Promise(() => {})
const rubbish: ReadPeer = async id => ({ ...storedPeer(id, {}), tags: null as never })
const fails: ReadPeer = async () => { throw new Error('disk full') }

async function turns (): Promise<void> {
  for (let n = 0; n < 20; n++) await Promise.resolve()
}

describe('the peer store\'s tags of a newcomer', () => {
  it.each<[string, ReadPeer, number, boolean]>([
    ['are read for one who loses without them, and may win', worth(5), 4, true],
    ['lose where they are worth no more', worth(5), 5, false],
    ['are added to own tags', worth(5), 5.5, true],
    ['are nothing where the store does not know the peer', async () => undefined, 0, false],
    ['are nothing where the store fails', fails, 0, false],
    ['are nothing where the store answers with rubbish', rubbish, 0, false]
  ])('%s', async (_, readPeer, incumbents, wins) => {
    const house = full({}, readPeer)
    await turns()
    for (const { remotePeer } of house.connections) house.manager.peerUpdated(storedPeer(remotePeer, { kad: Math.floor(incumbents) }))

    const newcomer = house.make()
    if (incumbents % 1 > 0) house.manager.tagPeer(newcomer.remotePeer, 'own', 1)
    expect(arrive(house, newcomer)).toEqual(DENIED)

    await house.manager.house.recall({ peer: newcomer.remotePeer, timeline: newcomer.timeline })
    expect(arrive(house, newcomer).allow).toBe(wins)
  })

  it('are waited for no longer than a second', async () => {
    const house = full({}, hangs)
    const newcomer = house.make()
    let done = false
    void house.manager.house.recall({ peer: newcomer.remotePeer, timeline: newcomer.timeline })!.then(() => { done = true })

    house.clock.advance(999)
    await turns()
    expect(done).toBe(false)

    house.clock.advance(1)
    await turns()
    expect(done).toBe(true)
    expect(arrive(house, newcomer)).toEqual(DENIED)
  })

  it('are read once, and not where they would change nothing', async () => {
    const house = full({}, worth(1))
    const { house: port } = house.manager
    const newcomer = house.make()
    const guest = { peer: newcomer.remotePeer, timeline: newcomer.timeline }
    const known = house.make({ remotePeer: peer(0) })

    await port.recall(guest)
    expect(port.recall(guest)).toBeUndefined()
    expect(port.recall({ peer: known.remotePeer, timeline: known.timeline })).toBeUndefined()
    expect(full({ onHardLimit: 'deny' }, worth(1)).manager.house.recall(guest)).toBeUndefined()
    expect(full().manager.house.recall(guest)).toBeUndefined()
  })

  it('count once when the peer has connected meanwhile', async () => {
    const house = full({}, worth(3))
    await turns()
    for (const { remotePeer } of house.connections) house.manager.tagPeer(remotePeer, 'own', 2)

    const newcomer = house.make({ remotePeer: peer(9) })
    await house.manager.house.recall({ peer: peer(9), timeline: newcomer.timeline })
    house.open({ remotePeer: peer(9), direction: 'outbound' })
    await turns()

    // the others are worth 3 + 2, and he 3, not 6
    expect(arrive(house, newcomer)).toEqual(DENIED)
  })

  it('decide without a gate, too: who loses waits for them, and is not asked about twice', async () => {
    let value = 5
    const house = full({}, async id => storedPeer(id, { kad: value }))
    const evictions = heard(house.manager, 'evict')
    await turns()
    value = 6
    const winner = house.open()
    value = 5
    const loser = house.open()
    expect([winner.status, loser.status, evictions.length]).toEqual(['open', 'open', 0])

    await turns()
    expect(openOnes(house.connections)).toEqual(['c0001', 'c0002', 'c0003'])
    expect(evictions).toMatchObject([
      { connectionId: 'c0000', newcomer: winner.remotePeer, reason: 'displaced', value: 5 },
      { connectionId: loser.id, newcomer: loser.remotePeer, reason: 'not-worth-more', value: 5 }
    ])
    expect(house.manager.getInfo().connCount).toBe(3)
  })

  it('are waited for by a peer\'s second connection, too', async () => {
    const house = full({}, worth(5))
    const evictions = heard(house.manager, 'evict')
    await turns()
    for (const n of [0, 1, 2]) house.manager.peerUpdated(storedPeer(peer(n), { kad: 3 }))
    const [first, second] = house.openMany(2, { remotePeer: peer(9) })
    await turns()
    expect([first!.status, second!.status]).toEqual(['open', 'open'])
    expect(evictions.map(({ reason }) => reason)).toEqual(['displaced', 'displaced'])
  })

  it('hold for a guest whose peer has just connected', async () => {
    const house = full({}, worth(5))
    await turns()
    for (const n of [0, 1, 2]) house.manager.peerUpdated(storedPeer(peer(n), { kad: 3 }))
    house.open({ remotePeer: peer(9), direction: 'outbound' })
    const newcomer = house.make({ remotePeer: peer(9) })
    expect(arrive(house, newcomer)).toEqual(DENIED)

    await house.manager.house.recall({ peer: peer(9), timeline: newcomer.timeline })
    expect(arrive(house, newcomer).allow).toBe(true)
  })

  it('who waits for them is nobody\'s rival, and no newcomer gets in by displacing him', async () => {
    const house = full({}, worth(0))
    await turns()

    for (let n = 0; n < 10; n++) {
      // the first loses and waits; the second is worth more than him, and no more than the others
      house.open({ remoteAddr: `/ip4/10.0.0.${n + 10}/tcp/1` })
      house.open({ remoteAddr: `/ip4/203.${n}.113.1/tcp/1` })
      expect(house.manager.getInfo().connCount).toBe(3)
    }

    await turns()
    expect([house.manager.getInfo().connCount, openOnes(house.connections).length]).toEqual([3, 3])
  })

  it('who waits for them is in no trim, and does not count twice when one runs meanwhile', async () => {
    const house = full({ gracePeriod: 0 }, worth(0))
    await turns()
    const waiting = house.open()
    expect(house.manager.planTrim()).toMatchObject({ open: 3 })

    await house.manager.trimOpenConns()
    await turns()
    expect([waiting.status, house.manager.getInfo().connCount]).toEqual(['open', 2])
  })

  it.each<[string, (house: PartHouse, newcomer: MockConnection) => void]>([
    ['closes', (_, newcomer) => { newcomer.end() }],
    ['dies unannounced', (_, newcomer) => { newcomer.status = 'closed' }],
    ['is gone because the manager stops', house => { house.manager.stop() }]
  ])('decide nothing for one who %s meanwhile', async (_, change) => {
    const house = full({}, worth(0))
    const evictions = heard(house.manager, 'evict')
    await turns()
    const newcomer = house.open()
    change(house, newcomer)
    await turns()

    expect(evictions).toEqual([])
    expect(newcomer.calls).toEqual([])
    expect(house.clock.pending).toBe(0)
  })

  it('do not keep one in whose store hangs: he is closed after a second', async () => {
    const house = full({}, hangs)
    const newcomer = house.open()
    house.clock.advance(1_000)
    await turns()

    expect(newcomer.calls).toEqual(['close'])
    expect(house.manager.getInfo().connCount).toBe(3)
  })
})
