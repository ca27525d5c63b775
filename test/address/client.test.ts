import { multiaddr, registry } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientKey } from '../../src/address/client-key.ts'
import { clientOf } from '../../src/address/client.ts'
import { parseIp } from '../../src/address/ip.ts'

const RELAY = '12D3KooWRGJQokTJsLVPcNxNCzb7UzJQkokT7MDzShFo91MxRkiY'
const RELAY_AS_CID = 'bafzaajaiaejcbzmefaamcnqrqu6njphmcwj6rqiz2ehi2u7v7bpr2wx5j4hyvfzf'
const OTHER_RELAY = 'QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC'
const PEER = '12D3KooWGBfKqTqgmTUKCTk2ExTVNRmBLv6dUy1HKTUJ9RZaWPoX'
const CERTHASH = `u${Buffer.from([0x12, 0x20, ...new Uint8Array(32)]).toString('base64url')}`

const ADDRESSES: Array<[what: string, text: string, transport: string, key: string]> = [
  ['TCP', '/ip4/192.0.2.1/tcp/4001', 'tcp', '192.0.2.1'],
  ['TCP over IPv6', '/ip6/2001:db8:1:2ff::1/tcp/4001', 'tcp', '2001:db8:1:200::/56'],
  ['TCP with the remote peer', `/ip4/192.0.2.1/tcp/4001/p2p/${PEER}`, 'tcp', '192.0.2.1'],
  ['a mapped address', '/ip6/::ffff:192.0.2.1/tcp/4001', 'tcp', '192.0.2.1'],
  ['a mapped address as js-libp2p writes it', '/ip6/::ffff:c000:201/tcp/4001', 'tcp', '192.0.2.1'],
  ['a zone', '/ip6zone/eth0/ip6/fe80::1/tcp/4001', 'tcp', 'fe80::/56'],
  ['WebSocket', '/ip4/192.0.2.1/tcp/80/ws', 'ws', '192.0.2.1'],
  ['WebSocket over TLS', '/ip4/192.0.2.1/tcp/443/tls/sni/example.com/ws', 'ws', '192.0.2.1'],
  ['secure WebSocket, the old name', '/ip4/192.0.2.1/tcp/443/wss', 'ws', '192.0.2.1'],
  ['QUIC, the draft', '/ip4/192.0.2.1/udp/4001/quic', 'quic', '192.0.2.1'],
  ['QUIC', '/ip6/2001:db8::1/udp/4001/quic-v1', 'quic', '2001:db8::/56'],
  ['WebTransport', `/ip4/192.0.2.1/udp/4001/quic-v1/webtransport/certhash/${CERTHASH}`, 'quic', '192.0.2.1'],
  ['WebRTC direct', `/ip4/192.0.2.1/udp/4001/webrtc-direct/certhash/${CERTHASH}/p2p/${PEER}`, 'webrtc', '192.0.2.1'],
  ['WebRTC, whose address nobody is told', `/webrtc/p2p/${PEER}`, 'webrtc', 'transport:webrtc'],
  ['plain UDP', '/ip4/192.0.2.1/udp/4001', 'unknown', '192.0.2.1'],
  ['memory', `/memory/0-outgoing/p2p/${PEER}`, 'memory', 'transport:memory'],
  ['a Unix socket', '/unix/%2Ftmp%2Fnode.sock', 'unix', 'transport:unix'],
  ['a name for WebSocket', '/dns4/example.com/tcp/443/wss', 'ws', 'transport:ws'],
  ['a name for TCP', '/dns6/example.com/tcp/4001', 'tcp', 'transport:tcp'],
  ['a name for anything', `/dnsaddr/bootstrap.libp2p.io/p2p/${PEER}`, 'unknown', 'transport:unknown'],
  ['nothing', '/', 'unknown', 'transport:unknown'],
  ['a relay', `/ip4/192.0.2.1/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`, 'relay', `relay:${RELAY}`],
  ['a relay over WebSocket', `/dns4/example.com/tcp/443/tls/ws/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`, 'relay', `relay:${RELAY}`],
  ['a relay over memory', `/memory/0/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`, 'relay', `relay:${RELAY}`],
  ['a relay without the remote peer', `/ip6/2001:db8::1/udp/4001/quic-v1/p2p/${RELAY}/p2p-circuit`, 'relay', `relay:${RELAY}`],
  ['a relay and nothing before it', `/p2p/${OTHER_RELAY}/p2p-circuit/p2p/${PEER}`, 'relay', `relay:${OTHER_RELAY}`],
  ['a relay whose id is written as a CID', `/ip4/192.0.2.1/tcp/4001/p2p/${RELAY_AS_CID}/p2p-circuit/p2p/${PEER}`, 'relay', `relay:${RELAY}`],
  ['a relay by its old name', `/ip4/192.0.2.1/tcp/4001/ipfs/${RELAY}/p2p-circuit/ipfs/${PEER}`, 'relay', `relay:${RELAY}`],
  ['two relays', `/ip4/192.0.2.1/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${OTHER_RELAY}/p2p-circuit/p2p/${PEER}`, 'relay', `relay:${OTHER_RELAY}`],
  ['WebRTC by way of a relay', `/ip4/192.0.2.1/tcp/4001/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${PEER}`, 'relay', `relay:${RELAY}`],
  ['some relay', `/p2p-circuit/p2p/${PEER}`, 'relay', 'transport:relay'],
  ['a relay known by address only', `/ip4/192.0.2.1/tcp/4001/p2p-circuit/p2p/${PEER}`, 'relay', 'transport:relay']
]

