import { setImmediate } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { QuietLog } from '../../src/connection-gater/quiet-log.ts'
import { spyLogger } from '../support/spy-logger.ts'
import { ALICE, bench, BOB, socket } from './kit.ts'
import { brokenStore, FULL, settle } from './store-kit.ts'
import type { GaterEdge } from '../../src/connection-gater/connection-gater.ts'
import type { ConnectionGaterInit } from '../../src/index.ts'
import type { DenyReason } from '../../src/limiter.ts'

describe('every denial', () => {
  it('has a stage, a reason, a key, a limit and a time, and when to try again where that is known', () => {
    const { gater, denials, clock } = bench({ connectRate: { strategy: 'token-bucket', limit: 1, window: 10_000 } })
    gater.denyInboundConnection(socket())
    gater.denyInboundConnection(socket())

    expect(denials).toEqual([{ stage: 'accept', reason: 'connect-rate', key: '192.0.2.1', ip: '192.0.2.1', limit: 1, retryAfter: 10_000, at: clock.now() }])
    expect(gater.inspect()).toMatchObject({ denials: { 'connect-rate': 1 }, denialsByStage: { accept: { 'connect-rate': 1 } } })
  })

  it.each<[string, ConnectionGaterInit, DenyReason]>([
    ['ours', { blocks: ['192.0.2.0/24'] }, 'blocked-subnet'],
    ['the user\'s own', { also: { denyDialMultiaddr: () => true, filterMultiaddrForPeer: () => false } }, 'denied-by-user']
  ])('of an address has the ip and the peer in it, whether the gater is %s', (_, init, reason) => {
    const { gater, denials } = bench(init)
    gater.denyDialMultiaddr(multiaddr(`/ip4/192.0.2.1/tcp/1/p2p/${ALICE.toString()}`))
    gater.denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/1/p2p/nobody'))
    gater.filterMultiaddrForPeer(BOB, multiaddr('/ip4/192.0.2.1/tcp/1'))

    expect(denials).toMatchObject([
      { stage: 'addr-dial', reason, ip: '192.0.2.1', peer: ALICE },
      { stage: 'addr-dial', reason, ip: '192.0.2.1' },
      { stage: 'filter', reason, ip: '192.0.2.1', peer: BOB }
    ])
    expect(denials[1]).not.toHaveProperty('peer')
  })

  it('tells the remote nothing', () => {
    const { gater } = bench({ maxConnsPerIp: 0 })
    const refused = socket('/ip4/192.0.2.1/tcp/1')
    gater.denyInboundConnection(refused)

    expect(refused.aborts.map(({ message }) => message)).toEqual(['Connection refused'])
  })

  it('is counted for metrics, by stage and reason', () => {
    const { gater, gate } = bench({ blocks: ['192.0.2.1'] })
    const heard: unknown[] = []
    const end = gate.onDeny(denial => { heard.push(denial) })
    gater.denyInboundConnection(socket())
    end()
    gater.denyInboundConnection(socket())

    expect(heard).toEqual([{ stage: 'accept', reason: 'blocked-address' }])
  })

  it('is a verdict with its reason through intercept, too', async () => {
    const { gater, denials } = bench()
    const one = socket()
    await gater.blockPeer(ALICE)

    expect(gater.intercept.peerDial(ALICE)).toMatchObject({ allow: false, reason: 'blocked-peer' })
    expect(gater.intercept.addrDial(ALICE, one.remoteAddr)).toMatchObject({ allow: false, reason: 'blocked-peer' })
    expect(gater.intercept.accept(one)).toMatchObject({ allow: true, lease: { key: '192.0.2.1' } })
    expect(gater.intercept.secured('inbound', ALICE, one)).toMatchObject({ allow: false, reason: 'blocked-peer' })
    expect(gater.intercept.upgraded('inbound', ALICE, one)).toMatchObject({ allow: false, reason: 'blocked-peer' })
    expect(denials.map(({ stage }) => stage)).toEqual(['peer-dial', 'addr-dial', 'secured', 'upgraded'])
  })
})

describe('a log that strangers make us write', () => {
  it('has ten lines in ten seconds, and says how many were left out', () => {
    const lines: unknown[][] = []
    const log = new QuietLog((...args) => { lines.push(args) })
    for (let n = 0; n < 1_000; n++) log.write(0, () => `line ${n}`)
    log.write(10_000, () => 'later')

    expect(lines).toHaveLength(11)
    expect(lines.at(-1)).toEqual(['%s (%d lines were left out before)', 'later', 990])
  })

  it.each<[string, ConnectionGaterInit, Partial<GaterEdge>, string]>([
    ['a user\'s gater', { also: { denyInboundConnection: () => { throw FULL } } }, {}, `denyInboundConnection of the user's own gater failed, which is to deny - ${String(FULL)}`],
    ['a store of bans', { maxConnsPerIp: 0, risk: { threshold: 1 } }, { store: brokenStore({ put: async () => { throw FULL } }) }, `could not store a rule, or take one out - ${String(FULL)}`]
  ])('has no more of them for %s that fails each time', async (_, init, edge, line) => {
    const logger = spyLogger()
    const { gater } = bench(init, { ...edge, log: logger.forComponent('test') })
    for (let n = 0; n < 100; n++) await gater.denyInboundConnection(socket(`/ip4/192.0.2.${n}/tcp/1`))
    await settle()

    expect(logger.errors('test')).toEqual(Array.from({ length: 10 }, () => line))
  })
})

describe('a listener that throws', () => {
  it('of a denial or a ban changes no answer, is logged and counted, and ends no process', async () => {
    const { gater, bans } = bench({ maxConnsPerIp: 0, risk: { threshold: 1 } })
    for (const type of ['deny', 'ban'] as const) gater.addEventListener(type, () => { throw new Error('broken') })
    expect(gater.denyInboundConnection(socket())).toBe(true)
    await setImmediate()

    expect(bans).toHaveLength(1)
    expect(gater.inspect()).toMatchObject({ denials: { 'connection-limit': 1 }, listenerFailures: 2 })
  })
})
