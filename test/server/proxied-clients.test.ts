import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { ProxiedClients } from '../../src/server/proxied-clients.ts'
import { ask } from './support/clients.ts'
import { createHttp, listen } from './support/servers.ts'
import type { SecurityGateInit } from '../../src/limiter/gate-options.ts'

function clients (capacity: number, init: SecurityGateInit = {}) {
  const clock = fakeClock()
  const gate = securityGate({ clock, ...init })

  return { clock, gate, all: new ProxiedClients(gate, clock, capacity) }
}

const addresses = (count: number, at: (index: number) => string): string[] => Array.from({ length: count }, (_, index) => at(index))

describe('clients behind a proxy', () => {
  it.each<[string, (index: number) => string]>([
    ['IPv4 /16', index => `198.51.${index >> 8}.${index & 0xff}`],
    ['IPv6 /32', index => `2001:db8:${index.toString(16)}::1`]
  ])('of one %s have a sixteenth of the places, and put out only each other', (_, at) => {
    const { all } = clients(160)
    const first = all.idOf('192.0.2.1')
    const ids = addresses(400, at).map(address => all.idOf(address))

    expect(all.size).toBe(11)
    expect(all.idOf('192.0.2.1')).toBe(first)
    expect(all.idOf(at(399))).toBe(ids[399])
    expect(all.idOf(at(389))).not.toBe(ids[389])
  })

  it('are let in, as often as they come, where the gate has no place for another rate', () => {
    const { all, gate } = clients(8, { connectRate: { strategy: 'fixed-window', limit: 1, window: 1_000 } })
    for (let limit = 1; limit <= 16; limit++) gate.allowConnect('192.0.2.1', limit, { rate: { strategy: 'fixed-window', limit, window: 1_000 } })

    for (const client of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) expect(all.idOf(client)).toMatchObject({ client })
    expect(gate.numOpen('203.0.113.3')).toBe(1)
  })

  it('put out who asked longest ago, where all places are taken', () => {
    const { all, gate } = clients(3)
    const [first, second] = ['192.0.2.1', '198.51.100.1', '203.0.113.1'].map(address => all.idOf(address))
    expect(all.idOf('192.0.2.1')).toBe(first)
    all.idOf('100.64.0.1')

    expect([all.size, gate.inspect().open, gate.numOpen('198.51.100.1')]).toEqual([3, 3, 0])
    expect(all.idOf('192.0.2.1')).toBe(first)
    expect(all.idOf('198.51.100.1')).not.toBe(second)
  })

  it('put out nobody when the gate refuses them', () => {
    const { all, gate } = clients(1)
    const first = all.idOf('192.0.2.1')
    gate.banAddress('198.51.100.1', 60_000)

    expect(all.idOf('198.51.100.1')).toMatchObject({ allow: false, reason: 'banned' })
    expect(all.idOf('192.0.2.1')).toBe(first)
  })

  it('leave nothing when they have been idle', () => {
    const { all, gate, clock } = clients(160)
    for (const address of addresses(50, index => `192.0.2.${index}`)) all.idOf(address)
    clock.advance(120_001)
    expect([all.size, gate.inspect().open, clock.pending]).toEqual([0, 0, 0])
  })

  it('have one place with a gate, whichever of its middlewares they ask', async () => {
    const gate = securityGate({ maxConnsPerIp: 1 })
    const limits = { '/a': limitRequests(gate), '/b': limitRequests(gate, { fields: false }) }
    const server = createHttp('http', (req, res) => { res.end(limits[req.url as '/a'](req, res) ? 'ok' : undefined) })
    limitConnections(server, gate, { trustedProxies: ['127.0.0.1'] })
    const port = await listen(server)
    const statuses = []
    for (const path of ['/a', '/b', '/a']) statuses.push((await ask('http', { port, path, headers: { 'x-forwarded-for': '192.0.2.1' } })).status)

    expect([statuses, gate.numOpen('192.0.2.1'), gate.inspect().denied]).toEqual([[200, 200, 200], 1, {}])
  })
})
