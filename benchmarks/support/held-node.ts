// The node that is measured in benchmarks/end-to-end.ts, in a process of its own: js-libp2p as it comes, or with our parts.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import * as library from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

/** What it is told to do; each order is answered with a `Reading` of what it took. */
export type Order = { readonly do: 'hold', readonly peers: number } | { readonly do: 'trim', readonly to: number }

export interface Reading {
  readonly port?: number
  /** Milliseconds since the order before this one was done. */
  readonly cpu: number
  readonly wall: number
  readonly delayP99: number
  readonly delayMax: number
  readonly resident: number
  readonly open: number
}

const [variant, peersText] = process.argv.slice(2)
const peers = Number(peersText)
const common = {
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()]
}

interface Held {
  readonly node: Libp2p
  /** Closes connections down to so many, and lets as many as before in again. */
  trim (to: number, done: Promise<void>): Promise<void>
}

/** Only what keeps the peers of this benchmark out is lifted: 300 connections. Each comes from an address of its own, and no more than eight at once. */
async function alone (): Promise<Held> {
  const node = await createLibp2p({ ...common, connectionManager: { maxConnections: peers } })
  const manager = (node as unknown as { components: { connectionManager: { setMaxConnections (max: number): void } } }).components.connectionManager

  return {
    node,
    trim: async (to, done) => {
      manager.setMaxConnections(to)
      await done
      manager.setMaxConnections(peers)
    }
  }
}

/** All that our parts do by default, on loopback, too; no grace, as js-libp2p has none. */
async function guarded (): Promise<Held> {
  const streamGate = (library as { streamGate?: () => (components: object) => unknown }).streamGate
  const marks = { lowWater: peers, highWater: peers }
  const node = await createLibp2p({
    ...common,
    connectionManager: library.connectionManagerDefaults,
    connectionGater: library.connectionGater({ networks: {} }),
    services: {
      connManager: library.connManager({ ...marks, gracePeriod: 0, silencePeriod: 0 }),
      ...streamGate == null ? {} : { streamGate: streamGate() }
    }
  })
  const manager = node.services.connManager

  return {
    node,
    trim: async (to, done) => {
      manager.setLimits({ lowWater: to, highWater: to })
      await manager.trimOpenConns()
      await done
      manager.setLimits(marks)
    }
  }
}

const { node, trim } = await (variant === 'ours' ? guarded() : alone())
const delay = monitorEventLoopDelay({ resolution: 1 })
let open = 0
let waiting: { readonly is: (open: number) => boolean, readonly resolve: () => void } | undefined

// Not `getConnections()`: it is one of the things that are measured.
node.addEventListener('connection:open', () => { changed(1) })
node.addEventListener('connection:close', () => { changed(-1) })

function changed (by: number): void {
  open += by
  if (waiting?.is(open) === true) waiting.resolve()
}

async function until (is: (open: number) => boolean): Promise<void> {
  if (is(open)) return
  await new Promise<void>(resolve => { waiting = { is, resolve } })
  waiting = undefined
}

let cpuBefore = process.cpuUsage()
let wallBefore = performance.now()

function reading (): Reading {
  const cpu = process.cpuUsage(cpuBefore)
  const now = performance.now()
  const taken = { cpu: (cpu.user + cpu.system) / 1_000, wall: now - wallBefore, delayP99: delay.percentile(99) / 1e6, delayMax: delay.max / 1e6, resident: process.memoryUsage.rss(), open }

  delay.reset()
  cpuBefore = process.cpuUsage()
  wallBefore = now
  return taken
}

process.on('message', (order: Order) => {
  void (async () => {
    if (order.do === 'hold') await until(open => open >= order.peers)
    if (order.do === 'trim') await trim(order.to, until(open => open <= order.to))
    // the timer that notices a pause fires after it
    await setTimeout(5)
    process.send!(reading())
  })()
})

// Whoever asked is gone.
process.on('disconnect', () => { process.exit() })

delay.enable()
process.send!({ ...reading(), port: Number(node.getMultiaddrs()[0]!.getComponents().find(({ name }) => name === 'tcp')!.value) })
