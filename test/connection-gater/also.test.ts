import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { ALICE, bench, enter, NOTHING, socket } from './kit.ts'
import type { ConnectionGater as Libp2pConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'

const never = async (): Promise<never> => new Promise(() => {})

async function settle (): Promise<void> {
  for (let n = 0; n < 20; n++) await Promise.resolve()
}

/** One that is written as a class, and needs its `this`. */
class StrictGater implements Libp2pConnectionGater {
  readonly #hated = new Set(['203.0.113.9'])
  readonly asked: string[] = []

  denyInboundConnection (maConn: MultiaddrConnection): boolean {
    this.asked.push('accept')
    return this.#hated.has(maConn.remoteAddr.getComponents()[0]!.value!)
  }

  async denyInboundEncryptedConnection (peer: PeerId): Promise<boolean> {
    this.asked.push('secured')
    return peer.equals(ALICE)
  }

  filterMultiaddrForPeer (): boolean {
    return !this.#hated.has('203.0.113.9')
  }
}

describe('the user\'s own gater', () => {
  it('is asked after ours, with its own this, also detached and as a filter', async () => {
    const also = new StrictGater()
    const { gater, denials } = bench({ also, blocks: ['192.0.2.66'] })
    const { denyInboundConnection, filterMultiaddrForPeer } = gater

    expect(denyInboundConnection(socket('/ip4/192.0.2.66/tcp/1'))).toBe(true)
    expect(also.asked).toEqual([])
    expect(denyInboundConnection(socket('/ip4/203.0.113.9/tcp/1'))).toBe(true)
    expect(filterMultiaddrForPeer(ALICE, multiaddr('/ip4/192.0.2.1/tcp/1'))).toBe(false)
    expect(denials.map(({ reason }) => reason)).toEqual(['blocked-address', 'denied-by-user', 'denied-by-user'])
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it('makes no hook a promise that it answers at once', () => {
    const { gater } = bench({ also: { denyInboundConnection: () => false } })
    expect(enter(gater, socket(), ALICE)).toBe('open')
  })

  it('denies late, and the place is given back', async () => {
    const { gater } = bench({ also: new StrictGater() })
    const one = socket()
    gater.denyInboundConnection(one)
    const answer = gater.denyInboundEncryptedConnection(ALICE, one)

    expect(gater.inspect().connections).toBe(1)
    expect(await answer).toBe(true)
    expect(one.status).toBe('aborted')
    expect(gater.inspect()).toMatchObject(NOTHING)
  })

  it.each([
    ['throws', () => { throw new Error('broken') }],
    ['rejects', async () => { throw new Error('broken') }],
    ['hangs', never]
  ])('that %s denies or allows as it was told, and leaks no place', async (_, denyInboundConnection) => {
    for (const [onCheckFailed, answer] of [['deny', true], ['allow', false]] as const) {
      const { gater, clock } = bench({ also: { denyInboundConnection }, onCheckFailed, checkTimeout: 50 })
      const one = socket()
      const asked = gater.denyInboundConnection(one)
      await settle()
      clock.advance(50)

      expect(await asked).toBe(answer)
      expect(gater.inspect().denials).toEqual(answer ? { 'check-failed': 1 } : {})
      one.die()
      expect(gater.inspect()).toMatchObject(NOTHING)
      expect(clock.pending).toBe(0)
    }
  })

  it('is waited for as long as checkTimeout says by then', async () => {
    const { gater, clock } = bench({ also: { denyInboundConnection: never }, checkTimeout: 5_000 })
    gater.setConfig({ checkTimeout: 50, onCheckFailed: 'allow' })
    const asked = gater.denyInboundConnection(socket())
    await settle()
    clock.advance(50)

    expect(await asked).toBe(false)
  })

  it.each(['denyInboundEncryptedConnection', 'denyInboundUpgradedConnection', 'denyOutboundEncryptedConnection', 'denyOutboundUpgradedConnection'] as const)(
    'that hangs in %s, which js-libp2p does not time out, locks nobody out', async hook => {
      const { gater, clock } = bench({ also: { [hook]: never }, checkTimeout: 50, maxPending: 1 })
      const one = socket()
      gater.denyInboundConnection(one)
      const asked = gater[hook](ALICE, one)
      await settle()
      clock.advance(50)

      expect(await asked).toBe(true)
      expect(gater.inspect()).toMatchObject(NOTHING)
      expect(gater.denyInboundConnection(socket())).toBe(false)
    }
  )

  it('that says yes to a connection that has died meanwhile is too late', async () => {
    const answer = Promise.withResolvers<boolean>()
    const { gater } = bench({ also: { denyInboundUpgradedConnection: async () => answer.promise } })
    const dying = socket()
    gater.denyInboundConnection(dying)
    gater.denyInboundEncryptedConnection(ALICE, dying)
    const asked = gater.denyInboundUpgradedConnection(ALICE, dying)
    expect(gater.inspect()).toMatchObject({ open: { inbound: 0 }, pending: { inbound: 1 } })

    dying.die()
    answer.resolve(false)
    expect(await asked).toBe(true)
    expect(gater.inspect()).toMatchObject({ ...NOTHING, denials: { 'not-open': 1 } })
  })

  it('may change its mind: it is looked up each time', () => {
    const also: Libp2pConnectionGater = {}
    const { gater } = bench({ also })
    expect(gater.denyDialPeer(ALICE)).toBe(false)

    also.denyDialPeer = () => true
    expect(gater.denyDialPeer(ALICE)).toBe(true)
  })
})
