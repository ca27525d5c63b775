import { multiaddr } from '@multiformats/multiaddr'
import { base58btc } from 'multiformats/bases/base58'
import { describe, expect, it } from 'vitest'
import { STAGE_RULES } from '../../src/connection-gater/stages.ts'
import { ALICE, bench, BOB, MALLORY, NOTHING, RELAY, socket } from './kit.ts'
import type { ConnectionGater as Libp2pConnectionGater } from '@libp2p/interface'

const HOOKS = Object.values(STAGE_RULES).flatMap(({ hooks }) => hooks)
const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/1')

/** What js-libp2p gives to each hook. */
const ARGS: Readonly<Record<string, () => unknown[]>> = {
  denyDialPeer: () => [ALICE],
  denyDialMultiaddr: () => [ADDRESS],
  denyInboundConnection: () => [socket()],
  denyOutboundConnection: () => [ALICE, socket(undefined, 'outbound')],
  denyInboundEncryptedConnection: () => [ALICE, socket()],
  denyOutboundEncryptedConnection: () => [ALICE, socket(undefined, 'outbound')],
  denyInboundUpgradedConnection: () => [ALICE, socket()],
  denyOutboundUpgradedConnection: () => [ALICE, socket(undefined, 'outbound')],
  denyInboundRelayReservation: () => [ALICE],
  denyOutboundRelayedConnection: () => [ALICE, BOB],
  denyInboundRelayedConnection: () => [RELAY, ALICE],
  filterMultiaddrForPeer: () => [ALICE, ADDRESS, {}]
}

function call (gater: Libp2pConnectionGater, hook: string, args = ARGS[hook]!()): unknown {
  // detached, as js-libp2p does with one of them
  const detached = (gater as Readonly<Record<string, (...args: unknown[]) => unknown>>)[hook]!
  return detached(...args)
}

/** The filter says yes where the others say no. */
function yes (hook: string): boolean {
  return hook === 'filterMultiaddrForPeer'
}

describe('the twelve hooks', () => {
  it('are all in the table of stages, once', () => {
    expect([...HOOKS].sort()).toEqual(Object.keys(ARGS).sort())
  })

  it.each(HOOKS)('%s allows at once what breaks no rule, detached', hook => {
    expect(call(bench().gater, hook)).toBe(yes(hook))
  })

  it('are on a plain object that takes more properties', () => {
    const { gater } = bench()

    expect(Object.getPrototypeOf(gater)).toBe(Object.prototype)
    expect(Object.isExtensible(gater)).toBe(true)
    expect(call({ ...gater }, 'denyDialPeer')).toBe(false)
  })
})

describe('a blocked peer', () => {
  it.each(HOOKS.filter(hook => !['denyInboundConnection', 'denyDialMultiaddr', 'filterMultiaddrForPeer'].includes(hook)))('is denied by %s', async hook => {
    const { gater, denials } = bench()
    await gater.blockPeer(ALICE)

    expect(call(gater, hook)).toBe(true)
    expect(denials).toMatchObject([{ reason: 'blocked-peer', key: ALICE.toString() }])
  })

  it('is not dialled at an address with its id, however that is written', async () => {
    const { gater } = bench()
    await gater.blockPeer(ALICE)

    expect(gater.denyDialMultiaddr(ADDRESS.encapsulate(`/p2p/${ALICE.toString()}`))).toBe(true)
    expect(gater.denyDialMultiaddr(multiaddr(`${ADDRESS.toString()}/p2p/${ALICE.toCID().toString()}`))).toBe(true)
    expect(gater.denyDialMultiaddr(multiaddr(`${ADDRESS.toString()}/p2p/${ALICE.toCID().toString(base58btc)}`))).toBe(true)
    expect(gater.denyDialMultiaddr(ADDRESS.encapsulate(`/p2p/${BOB.toString()}`))).toBe(false)
  })

  it('who relays is neither come through nor dialled through', async () => {
    const { gater } = bench()
    await gater.blockPeer(RELAY)
    const through = `/ip4/192.0.2.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit`

    expect(gater.denyDialMultiaddr(multiaddr(`${through}/p2p/${ALICE.toString()}`))).toBe(true)
    expect(gater.denyInboundConnection(socket(`${through}/p2p/${ALICE.toString()}`))).toBe(true)
    expect(gater.denyInboundRelayedConnection(RELAY, ALICE)).toBe(true)
  })

  it('is caught when it was blocked between two stages', async () => {
    const { gater } = bench()
    const upgrading = socket('/ip4/192.0.2.1/tcp/1', 'outbound')

    expect(gater.denyOutboundConnection(MALLORY, upgrading)).toBe(false)
    await gater.blockPeer(MALLORY)
    expect(gater.denyOutboundEncryptedConnection(MALLORY, upgrading)).toBe(true)
    expect(gater.inspect()).toMatchObject(NOTHING)
  })
})

describe('a blocked address', () => {
  it.each([
    ['denyDialMultiaddr', [ADDRESS], true],
    ['denyInboundConnection', [socket()], true],
    ['denyOutboundConnection', [ALICE, socket(undefined, 'outbound')], true],
    ['filterMultiaddrForPeer', [ALICE, ADDRESS], false]
  ])('is denied by %s', async (hook, args, answer) => {
    const { gater, denials } = bench({ blocks: ['192.0.2.0/24'] })

    expect(call(gater, hook, args)).toBe(answer)
    expect(denials).toMatchObject([{ reason: 'blocked-subnet', key: '192.0.2.0/24' }])
  })
})

