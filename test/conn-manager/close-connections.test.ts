import { describe, expect, it } from 'vitest'
import { closeConnections } from '../../src/conn-manager/close-connections.ts'
import { fakeClock } from '../../src/clock/fake-clock.ts'
import { asConnection, mockConnection } from '../support/mock-connection.ts'
import { spyLog } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'
import type { Manners, MockConnection } from '../support/mock-connection.ts'
import type { FakeClock } from '../../src/clock/fake-clock.ts'

const DEADLINE = 1_000
const TOO_LATE = 'abort: Connection did not close in time'

function several (count: number, manners: Manners): MockConnection[] {
  return Array.from({ length: count }, (_, i) => mockConnection({ id: `c${i}`, remotePeer: peer(i), remoteAddr: '/ip4/10.0.0.1/tcp/1', manners }))
}

async function close (connections: MockConnection[], clock: FakeClock = fakeClock(), errors: unknown[][] = []): Promise<number> {
  return closeConnections(connections.map(asConnection), clock, spyLog(errors))
}

describe('closeConnections', () => {
  it.each<[Manners, string[]]>([
    ['in-peace', ['close']],
    ['silently', ['close']],
    ['rejects', ['close', 'abort: Muxer is gone']],
    ['throws', ['close', 'abort: Not a function']]
  ])('a connection that closes %s is done at once, by force where it did not in peace', async (manners, calls) => {
    const clock = fakeClock()
    const [connection] = several(1, manners)

    await expect(close([connection!], clock)).resolves.toBe(1)
    expect(connection!.calls).toEqual(calls)
    expect(clock.pending).toBe(0)
  })

  it.each<Manners>(['hangs', 'hangs-for-ever'])('a connection that %s is aborted at the deadline', async manners => {
    const clock = fakeClock()
    const [connection] = several(1, manners)
    const closing = close([connection!], clock)
    clock.advance(DEADLINE - 1)
    await Promise.resolve()
    expect(connection!.calls).toEqual(['close'])

    clock.advance(1)
    await expect(closing).resolves.toBe(1)
    expect(connection!.calls.slice(0, 2)).toEqual(['close', TOO_LATE])
    expect(connection!.status).toBe('aborted')
    expect(clock.pending).toBe(0)
  })

  it('one that hangs does not keep the others from closing', async () => {
    const clock = fakeClock()
    const connections = [...several(1, 'hangs-for-ever'), ...several(3, 'in-peace'), ...several(1, 'rejects')]
    const closing = close(connections, clock)
    await new Promise(resolve => { setImmediate(resolve) })
    clock.advance(DEADLINE)
    await closing

    expect(connections.map(({ status }) => status)).toEqual(['aborted', 'closed', 'closed', 'closed', 'aborted'])
  })

  it('an abort that throws is logged, and the others are aborted all the same', async () => {
    const clock = fakeClock()
    const errors: unknown[][] = []
    const connections = several(2, 'hangs-for-ever')
    connections[0]!.abort = () => { throw new Error('No socket') }
    const closing = close(connections, clock, errors)
    clock.advance(DEADLINE)
    await closing

    expect(connections[1]!.status).toBe('aborted')
    expect(errors).toHaveLength(1)
  })

  it('those that ended before their turn are left alone, and not among the closed', async () => {
    const connections = several(4, 'in-peace')
    connections[0]!.status = 'closing'
    connections[1]!.status = 'closed'
    connections[2]!.status = 'aborted'

    await expect(close(connections)).resolves.toBe(1)
    expect(connections.map(({ calls }) => calls.length)).toEqual([0, 0, 0, 1])
  })

  it('nobody is closed at once', async () => {
    await expect(close([])).resolves.toBe(0)
  })

  it('no more than 50 are asked in one turn, none in that of the caller, and nobody waits for the slow ones before', async () => {
    const clock = fakeClock()
    const connections = several(120, 'hangs')
    const asked = (): number => connections.filter(({ calls }) => calls.length > 0).length
    const turn = async (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
    const closing = close(connections, clock)

    const seen = [asked()]
    for (const _ of [1, 2, 3]) {
      await turn()
      seen.push(asked())
    }

    expect(seen).toEqual([0, 50, 100, 120])
    clock.advance(DEADLINE)
    await expect(closing).resolves.toBe(120)
    expect(clock.pending).toBe(0)
  })

  it('the signal fires at the deadline, and stays silent for who closed in time', async () => {
    const clock = fakeClock()
    const [connection] = several(1, 'in-peace')
    let signal: AbortSignal | undefined
    connection!.close = async options => { signal = options?.signal }
    await close([connection!], clock)
    clock.advance(10 * DEADLINE)

    expect(signal?.aborted).toBe(false)
  })
})
