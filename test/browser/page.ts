import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { connManager, connectionGater, connectionManagerDefaults } from 'libp2p-connmgr'
import { blockList, connectionLimiter, rateLimiter, securityGate } from 'libp2p-connmgr/limiter'
import { blockListCases, fakeClock } from 'libp2p-connmgr/testing'
import type { ConnectionGaterInit, ConnManagerInit } from '../../src/index.ts'
import type { Rate } from '../../src/limiter.ts'

/** What the test asks of the page. Everything that comes and goes is plain data. */
const inPage = {
  /** @returns the promises of a block list that are broken here */
  async conformance (): Promise<string[]> {
    const broken: string[] = []
    for (const { name, run } of blockListCases(blockList)) {
      try {
        await run()
      } catch (error) {
        broken.push(`${name}: ${String(error)}`)
      }
    }

    return broken
  },

  limits (strategy: Rate['strategy']): unknown {
    const clock = fakeClock(1_000)
    const limiter = connectionLimiter({ maxConnsPerIp: 2, clock })
    const rate = rateLimiter({ strategy, limit: 2, window: 1_000 }, { clock })
    const gate = securityGate({ maxConnsPerIp: 1, clock })
    const taken = [1, 2, 3].map(() => rate.take('key').allow)
    clock.advance(1_000)

    return {
      accepted: [1, 2, 3].map(() => limiter.accept('2001:db8::1').allow),
      sameClient: limiter.numOpen('2001:db8::2'),
      taken: [...taken, rate.take('key').allow],
      connected: [gate.allowConnect('192.0.2.1', 1).allow, gate.allowConnect('::ffff:192.0.2.1', 2).allow],
      asked: gate.allowRequest(1, '/').allow
    }
  },

  /** Dials one address after the other. @returns what came of each, and what the node's own gater said */
  async dial (addresses: string[], gaterInit: ConnectionGaterInit, managerInit: ConnManagerInit = {}, protect: string[] = []): Promise<unknown> {
    const gater = connectionGater(gaterInit)
    const denials: string[] = []
    gater.addEventListener('deny', ({ detail }) => { denials.push(`${detail.stage}: ${detail.reason}`) })

    const node = await createLibp2p({
      transports: [webSockets()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: gater,
      connectionManager: connectionManagerDefaults,
      services: { connManager: connManager({ gracePeriod: 0, silencePeriod: 0, ...managerInit }) }
    })
    const manager = node.services.connManager
    const trims: number[] = []
    manager.addEventListener('trim', ({ detail }) => { trims.push(detail.closed) })
    for (const peer of protect) manager.protect(peerIdFromString(peer), 'test')

    const dialled: string[] = []
    for (const address of addresses) dialled.push(await node.dial(multiaddr(address)).then(({ status }) => status, (error: Error) => error.name))
    // what a trim has closed takes a moment to be gone
    while (node.getConnections().length > manager.getInfo().connCount) await new Promise(resolve => { setTimeout(resolve, 5) })

    const result = { dialled, denials, trims, peers: node.getPeers().map(String), open: manager.getInfo().connCount, held: gater.inspect().connections }
    await node.stop()
    return { ...result, left: manager.getInfo().connCount + gater.inspect().connections }
  }
}

export type InPage = typeof inPage

Object.assign(globalThis, { inPage })
