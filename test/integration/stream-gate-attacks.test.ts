import { fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, describe, expect, it } from 'vitest'
import { connectionGater, connectionManagerDefaults, connManager } from '../../src/index.ts'
import { echo, handleEcho } from '../support/echo.ts'
import { gatedNodes, LISTEN } from '../support/gated-nodes.ts'
import { startNode, startVisitor } from '../support/node.ts'
import type { ChildProcess } from 'node:child_process'
import type { Libp2p } from '@libp2p/interface'

const HONEST_STREAMS = 100
const WARM_UP = 1_000
const PROTOCOL = '/app/1.0.0'

const { add, gated, visit } = gatedNodes()
const children = new Set<ChildProcess>()

afterAll(() => { for (const child of children) child.kill() })

async function attackOn (node: Libp2p, kind: string): Promise<ChildProcess> {
  const child = fork(new URL('../support/stream-attacker.ts', import.meta.url), [kind, node.getMultiaddrs()[0]!.toString()], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  children.add(child)
  await once(child, 'message')
  await new Promise(resolve => { setTimeout(resolve, WARM_UP) })
  return child
}

interface Outcome {
  readonly share: number
  readonly median: number
  readonly slowest: number
}

/** An honest peer asks and is answered, one stream after another, on a connection that it had before. */
async function ask (node: Libp2p, kind: string | undefined): Promise<Outcome> {
  await handleEcho(node, PROTOCOL)
  const connection = await visit(node, add(await startVisitor('127.9.9.9')))
  const child = kind == null ? undefined : await attackOn(node, kind)
  const times: number[] = []

  for (let n = 0; n < HONEST_STREAMS; n++) {
    const began = performance.now()
    try {
      await echo(await connection.newStream(PROTOCOL, { signal: AbortSignal.timeout(5_000) }))
      times.push(performance.now() - began)
    } catch {
      // it counts as not answered
    }
  }

  child?.kill()
  times.sort((a, b) => a - b)
  return { share: times.length / HONEST_STREAMS, median: times[times.length >> 1] ?? Infinity, slowest: times.at(-1) ?? Infinity }
}

function line (who: string, { share, median, slowest }: Outcome): string {
  return `  ${who.padEnd(26)} ${(share * 100).toFixed(0).padStart(3)} % answered, median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(0)} ms`
}

describe('honest streams are answered while another peer', () => {
  it.each([
    ['opens streams and names no protocol', 'bare'],
    ['opens streams of the same protocol', 'negotiated']
  ])('%s', { timeout: 120_000 }, async (words, kind) => {
    const listen = { addresses: { listen: [LISTEN['TCP']!] }, connectionManager: connectionManagerDefaults }
    const gater = () => connectionGater({ networks: {} })
    const [quiet, ours, theirs] = [
      await gated({}, { ...listen, connectionGater: gater(), services: { connManager: connManager() } }),
      await gated({}, { ...listen, connectionGater: gater(), services: { connManager: connManager() } }),
      add(await startNode(listen))
    ]

    const control = await ask(quiet, undefined)
    const defended = await ask(ours, kind)
    const alone = await ask(theirs, kind)
    const { denials } = ours.services.streamGate.inspect()

    console.log([
      `another peer ${words}: ${HONEST_STREAMS} honest ones`,
      line('nobody does', control),
      line('with the gate', defended),
      line('js-libp2p alone', alone),
      `  refused ${JSON.stringify(denials)}, the flooder has ${ours.getConnections().length - 1} connections; without the gate ${theirs.getConnections().flatMap(({ streams }) => streams).length} streams are open`
    ].join('\n'))

    expect(defended.share).toBe(1)
    expect(Object.values(denials).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
  })
})
