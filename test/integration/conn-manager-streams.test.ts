import { ping } from '@libp2p/ping'
import { identify, identifyPush } from '@libp2p/identify'
import { describe, expect, it } from 'vitest'
import { fleet, present } from '../support/fleet.ts'
import { rawStream } from '../support/inside.ts'
import { until } from '../support/until.ts'
import type { Hub, Visit } from '../support/fleet.ts'
import type { Connection, Stream } from '@libp2p/interface'

const { hub: startHub, visit } = fleet()

async function start (): Promise<{ hub: Hub, visits: Visit[] }> {
  const hub = await startHub({ lowWater: 2, highWater: 100 }, { services: { ping: ping(), identify: identify({ runOnConnectionOpen: false }), identifyPush: identifyPush() } })
  await hub.handle('/app/1.0.0', () => {})

  return { hub, visits: await visit(hub, 4) }
}

/** Opens one stream from each of these visitors, and waits until the hub has them. */
async function open (hub: Hub, visits: readonly Visit[], openStream: (connection: Connection) => Promise<Stream>): Promise<void> {
  for (const { connection, peerId } of visits) {
    const stream = await openStream(connection)
    await until('the hub has the stream', () => streamsOf(hub, peerId).includes(stream.protocol))
  }
}

function streamsOf (hub: Hub, peer: Visit['peerId']): string[] {
  return hub.getConnections(peer).flatMap(({ streams }) => streams.filter(({ status }) => status === 'open').map(({ protocol }) => protocol))
}

describe('of a trim', () => {
  it.each<[string, string, (connection: Connection) => Promise<Stream>]>([
    ['an idle stream that was never negotiated makes nobody immune', '', rawStream],
    ['a ping stream makes nobody immune', '/ipfs/ping/1.0.0', async connection => connection.newStream('/ipfs/ping/1.0.0')],
    ['an identify push stream makes nobody immune', '/ipfs/id/push/1.0.0', async connection => connection.newStream('/ipfs/id/push/1.0.0')]
  ])('%s', async (_, protocol, openStream) => {
    const { hub, visits } = await start()
    await open(hub, visits.slice(0, 2), async connection => connection.newStream('/app/1.0.0'))
    await open(hub, visits.slice(2), openStream)
    expect(visits.map(({ peerId }) => streamsOf(hub, peerId))).toEqual([['/app/1.0.0'], ['/app/1.0.0'], [protocol], [protocol]])

    const report = await hub.services.connManager.trimOpenConns()

    expect(report).toMatchObject({ closed: 2, open: 2 })
    expect(report.entries.map(({ reason }) => reason)).toEqual(['idle', 'idle'])
    await until('two are left', () => hub.getConnections().length === 2)
    expect(present(hub, visits)).toEqual([0, 1])
  })

  it('an app stream that has closed does not count any more', async () => {
    const { hub, visits } = await start()
    await hub.handle('/short/1.0.0', stream => { stream.abort(new Error('Enough')) })
    await open(hub, visits.slice(1, 3), async connection => connection.newStream('/app/1.0.0'))
    await visits[3]!.connection.newStream('/short/1.0.0')
    await until('it has closed', () => streamsOf(hub, visits[3]!.peerId).length === 0)

    await hub.services.connManager.trimOpenConns()

    await until('two are left', () => hub.getConnections().length === 2)
    expect(present(hub, visits)).toEqual([1, 2])
  })
})