it('a blocked address is denied where it stands for a name, too', async () => {
  const { gater, denials } = bench({ blocks: ['192.0.2.0/24'] })
  const address = multiaddr('/dns4/192.0.2.1/tcp/1')

  expect(gater.denyDialMultiaddr(address)).toBe(true)
  expect(await gater.filterMultiaddrForPeer(ALICE, address)).toBe(false)
  expect(denials).toMatchObject([{ reason: 'blocked-subnet', key: '192.0.2.0/24' }, { reason: 'blocked-subnet' }])
})

describe('dial policies', () => {
  it.each([
    ['/ip4/10.1.2.3/tcp/1', 'private-address'],
    ['/ip4/192.168.0.1/udp/1/quic-v1', 'private-address'],
    ['/ip4/169.254.1.1/tcp/1', 'private-address'],
    ['/ip4/100.64.0.1/tcp/1', 'private-address'],
    ['/ip4/127.0.0.1/tcp/1', 'private-address'],
    ['/ip6/fe80::1/tcp/1', 'private-address'],
    ['/ip6/fd00::1/tcp/1', 'private-address'],
    ['/ip6/::ffff:10.0.0.1/tcp/1', 'private-address'],
    ['/ip4/192.0.2.1/tcp/1', 'private-address'],
    ['/ip4/198.51.100.1/tcp/1', 'private-address'],
    ['/ip4/203.0.113.1/tcp/1', 'private-address'],
    ['/ip4/192.88.99.1/tcp/1', 'private-address'],
    ['/ip4/224.0.0.1/tcp/1', 'private-address'],
    ['/ip6/::1/tcp/1', 'private-address'],
    ['/ip6/::7f00:1/tcp/1', 'private-address'],
    ['/ip6/64:ff9b::a00:1/tcp/1', 'private-address'],
    ['/ip6/100::1/tcp/1', 'private-address'],
    ['/ip6/2001:db8::1/tcp/1', 'private-address'],
    ['/ip6/2001:0:a00:1::1/tcp/1', 'private-address'],
    ['/ip6/2002:a00:1::/tcp/1', 'private-address'],
    ['/ip6/ff02::1/tcp/1', 'private-address'],
    ['/dns/localhost/tcp/1', 'private-address'],
    ['/dns4/localhost/tcp/22', 'private-address'],
    ['/dns6/LocalHost./tcp/1', 'private-address'],
    ['/dnsaddr/localhost', 'private-address'],
    ['/dns4/app.localhost/tcp/443/tls/ws', 'private-address'],
    ['/dns4/127.0.0.1/tcp/22', 'private-address'],
    ['/dns6/::1/tcp/22', 'private-address'],
    ['/dns/::ffff:10.0.0.1/tcp/22', 'private-address'],
    ['/dnsaddr/10.0.0.1', 'private-address'],
    ['/dns4/127.0.0.1./tcp/22', 'private-address'],
    ['/dns/2130706433/tcp/22', 'private-address'],
    ['/dns/127.1/tcp/22', 'private-address'],
    ['/dns/0177.0.0.01/tcp/22', 'private-address'],
    ['/dns/0x7F000001/tcp/22', 'private-address'],
    ['/dns/127.0.0.0x1/tcp/22', 'private-address'],
    ['/ip4/9.9.9.9/tcp/1/ws', 'insecure-address'],
    ['/dns4/example.org/tcp/80/ws', 'insecure-address']
  ])('refuse %s as %s where they say so, and only there', (address, reason) => {
    const strict = bench({ dialPrivate: false, dialInsecure: false })

    expect(strict.gater.denyDialMultiaddr(multiaddr(address))).toBe(true)
    expect(strict.denials).toMatchObject([{ stage: 'addr-dial', reason }])
    expect(bench().gater.denyDialMultiaddr(multiaddr(address))).toBe(false)
  })

  it.each([
    '/ip4/9.9.9.9/tcp/1', '/ip6/2620:fe::fe/tcp/1', '/ip6/64:ff9b::909:909/tcp/1', '/ip6/2001:41d0::1/tcp/1', '/dns4/localhost.example.org/tcp/1', '/dns4/notlocalhost/tcp/1',
    '/dns4/example.org/tcp/443/tls/ws', '/dns4/example.org/tcp/443/wss', '/ip4/172.32.0.1/tcp/1',
    '/dns4/9.9.9.9/tcp/1', '/dns4/1.0x7f.example.org/tcp/1', '/dns4/node-1.example.org/tcp/1'
  ])('let %s pass', address => {
    expect(bench({ dialPrivate: false, dialInsecure: false }).gater.denyDialMultiaddr(multiaddr(address))).toBe(false)
  })

  it.each(['/ip4/10.1.2.3/tcp/1', '/dns4/10.1.2.3/tcp/1'])('do not hold a trusted address: %s', address => {
    expect(bench({ dialPrivate: false, trust: ['10.0.0.0/8'] }).gater.denyDialMultiaddr(multiaddr(address))).toBe(false)
  })

  it('are strict in a browser', () => {
    const { gater } = bench({}, { isBrowser: true })
    expect(gater.config()).toMatchObject({ dialPrivate: false, dialInsecure: false })
  })
})
