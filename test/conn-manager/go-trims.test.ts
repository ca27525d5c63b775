import { describe, expect, it } from 'vitest'
import { mockHouse, next, openOnes } from '../support/mock-house.ts'
import { peer } from '../support/peers.ts'

/** go-libp2p's `connmgr_test.go`, the scenarios about trims. Where ours ends otherwise, on purpose, the name says which of its defects. */
const SECOND = 1_000

describe('go-libp2p: trims', () => {
  it('TrimBlocks: two explicit trims at once both wait for the one in progress', async () => {
    const { manager, openMany, clock } = mockHouse({ lowWater: 1, highWater: 2, gracePeriod: 0 })
    openMany(3, { manners: 'hangs' })

    let ended = 0
    const trims = [manager.trimOpenConns(), manager.trimOpenConns()].map(async trim => trim.then(() => { ended++ }))
    await Promise.resolve()
    expect(ended).toBe(0)

    clock.advance(SECOND)
    await Promise.all(trims)
    expect(ended).toBe(2)
  })

  it('TrimClosed: a trim of a stopped manager ends', async () => {
    const { manager, openMany } = mockHouse({ lowWater: 1, highWater: 2 })
    openMany(3)
    manager.start()
    manager.stop()

    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 0, open: 0 })
  })

  it('TrimJoin: callers that come during a trim get its report', async () => {
    const { manager, openMany, clock } = mockHouse({ lowWater: 1, highWater: 2, gracePeriod: 0 })
    openMany(3, { manners: 'hangs' })

    const trims = [manager.trimOpenConns(), manager.trimOpenConns(), manager.trimOpenConns()]
    clock.advance(SECOND)
    const [first, second, third] = await Promise.all(trims)

    expect(second).toBe(first)
    expect(third).toBe(first)
  })

  it('ConnTrimming: of 300 connections the 100 that are tagged stay, and the one tagged below zero goes', async () => {
    const { manager, openMany, connections } = mockHouse({ lowWater: 200, highWater: 300, gracePeriod: 0 })
    openMany(300)
    for (const { remotePeer } of connections.slice(0, 100)) manager.tagPeer(remotePeer, 'test', 10)
    manager.tagPeer(connections[299]!.remotePeer, 'test', -5)
    expect(openOnes(connections)).toHaveLength(300)

    await manager.trimOpenConns()

    expect(openOnes(connections)).toHaveLength(200)
    expect(openOnes(connections.slice(0, 100))).toHaveLength(100)
    expect(connections[299]!.status).toBe('closed')
  })

  it.each([
    ['a: a low mark of zero', { lowWater: 0, highWater: 1 }, 'Could not set lowWater: it must be a whole number of at least 1, received 0'],
    ['b: a high mark of zero', { lowWater: 1, highWater: 0 }, 'Could not set highWater: it must be a whole number of at least 1, received 0']
  ])('ConnsToClose/%s is refused at construction, where go switches trims off in silence (D5)', (_, marks, message) => {
    expect(() => mockHouse(marks)).toThrow(message)
  })

  it.each([
    ['c: one connection at both marks stays', { lowWater: 1, highWater: 1, gracePeriod: 0 }, 1],
    ['d: one connection within its grace stays', { lowWater: 1, highWater: 1, gracePeriod: 600_000 }, 1]
  ])('ConnsToClose/%s', (_, init, count) => {
    const { manager, openMany } = mockHouse(init)
    openMany(count)

    expect(manager.planTrim().entries).toEqual([])
  })

  it('GracePeriod: one old and 30 new: none goes at first, and later 21, down to 10', async () => {
    const { manager, open, openMany, clock } = mockHouse({ lowWater: 10, highWater: 20, gracePeriod: 100, silencePeriod: 3_600_000 })
    open()
    clock.advance(100)
    openMany(30)

    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 0, open: 31 })
    clock.advance(200)
    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 21, open: 10 })
  })

  it('QuickBurstRespectsSilencePeriod: of a burst of 30 no more than 20 go within the silence', async () => {
    const { manager, openMany, connections, clock } = mockHouse({ lowWater: 10, highWater: 20, gracePeriod: 0, silencePeriod: 10 * SECOND })
    manager.start()
    openMany(30)
    const trimmed = next(manager, 'trim')
    clock.advance(0)
    await trimmed
    clock.advance(3 * SECOND)

    expect(openOnes(connections)).toHaveLength(10)
    expect(manager.getInfo().connCount).toBe(10)
  })

  it('PeerProtectionSingleTag: protected ones stay and count, so the low mark holds for all (D6)', async () => {
    const { manager, openMany, connections, clock } = mockHouse({ lowWater: 19, highWater: 20, gracePeriod: 0 })
    openMany(20)
    const keepers = connections.slice(0, 5)
    for (const { remotePeer } of keepers) {
      manager.tagPeer(remotePeer, 'test', -100)
      manager.protect(remotePeer, 'global')
    }

    // go: none goes at 21, because protected ones do not count
    openMany(1)
    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 2, open: 19 })
    openMany(5)
    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 5, open: 19 })
    expect(openOnes(keepers)).toHaveLength(5)

    manager.unprotect(keepers[0]!.remotePeer, 'global')
    clock.advance(SECOND)
    openMany(2)
    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 2, open: 19 })
    expect(keepers.map(({ status }) => status)).toEqual(['closed', 'open', 'open', 'open', 'open'])
  })

  it('PeerProtectionMultipleTags: one of two tags keeps protecting, without the second the peer goes first', async () => {
    const { manager, openMany, connections } = mockHouse({ lowWater: 19, highWater: 20, gracePeriod: 0 })
    openMany(20)
    const keepers = connections.slice(0, 5)
    for (const { remotePeer } of keepers) {
      manager.tagPeer(remotePeer, 'test', -100)
      manager.protect(remotePeer, 'tag1')
      manager.protect(remotePeer, 'tag2')
    }

    for (const { remotePeer } of keepers) expect(manager.unprotect(remotePeer, 'tag1')).toBe(true)
    await manager.trimOpenConns()
    expect(openOnes(keepers)).toHaveLength(5)

    expect(manager.unprotect(keepers[0]!.remotePeer, 'tag2')).toBe(false)
    openMany(2)
    await manager.trimOpenConns()
    expect(keepers.map(({ status }) => status)).toEqual(['closed', 'open', 'open', 'open', 'open'])
  })

  it('TemporaryEntriesClearedFirst: a peer that is only tagged is not in the way of a trim, and keeps its tags (D4, D15)', async () => {
    const { manager, openMany } = mockHouse({ lowWater: 1, highWater: 1, gracePeriod: 0 })
    manager.tagPeer(peer(1_000), 'test', 20)
    openMany(2)

    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 1, open: 1 })
    expect(manager.getTagInfo(peer(1_000))?.value).toBe(20)
  })

  it('ErrorCode: a trimmed connection is closed in peace, not aborted', async () => {
    const { manager, openMany, connections } = mockHouse({ lowWater: 1, highWater: 1, gracePeriod: 0 })
    openMany(2)
    await manager.trimOpenConns()

    expect(connections.map(({ calls }) => calls)).toEqual([['close'], []])
  })
})