describe('clientOf', () => {
  it.each(ADDRESSES)('knows %s', (_, text, transport, key) => {
    const client = clientOf(multiaddr(text))

    expect(client.transport).toBe(transport)
    expect(clientKey(client)).toBe(key)
  })

  it.each(ADDRESSES)('knows %s from bytes, too', (_, text) => {
    expect(clientOf(multiaddr(multiaddr(text).bytes))).toEqual(clientOf(multiaddr(text)))
  })

  it('gives the address, the relay or the transport', () => {
    expect(clientOf(multiaddr('/ip4/192.0.2.1/tcp/1/ws'))).toEqual({ kind: 'ip', ip: parseIp('192.0.2.1'), transport: 'ws' })
    expect(clientOf(multiaddr(`/ip4/192.0.2.1/tcp/1/p2p/${RELAY}/p2p-circuit`))).toEqual({ kind: 'relay', relay: RELAY, transport: 'relay' })
    expect(clientOf(multiaddr('/memory/0'))).toEqual({ kind: 'transport', transport: 'memory' })
  })

  it('keeps a relay id that is none as it is written, as multiaddr does', () => {
    expect(clientOf(multiaddr('/p2p/nobody/p2p-circuit'))).toEqual({ kind: 'relay', relay: 'nobody', transport: 'relay' })
  })

  it('answers for components that were never checked', () => {
    const unchecked = multiaddr([{ code: 4, name: 'ip4' }, { code: 6, name: 'tcp', value: '1' }])

    expect(clientOf(unchecked)).toEqual({ kind: 'transport', transport: 'tcp' })
  })

  it('never throws, whatever a multiaddr is made of', () => {
    const parts = fc.constantFrom(
      '/ip4/192.0.2.1', '/ip6/2001:db8::1', '/ip6/::ffff:c000:201', '/ip6zone/1', '/ipcidr/24', '/dns/example.com', '/tcp/1', '/udp/1', '/ws', '/tls', '/quic-v1',
      '/webtransport', '/webrtc', '/webrtc-direct', '/p2p-circuit', `/p2p/${RELAY}`, `/p2p/${RELAY_AS_CID}`, '/p2p/nobody', '/p2p/1', '/memory/0', '/unix/%2Fa', '/http'
    )

    fc.assert(fc.property(fc.array(parts, { minLength: 1, maxLength: 8 }), texts => {
      expect(clientKey(clientOf(multiaddr(texts.join(''))))).toMatch(/^(192\.0\.2\.1$|2001:db8::\/56$|relay:|transport:)/)
    }), { numRuns: 2_000 })
  })

  it('answers for every protocol that multiaddr knows, alone', () => {
    const addresses = Array.from({ length: 1_000 }, (_, code) => code)
      .filter(code => isKnown(code))
      .map(code => multiaddr([{ code, name: registry.getProtocol(code).name }]))

    expect(addresses.length).toBeGreaterThan(30)
    expect(addresses.map(address => clientOf(address).kind)).toEqual(addresses.map(() => 'transport'))
  })
})

describe('clientKey', () => {
  it('is one for all addresses of an IPv6 /56 and differs between two', () => {
    const keys = ['2001:db8:1:200::1', '2001:db8:1:2ff:ffff::', '2001:db8:1:300::1'].map(text => clientKey({ kind: 'ip', ip: parseIp(text)!, transport: 'tcp' }))

    expect(keys).toEqual(['2001:db8:1:200::/56', '2001:db8:1:200::/56', '2001:db8:1:300::/56'])
  })

  it('does not depend on the transport of an address', () => {
    const ip = parseIp('192.0.2.1')!

    expect(clientKey({ kind: 'ip', ip, transport: 'tcp' })).toBe(clientKey({ kind: 'ip', ip, transport: 'quic' }))
  })
})

function isKnown (code: number): boolean {
  try {
    registry.getProtocol(code)
    return true
  } catch {
    return false
  }
}
