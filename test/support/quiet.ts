import { setTimeout } from 'node:timers/promises'
import type { ConnectionGater } from '../../src/index.ts'
import type { Libp2p, Libp2pEvents } from '@libp2p/interface'

/** As the issue has it: a quiet point is a second without events. */
const SECOND = 1_000

/** Anybody who may still be up to something: a node, with or without a gater of ours. */
export interface Watched {
  readonly node: Libp2p
  readonly gater?: ConnectionGater
}

const NODE_EVENTS: ReadonlyArray<keyof Libp2pEvents> = ['connection:open', 'connection:close', 'peer:connect', 'peer:disconnect', 'peer:update']
const GATER_EVENTS = ['deny', 'ban', 'unban'] as const

/**
 * Resolves after a second in which nobody said anything, on either side, and nothing that can be read has changed.
 *
 * @param read - what else must not change: the system's own count of sockets
 */
export async function quiet (watched: readonly Watched[], read: () => unknown = () => undefined, ms = 20_000): Promise<void> {
  const ended = new AbortController()
  let events = 0
  const onEvent = (): void => { events++ }

  for (const { node, gater } of watched) {
    for (const type of NODE_EVENTS) node.addEventListener(type, onEvent, { signal: ended.signal })
    for (const type of GATER_EVENTS) gater?.addEventListener(type, onEvent, { signal: ended.signal })
  }

  const reading = (): string => JSON.stringify([events, read(), watched.map(({ node, gater }) => [node.getConnections().length, countsOf(gater)])])
  await unchanged(reading, ms).finally(() => { ended.abort() })
}

async function unchanged (reading: () => string, ms: number): Promise<void> {
  const end = performance.now() + ms
  let [last, since] = [reading(), performance.now()]

  while (performance.now() - since < SECOND) {
    if (performance.now() > end) throw new Error(`Waited ${ms} ms in vain until it was quiet: ${last}`)
    await setTimeout(20)
    const now = reading()
    if (now !== last) [last, since] = [now, performance.now()]
  }
}

function countsOf (gater: ConnectionGater | undefined): unknown {
  if (gater == null) return undefined
  const { connections, open, pending, closing, peers } = gater.inspect()

  return [connections, open, pending, closing, peers]
}
