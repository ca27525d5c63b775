import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { STRATEGY_NAMES } from '../../src/limiter/rate.ts'
import { bundle, servePage } from '../support/bundle.ts'
import { isChromiumMissing, openPage } from '../support/chromium.ts'
import { guarded } from '../support/gater-node.ts'
import { until } from '../support/until.ts'
import type { InPage } from './page.ts'
import type { ConnectionGaterInit } from '../../src/index.ts'
import type { Guarded } from '../support/gater-node.ts'
import type { Page } from 'playwright-core'

let script = ''

beforeAll(async () => {
  if (!isChromiumMissing) script = await bundle('test/browser/page.ts')
}, 120_000)

/** Calls a function of `page.ts` in a page of a browser of its own. */
async function inPage<Name extends keyof InPage> (name: Name, ...args: Parameters<InPage[Name]>): Promise<unknown> {
  const { page, complaints } = await openPage(await servePage(script))
  const result = await callIn(page, name, ...args)

  // Chromium itself complains of every WebSocket that does not open
  expect(complaints.filter(text => !text.startsWith('WebSocket connection'))).toEqual([])
  return result
}

async function callIn (page: Page, name: keyof InPage, ...args: unknown[]): Promise<unknown> {
  await page.waitForFunction('globalThis.inPage != null')
  // JSON has no Infinity, and none is needed
  return page.evaluate(`inPage.${name}(...${JSON.stringify(args)})`)
}

async function guardedNode (init: ConnectionGaterInit = {}): Promise<Guarded & { readonly address: string, readonly id: string }> {
  const started = await guarded(['/ip4/127.0.0.1/tcp/0/ws'], init)
  onTestFinished(async () => { await started.node.stop() })
  return { ...started, address: String(started.node.getMultiaddrs()[0]), id: String(started.node.peerId) }
}

const DIAL_HERE = { dialPrivate: true, dialInsecure: true }

describe.skipIf(isChromiumMissing)('in a browser', () => {
  it('the block list keeps every promise of its contract', async () => {
    expect(await inPage('conformance')).toEqual([])
  })

  it.each(STRATEGY_NAMES)('the limiter, the gate and a %s count as elsewhere', async strategy => {
    expect(await inPage('limits', strategy)).toEqual({
      accepted: [true, true, false],
      sameClient: 2,
      taken: [true, true, false, true],
      connected: [true, false],
      asked: true
    })
  })

  it('a node with the manager and the gater dials a guarded node, and leaves nothing behind', async () => {
    const { gater, node, address, id } = await guardedNode()

    expect(await inPage('dial', [address], DIAL_HERE)).toEqual({ dialled: ['open'], denials: [], trims: [], peers: [id], open: 1, held: 1, left: 0 })
    await until('the guarded node has let it go', () => node.getConnections().length + gater.inspect().connections === 0)
  })

  it('a node dials no private address and nothing without TLS, unless it is told to', async () => {
    const { address } = await guardedNode()

    expect(await inPage('dial', [address], {})).toMatchObject({ dialled: ['DialDeniedError'], denials: ['addr-dial: private-address'] })
    expect(await inPage('dial', [address], { dialPrivate: true })).toMatchObject({ dialled: ['DialDeniedError'], denials: ['addr-dial: insecure-address'] })
  })

  it('a node trims what is above its high water, and not whom it protects', async () => {
    const nodes = await Promise.all([1, 2, 3, 4].map(async () => guardedNode()))
    const ids = nodes.map(({ id }) => id)

    expect(await inPage('dial', nodes.map(({ address }) => address), DIAL_HERE, { lowWater: 2, highWater: 3, outboundReserve: 0 }, ids.slice(0, 2)))
      .toMatchObject({ trims: [2], open: 2, peers: ids.slice(0, 2), left: 0 })
  })

  it('a node is refused above the cap of its address by the node that it dials, which says so to nobody else', async () => {
    const { gater, address } = await guardedNode({ maxConnsPerIp: 1, risk: false })
    const reasons: string[] = []
    gater.addEventListener('deny', ({ detail }) => { reasons.push(detail.reason) })

    const url = await servePage(script)
    const { page } = await openPage(url)
    const first = await callIn(page, 'dial', [address], DIAL_HERE)
    expect(first).toMatchObject({ dialled: ['open'] })
    await until('its place is free', () => gater.inspect().connections === 0)

    // two nodes of one page at once: one place
    const both = await page.evaluate(`Promise.all([inPage.dial(['${address}'], ${JSON.stringify(DIAL_HERE)}), inPage.dial(['${address}'], ${JSON.stringify(DIAL_HERE)})])`) as Array<{ dialled: string[] }>
    expect(both.map(({ dialled }) => dialled[0]).toSorted()).toContain('open')
    expect(both.filter(({ dialled }) => dialled[0] === 'open')).toHaveLength(1)
    expect(reasons).toContain('connection-limit')
  })
})
