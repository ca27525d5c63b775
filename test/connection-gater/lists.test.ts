import { describe, expect, it } from 'vitest'
import { ALICE, bench, BOB, enter, RELAY, socket } from './kit.ts'

describe('blocks', () => {
  it('say whether anything changed, and are listed', async () => {
    const { gater, clock } = bench()

    expect(await gater.blockAddress('192.0.2.1', { ttl: 1_000, reason: 'spam' })).toBe(true)
    expect(await gater.blockAddress('192.0.2.1', { ttl: 500 })).toBe(false)
    expect(await gater.blockAddress('::ffff:192.0.2.9')).toBe(true)
    expect(await gater.blockSubnet('198.51.100.77/24')).toBe(true)
    expect(await gater.blockPeer(ALICE, { reason: 'rude' })).toBe(true)
    expect(await gater.blockPeer(ALICE)).toBe(false)

    expect(gater.blockedAddresses()).toEqual([
      { address: '192.0.2.1', until: clock.now() + 1_000, reason: 'spam', persisted: false },
      { address: '192.0.2.9', persisted: false }
    ])
    expect(gater.blockedSubnets()).toEqual([{ subnet: '198.51.100.0/24', persisted: false }])
    expect(gater.blockedPeers()).toEqual([{ peer: ALICE, reason: 'rude', persisted: false }])

    expect(await gater.unblockAddress('192.0.2.1')).toBe(true)
    expect(await gater.unblockAddress('192.0.2.1')).toBe(false)
    expect(await gater.unblockSubnet('198.51.100.0/24')).toBe(true)
    expect(await gater.unblockPeer(ALICE)).toBe(true)
    expect(await gater.unblockPeer(ALICE)).toBe(false)
  })

  it('end when their time is over, and a shorter one never shortens a longer one', async () => {
    const { gater, clock } = bench()
    await gater.blockPeer(ALICE, { ttl: 2_000 })
    await gater.blockPeer(ALICE, { ttl: 1_000 })
    await gater.blockAddress('192.0.2.1', { ttl: 2_000 })
    await gater.blockAddress('192.0.2.1', { ttl: 1_000 })

    clock.advance(1_999)
    expect([gater.denyDialPeer(ALICE), gater.denyInboundConnection(socket())]).toEqual([true, true])
    clock.advance(1)
    expect([gater.denyDialPeer(ALICE), gater.denyInboundConnection(socket())]).toEqual([false, false])
    expect([...gater.blockedPeers(), ...gater.blockedAddresses()]).toEqual([])
  })

  it('close what is open and upgrading, of the peer, the address and the relay', async () => {
    const { gater } = bench()
    const [open, pending, other] = [socket(), socket(), socket('/ip4/198.51.100.1/tcp/1')]
    const relayed = socket(`/ip4/203.0.113.1/tcp/1/p2p/${RELAY.toString()}/p2p-circuit/p2p/${BOB.toString()}`)
    enter(gater, open, ALICE)
    gater.denyInboundConnection(pending)
    enter(gater, other, ALICE)
    enter(gater, relayed, BOB)

    await gater.blockSubnet('192.0.2.0/24')
    expect([open, pending, other, relayed].map(({ status }) => status)).toEqual(['aborted', 'aborted', 'open', 'open'])
    await gater.blockPeer(ALICE)
    expect(other.status).toBe('aborted')
    await gater.blockPeer(RELAY)
    expect(relayed.status).toBe('aborted')
  })

  it('leave them open where they are told to', async () => {
    const { gater } = bench()
    const open = socket()
    enter(gater, open, ALICE)

    await gater.blockAddress('192.0.2.1', { closeExisting: false })
    await gater.blockPeer(ALICE, { closeExisting: false })
    expect(open.status).toBe('open')
  })

  it('given at construction are in force at once', () => {
    const { gater } = bench({ blocks: ['192.0.2.1', '198.51.100.0/24', ALICE] })

    expect([...gater.blockedAddresses(), ...gater.blockedSubnets(), ...gater.blockedPeers()]).toHaveLength(3)
    expect(gater.denyInboundConnection(socket())).toBe(true)
  })

  it.each([
    ['blockAddress', ['192.0.2.1:80'], 'InvalidAddressError'],
    ['blockAddress', ['192.0.2.0/24'], 'InvalidAddressError'],
    ['blockAddress', ['example.org'], 'InvalidAddressError'],
    ['blockAddress', [undefined], 'InvalidAddressError'],
    ['blockSubnet', ['192.0.2.0/33'], 'InvalidAddressError'],
    ['blockSubnet', ['192.0.2.0/-1'], 'InvalidAddressError'],
    ['blockSubnet', [42], 'InvalidAddressError'],
    ['blockAddress', ['192.0.2.1', { ttl: 0 }], 'InvalidOptionError'],
    ['blockAddress', ['192.0.2.1', { ttl: NaN }], 'InvalidOptionError'],
    ['blockSubnet', ['192.0.2.0/24', { ttl: -1 }], 'InvalidOptionError'],
    ['blockSubnet', ['192.0.2.0/24', { reason: 429 }], 'InvalidOptionError'],
    ['blockPeer', [ALICE, { reason: new Error('spam') }], 'InvalidOptionError'],
    ['blockPeer', ['12D3KooW'], 'InvalidOptionError'],
    ['blockPeer', [undefined], 'InvalidOptionError'],
    ['blockPeer', [ALICE, { ttl: 0 }], 'InvalidOptionError'],
    ['unblockPeer', [{}], 'InvalidOptionError'],
    ['unblockAddress', ['nowhere'], 'InvalidAddressError']
  ])('%s of %o is an error, and nothing is stored', async (method, args, name) => {
    const { gater } = bench()
    const call = (gater as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[method]!

    await expect(call(...args)).rejects.toMatchObject({ name })
    expect([...gater.blockedAddresses(), ...gater.blockedSubnets(), ...gater.blockedPeers()]).toEqual([])
  })

  it.each([['trustAddress', 'nowhere'], ['trustSubnet', '192.0.2.0/99'], ['trustPeer', 'me'], ['numOpen', '1.2.3']])('%s of %o throws', (method, value) => {
    const { gater } = bench()
    expect(() => (gater as unknown as Record<string, (value: unknown) => unknown>)[method]!(value)).toThrow(/received|parse/)
  })

  it('have a capacity, above which they are refused', async () => {
    const { gater } = bench({ capacity: 1 })
    await gater.blockPeer(ALICE)

    await expect(gater.blockPeer(BOB)).rejects.toMatchObject({ name: 'CapacityError' })
    await gater.blockAddress('192.0.2.1')
    await expect(gater.blockAddress('192.0.2.2')).rejects.toMatchObject({ name: 'CapacityError' })
  })
})
