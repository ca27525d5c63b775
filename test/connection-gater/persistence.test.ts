import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/testing.ts'
import { spyLogger } from '../support/spy-logger.ts'
import { ALICE, bench, socket } from './kit.ts'
import { FULL, openStore, settle } from './store-kit.ts'
import type { Bench } from './kit.ts'
import type { StoredRule } from '../../src/connection-gater/rule-store.ts'

const START = fakeClock().now()

describe('what has ended leaves the store when something else is put or deleted', () => {
  const end = { until: START + 1_000 }

  it.each([
    ['a block', async ({ gater }: Bench) => gater.blockAddress('192.0.2.1', { ttl: 1_000 })],
    ['a block of a peer', async ({ gater }: Bench) => gater.blockPeer(ALICE, { ttl: 1_000 })],
    ['a ban', async ({ gater }: Bench) => gater.denyInboundConnection(socket())]
  ])('%s', async (_, act) => {
    const { store, content } = openStore()
    const made = bench({ maxConnsPerIp: 0, risk: { threshold: 1, banTime: 1_000 } }, { store })
    await act(made)
    await settle()
    made.clock.advance(60_000)
    await settle()
    expect(await content()).toMatchObject([end])

    await made.gater.unblockAddress('198.51.100.1')
    await settle()
    expect(await content()).toEqual([])
  })

  it('or is loaded', async () => {
    const { store, content, rules } = openStore()
    await rules.put({ list: 'block', kind: 'address', value: '192.0.2.1', until: START })
    const { gate } = bench({}, { store })
    await gate.ready()
    await settle()

    expect(await content()).toEqual([])
  })

  it('so that, of as many as ever were, as many are kept as are in force, and the last ones', async () => {
    const { store, content } = openStore()
    const { gater, clock } = bench({ capacity: 2 }, { store })

    for (let n = 0; n < 100; n++) {
      await gater.blockAddress(`192.0.2.${n}`, { ttl: 60_000 })
      clock.advance(60_000)
      await settle()
    }
    expect(await content()).toMatchObject([{ value: '192.0.2.99' }])
  })

  it('but not more than once a minute', async () => {
    const { store, content } = openStore()
    const { gater, clock } = bench({}, { store })
    await gater.blockAddress('192.0.2.1', { ttl: 1_000 })
    await settle()
    clock.advance(59_999)
    await gater.blockAddress('192.0.2.2', { ttl: 60_000 })
    await settle()
    expect(await content()).toHaveLength(2)

    clock.advance(1)
    await gater.blockAddress('192.0.2.3')
    await settle()
    expect(await content()).toMatchObject([{ value: '192.0.2.2' }, { value: '192.0.2.3' }])
  })

  it('but not what was made longer', async () => {
    const { store, content } = openStore()
    const { gater, clock } = bench({}, { store })
    await gater.blockAddress('192.0.2.1', { ttl: 1_000 })
    await gater.blockAddress('192.0.2.1', { ttl: 3_600_000 })
    clock.advance(60_000)
    await gater.unblockAddress('198.51.100.1')
    await settle()

    expect(await content()).toMatchObject([{ until: START + 3_600_000 }])
  })

  it('and what the store does not give up keeps no other one, is logged once a pass, and tried again', async () => {
    const stuck = new Set(['192.0.2.1', '192.0.2.2'])
    const { store, content } = openStore(rules => ({ delete: async rule => stuck.has(rule.value) ? Promise.reject(FULL) : rules.delete(rule) }))
    const logger = spyLogger()
    const { gater, clock } = bench({}, { store, log: logger.forComponent('test') })
    for (const n of [1, 2, 3]) await gater.blockAddress(`192.0.2.${n}`, { ttl: 1_000 })
    const use = async (): Promise<void> => {
      clock.advance(60_000)
      await gater.unblockAddress('198.51.100.1')
      await settle()
    }

    await use()
    expect(await content()).toMatchObject([{ value: '192.0.2.1' }, { value: '192.0.2.2' }])
    expect(logger.errors('test')).toEqual([`could not take 2 rules that have ended out of the store - ${String(FULL)}`])
    stuck.clear()
    await use()
    expect(await content()).toEqual([])
  })

  it('and never by a gater that nobody uses any more: it has no timer, and its store may be closed, or another gater\'s', async () => {
    const { store, content } = openStore()
    const first = bench({}, { store })
    await first.gater.blockAddress('192.0.2.1', { ttl: 600_000 })
    const second = bench({ clock: first.clock }, { store })
    await second.gater.blockAddress('192.0.2.1', { ttl: 86_400_000 })

    expect(first.clock.pending).toBe(0)
    first.clock.advance(700_000)
    await settle()
    expect(await content()).toMatchObject([{ until: START + 86_400_000 }])
  })
})

describe('what the store does after its time', () => {
  async function slow (method: 'put' | 'delete') {
    const late = Promise.withResolvers<undefined>()
    const waits = [late.promise]
    const place = openStore(rules => ({
      [method]: async (rule: StoredRule) => {
        await waits.shift()
        await rules[method](rule)
      }
    }))
    const made = bench({ checkTimeout: 100 }, { store: place.store })
    const give = async (change: Promise<unknown>): Promise<void> => {
      await settle()
      made.clock.advance(100)
      await expect(change).rejects.toMatchObject({ name: 'DeadlineError' })
    }
    return {
      ...made,
      content: place.content,
      give,
      land: async () => {
        late.resolve(undefined)
        await settle()
      }
    }
  }

  it('is stored, where it is the last that it was given', async () => {
    const { gater, content, give, land } = await slow('put')
    await give(gater.blockAddress('192.0.2.1', { reason: 'spam' }))
    await land()

    expect(gater.blockedAddresses()).toEqual([{ address: '192.0.2.1', reason: 'spam', persisted: true }])
    expect(await content()).toHaveLength(1)
  })

  it('brings back nothing that was unblocked since', async () => {
    const { gater, content, give, land } = await slow('put')
    await give(gater.blockAddress('192.0.2.1'))
    expect(await gater.unblockAddress('192.0.2.1')).toBe(true)
    await land()

    expect(gater.blockedAddresses()).toEqual([])
    expect(await content()).toEqual([])
  })

  it('shortens nothing that was made longer since', async () => {
    const { gater, content, give, land } = await slow('put')
    await give(gater.blockAddress('192.0.2.1', { ttl: 60_000 }))
    await gater.blockAddress('192.0.2.1', { reason: 'for good' })
    await land()

    expect(gater.blockedAddresses()).toMatchObject([{ persisted: true }])
    expect(await content()).toEqual([{ list: 'block', kind: 'address', value: '192.0.2.1', reason: 'for good' }])
  })

  it('takes out nothing that stayed in force, or was blocked again since', async () => {
    const { gater, content, give, land } = await slow('delete')
    await gater.blockAddress('192.0.2.1', { reason: 'spam' })
    await give(gater.unblockAddress('192.0.2.1'))
    await land()

    expect(gater.blockedAddresses()).toMatchObject([{ persisted: true }])
    expect(await content()).toEqual([{ list: 'block', kind: 'address', value: '192.0.2.1', reason: 'spam' }])
  })
})
