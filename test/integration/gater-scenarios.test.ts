import { describe, expect, it } from 'vitest'
import { connectionGater } from '../../src/index.ts'
import { guarded, plainNode, relay } from '../support/gater-node.ts'
import { roads } from '../support/roads.ts'
import { stoppedAfter } from '../support/stopped-after.ts'
import { until } from '../support/until.ts'
import type { ConnectionGater, Stage } from '../../src/index.ts'
import type { Road } from '../support/roads.ts'
import type { ConnectionGater as Libp2pConnectionGater, Libp2p, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

// js-libp2p's own scenarios (`connection-gater.spec.ts` of its integration tests): each hook denies, once as a function and once as a method of
// a class. Here over every transport, with a rule of ours as the third way to deny, and with the counts.

type Hook = keyof Libp2pConnectionGater

const mine = stoppedAfter()

/** How a hook comes to deny. Nothing is denied before `arm`: a node has to come to its relay first. */
interface Denier {
  readonly gater: ConnectionGater
  readonly reason: string
  arm (remote: PeerId, relay?: PeerId): void
}

type Make = (hook: Hook, road: Road) => Denier

const KEEPS: Hook = 'filterMultiaddrForPeer'
const OURS = 'a rule of ours'

const DENIERS: Readonly<Record<string, Make>> = {
  'a function of the user\'s': hook => {
    let denies = false
    const gater = connectionGater({ networks: {}, also: { [hook]: () => denies !== (hook === KEEPS) } })

    return { gater, reason: 'denied-by-user', arm: () => { denies = true } }
  },

  'a method of the user\'s class': hook => {
    class Own {
      [hook] () { return this.denies !== (hook === KEEPS) }
      denies = false
    }
    const own = new Own()

    return { gater: connectionGater({ networks: {}, also: own as Libp2pConnectionGater }), reason: 'denied-by-user', arm: () => { own.denies = true } }
  },

  [OURS]: (hook, road) => {
    const gater = connectionGater({ networks: {} })
    const original = gater[hook] as (...args: unknown[]) => unknown
    let rule = (): void => {}

    // made when the hook is asked, so that none before it denies
    Object.assign(gater, { [hook]: (...args: unknown[]) => {
      rule()
      return original(...args)
    } })

    const [reason, make] = RULES[hook]?.(road) ?? BLOCKED_PEER
    const arm = (remote: PeerId, relay?: PeerId): void => {
      rule = () => { make(gater, remote, relay) }
    }
    return { gater, reason, arm }
  }
}

type Rule = [reason: string, make: (gater: ConnectionGater, remote: PeerId, relay: PeerId | undefined) => void]

const LATER = { closeExisting: false }
const BLOCKED_PEER: Rule = ['blocked-peer', (gater, remote) => { void gater.blockPeer(remote, LATER) }]
const BLOCKED_RELAY: Rule = ['blocked-peer', (gater, _, relay) => { void gater.blockPeer(relay!, LATER) }]
const BLOCKED_ADDRESS: Rule = ['blocked-address', gater => { void gater.blockAddress('127.0.0.1', LATER) }]
const FULL: Rule = ['total-limit', gater => { gater.setConfig({ maxConns: 0 }) }]

/** Two hooks know of no peer, only of an address. */
const RULES: Readonly<Partial<Record<Hook, (road: Road) => Rule>>> = {
  denyInboundConnection: ({ hasIp }) => hasIp ? BLOCKED_ADDRESS : FULL,
  filterMultiaddrForPeer: ({ hasIp }) => hasIp ? BLOCKED_ADDRESS : BLOCKED_RELAY
}

interface Meeting {
  readonly ours: Libp2p
  readonly other: Libp2p

  /** Of the one who listens. */
  readonly address: Multiaddr
  readonly relay: PeerId | undefined
}

/** Two nodes, of which one listens: along a relay each is connected to it first, so that what follows is about the other one only. */
async function meet (road: Road, gater: ConnectionGater, listens: 'ours' | 'other'): Promise<Meeting> {
  const middle = road.isRelayed ? mine(await relay()) : undefined
  const listen = road.listen(middle)
  const ours = mine((await guarded(listens === 'ours' ? [listen] : [], {}, {}, { ...road.options, connectionGater: gater })).node)
  const other = mine(await plainNode({ ...road.options, addresses: { listen: listens === 'other' ? [listen] : [] } }))
  const listener = listens === 'ours' ? ours : other

  await until('it can be reached', () => listener.getMultiaddrs().length > 0)
  for (const dialer of [ours, other].filter(node => middle != null && node !== listener)) await dialer.dial(middle!.getMultiaddrs()[0]!)
  await until('nobody is under way', () => gater.inspect().pending.inbound + gater.inspect().pending.outbound === 0)
  return { ours, other, address: listener.getMultiaddrs()[0]!, relay: middle?.peerId }
}

async function dial (from: Libp2p, to: Multiaddr): Promise<string> {
  return from.dial(to, { signal: AbortSignal.timeout(1_500) }).then(() => 'ok', (error: Error) => error.name)
}

async function expectNothingOf ({ ours, other }: Meeting, gater: ConnectionGater, before: number): Promise<void> {
  await until('it is denied, and nothing is left', () => {
    const { connections, pending } = gater.inspect()
    return connections === before && pending.inbound + pending.outbound === 0 && ours.getConnections(other.peerId).length + other.getConnections(ours.peerId).length === 0
  })
}

const OUTBOUND: ReadonlyArray<[Hook, Stage, string]> = [
  ['denyDialPeer', 'peer-dial', 'DialDeniedError'],
  ['denyDialMultiaddr', 'addr-dial', 'DialDeniedError'],
  ['denyOutboundConnection', 'outbound', 'ConnectionInterceptedError'],
  ['denyOutboundEncryptedConnection', 'secured', 'ConnectionInterceptedError'],
  ['denyOutboundUpgradedConnection', 'upgraded', 'ConnectionInterceptedError']
]

const INBOUND: ReadonlyArray<[Hook, Stage]> = [
  ['denyInboundConnection', 'accept'],
  ['denyInboundEncryptedConnection', 'secured'],
  ['denyInboundUpgradedConnection', 'upgraded']
]

describe.each(await roads())('over $name', road => {
  describe.each(Object.keys(DENIERS))('%s', who => {
    it.each(OUTBOUND)('denies in %s, at %s, and the dial fails', async (hook, stage, error) => {
      const { gater, reason, arm } = DENIERS[who]!(hook, road)
      const meeting = await meet(road, gater, 'other')
      const before = gater.inspect().connections
      arm(meeting.other.peerId)

      expect(await dial(meeting.ours, meeting.address)).toBe(error)
      expect(gater.inspect().denialsByStage).toEqual({ [stage]: { [reason]: 1 } })
      await expectNothingOf(meeting, gater, before)
    })

    it.each(INBOUND)('denies in %s, at %s, and the connection is closed on both sides', async (hook, stage) => {
      const { gater, reason, arm } = DENIERS[who]!(hook, road)
      const meeting = await meet(road, gater, 'ours')
      const before = gater.inspect().connections
      arm(meeting.other.peerId)
      await dial(meeting.other, meeting.address)

      await expectNothingOf(meeting, gater, before)
      expect(gater.inspect().denialsByStage).toEqual({ [stage]: { [reason]: 1 } })
    })
  })

  // what has neither an address nor a relay cannot be kept out by one
  it.each(Object.keys(DENIERS).filter(who => who !== OURS || road.hasIp || road.isRelayed))('%s denies in filterMultiaddrForPeer, and the address stays out of the peer store', async who => {
    const { gater, reason, arm } = DENIERS[who]!(KEEPS, road)
    const { ours, other, address, relay } = await meet(road, gater, 'other')
    await ours.peerStore.merge(other.peerId, { multiaddrs: [address] })
    expect((await ours.peerStore.get(other.peerId)).addresses).not.toEqual([])
    arm(other.peerId, relay)

    await ours.peerStore.patch(other.peerId, { multiaddrs: [address] })
    expect((await ours.peerStore.get(other.peerId)).addresses).toEqual([])
    expect(gater.inspect().denialsByStage.filter).toMatchObject({ [reason]: expect.any(Number) as number })
  })
})
