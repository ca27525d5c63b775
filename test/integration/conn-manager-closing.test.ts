import { tcp } from '@libp2p/tcp'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/testing.ts'
import { badLink } from '../support/bad-link.ts'
import { fleet, portOf, present } from '../support/fleet.ts'
import { componentsOf, fillWindow, socketsOf } from '../support/inside.ts'
import { heard } from '../support/mock-house.ts'
import { withoutPings } from '../support/node.ts'
import { until } from '../support/until.ts'

const { add, hub: startHub, visit, visitor, visitOver } = fleet()
const overTcp = { transports: [tcp()], ...withoutPings }

describe('a TCP peer that reads nothing any more', () => {
  it('is closed by force once a trim has waited for it', async () => {
    const clock = fakeClock()
    const hub = await startHub({ lowWater: 1, highWater: 100, clock }, { ...overTcp, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
    const link = add(await badLink(portOf(hub)))
    const [deaf] = await visitOver(hub, link, 1, overTcp)
    const [served] = hub.getConnections()
    const [good] = await visit(hub, 1, overTcp)
    hub.services.connManager.tagPeer(good!.peerId, 'good', 1)
    link.stall()
    fillWindow(served!)

    const trim = hub.services.connManager.trimOpenConns()
    await until('it is closing', () => served!.status === 'closing')
    expect(clock.pending).toBe(1)
    expect(hub.services.connManager.getInfo().connCount).toBe(1)
    expect(await socketsOf(hub)).toBe(2)

    clock.advance(1_000)
    await expect(trim).resolves.toMatchObject({ closed: 1, open: 1 })
    expect(served!.status).toBe('aborted')
    expect(clock.pending).toBe(0)
    await until('its socket is gone', async () => await socketsOf(hub) === 1)
    expect(present(hub, [good!, deaf!])).toEqual([0])
  })
})

describe('20 connections that open at the same time above the high mark', () => {
  it('make trims close 20 connections once each, and not one twenty times', async () => {
    const hub = await startHub({ lowWater: 10, highWater: 10, hardLimit: 100 })
    const trims = heard(hub.services.connManager, 'trim')
    const closes = new Map<string, number>()

    componentsOf(hub).events.addEventListener('connection:open', ({ detail }) => {
      const close = detail.close.bind(detail)
      closes.set(detail.id, 0)
      detail.close = async options => {
        closes.set(detail.id, closes.get(detail.id)! + 1)
        return close(options)
      }
    })

    await visit(hub, 10)
    const crowd = await Promise.all(Array.from({ length: 20 }, async () => visitor()))
    await Promise.all(crowd.map(async from => from.dial(hub.getMultiaddrs())))
    await until('ten are left', () => hub.getConnections().length === 10 && trims.reduce((sum, { closed }) => sum + closed, 0) >= 20)

    const chosen = trims.flatMap(({ entries }) => entries.map(({ connectionId }) => connectionId))
    expect(chosen).toHaveLength(20)
    expect(new Set(chosen).size).toBe(20)
    expect([...closes.values()].filter(count => count > 0)).toEqual(Array.from({ length: 20 }, () => 1))
    expect(hub.services.connManager.getInfo().connCount).toBe(10)
  })
})
