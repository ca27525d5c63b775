import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/address/client.ts'
import { Held } from '../../src/connection-gater/held.ts'
import { clientOfSocket, SocketPlaces } from '../../src/connection-gater/socket-places.ts'
import { socket } from './kit.ts'
import type { HeldState } from '../../src/connection-gater/held.ts'
import type { SocketAddress } from '../../src/limiter/ports.ts'

const REMOTE: SocketAddress = { address: '192.0.2.1', port: 77, localAddress: '10.0.0.1', localPort: 4_001 }

function held (state: HeldState = 'pending', timeline?: object): Held {
  return Object.assign(new Held({ client: clientOfSocket(REMOTE), direction: 'inbound', since: 0, end: () => {} }), { state, timeline })
}

describe('the place of a socket', () => {
  it.each<[string, { remote?: SocketAddress, held?: Held }, { address?: string, local?: object }, boolean]>([
    ['is its WebSocket\'s', {}, {}, true],
    ['however its address is written', { remote: { ...REMOTE, address: '::ffff:192.0.2.1' } }, {}, true],
    ['where nobody says which of our addresses it came to', { remote: { address: '192.0.2.1', port: 77 } }, {}, true],
    ['where the WebSocket does not say it', {}, { local: {} }, true],
    ['not of another port', {}, { address: '/ip4/192.0.2.1/tcp/78/ws' }, false],
    ['not of another address', {}, { address: '/ip4/192.0.2.2/tcp/77/ws' }, false],
    ['not of what is no WebSocket', {}, { address: '/ip4/192.0.2.1/tcp/77' }, false],
    ['not where it came to another port of ours', {}, { local: { localAddress: '10.0.0.1', localPort: 4_002 } }, false],
    ['not where it came to another address of ours', {}, { local: { localAddress: '10.0.0.2', localPort: 4_001 } }, false],
    ['not where another WebSocket has it', { held: held('pending', {}) }, {}, false],
    ['not where it is closing', { held: held('closing') }, {}, false]
  ])('%s', (_, place, webSocket, isFound) => {
    const places = new SocketPlaces()
    const its = place.held ?? held()
    places.add(place.remote ?? REMOTE, its)
    const asks = socket(webSocket.address ?? '/ip4/192.0.2.1/tcp/77/ws')
    Object.assign(asks.websocket ?? {}, { _socket: webSocket.local ?? { localAddress: '10.0.0.1', localPort: 4_001 } })

    const find = () => places.find(asks, clientOf(asks.remoteAddr))
    expect(find()).toBe(isFound ? its : undefined)
    places.delete(place.remote ?? REMOTE, its)
    expect(find()).toBeUndefined()
  })

  it('stays when another socket of the same address goes, which came to another port of ours', () => {
    const places = new SocketPlaces()
    const [one, other] = [held(), held()]
    places.add(REMOTE, one)
    places.add({ ...REMOTE, localPort: 4_002 }, other)
    places.delete(REMOTE, one)
    const asks = socket('/ip4/192.0.2.1/tcp/77/ws')

    expect(places.find(asks, clientOf(asks.remoteAddr))).toBe(other)
  })
})