describe('go-libp2p: its defects, mended', () => {
  it('D3: a trim by itself counts as the last trim', async () => {
    const { manager, openMany, clock } = mockHouse({ lowWater: 1, highWater: 2, gracePeriod: 0 })
    manager.start()
    openMany(3)
    const trimmed = next(manager, 'trim')
    clock.advance(0)
    await trimmed

    expect(manager.getInfo().lastTrim).toBe(clock.now())
  })

  it('D7: a peer of five connections loses as many as needed, not all', async () => {
    const { manager, openMany, open } = mockHouse({ lowWater: 3, highWater: 4, gracePeriod: 0 })
    openMany(5, { remotePeer: peer(1) })
    manager.tagPeer(open({ remotePeer: peer(2) }).remotePeer, 'test', 1)

    await expect(manager.trimOpenConns()).resolves.toMatchObject({ closed: 3, open: 3 })
  })

  it('D8: a new connection of an old peer has a grace of its own', () => {
    const { manager, openMany, open, clock } = mockHouse({ lowWater: 1, highWater: 2, gracePeriod: 100 })
    openMany(2)
    clock.advance(100)
    const young = open({ remotePeer: peer(0) })

    expect(manager.planTrim().entries.map(({ connectionId }) => connectionId)).not.toContain(young.id)
  })

  it('D13: between equals the younger goes', () => {
    const { manager, open, clock } = mockHouse({ lowWater: 1, highWater: 2, gracePeriod: 0 })
    open()
    clock.advance(1)
    const younger = open()

    expect(manager.planTrim().entries).toMatchObject([{ connectionId: younger.id, reason: 'age' }])
  })

  it('D16: a huge high mark is no limit, and not one below zero', () => {
    const { manager, openMany, clock } = mockHouse({ lowWater: 1, highWater: Number.MAX_SAFE_INTEGER, gracePeriod: 0 })
    manager.start()
    openMany(5)

    expect(clock.pending).toBe(0)
  })
})
