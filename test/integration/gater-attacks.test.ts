import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { guarded, plainNode, visitorFrom } from '../support/gater-node.ts'
import { until } from '../support/until.ts'
import type { ChildProcess } from 'node:child_process'
import type { Libp2p } from '@libp2p/interface'

/** What attackers do, in a process of their own: the machine is loaded alike whomever they attack. */
const ATTACKS = {
  'one-address': 'one address floods',
  'idle-10': '10 idle sockets from two addresses',
  'idle-200': '200 idle sockets from twenty addresses of one /24',
  'half-open': 'half-open handshakes from fifty addresses of one /24',
  'one-subnet': '1,000 sockets from the addresses of one /24',
  'full-house': 'a flood that fills the house'
} as const

type Attack = keyof typeof ATTACKS

/** Turn and turn about: in one half of a pair the attackers load another process, in the other they attack. */
const PAIRS = 3
const DIALS = 7

/** Marks that no trim keeps: a hundred attackers fill the house, and it stays full. */
const HOUSE = { lowWater: 50, highWater: 58, hardLimit: 60, outboundReserve: 6 }
const PLACES = 54

/** After so long an honest dial has failed. */
const GIVEN_UP = 2_500

const children = new Set<ChildProcess>()

afterAll(() => { for (const child of children) child.kill() })

function start (script: URL, ...args: string[]): ChildProcess {
  const child = fork(script, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  children.add(child)
  return child
}

/** Somebody who can be attacked. */
interface Target {
  readonly port: number
  connections (): Promise<number>
}

async function decoy (limits: object): Promise<Target> {
  const child = start(new URL('../support/decoy.ts', import.meta.url), JSON.stringify(limits))
  const [{ port }] = await once(child, 'message') as [{ port: number }]

  return {
    port,
    connections: async () => {
      child.send('count')
      const [{ connections }] = await once(child, 'message') as [{ connections: number }]
      return connections
    }
  }
}

function target (node: Libp2p): Target {
  return { port: Number(/\/tcp\/(\d+)/.exec(node.getMultiaddrs().join())![1]), connections: async () => node.getConnections().length }
}

let visitors = 0

/** How long an honest dial from a quiet part of the network took, each time another one; nothing where it was refused, at once or a moment later. */
async function dialHonestly (to: Libp2p): Promise<number[]> {
  const n = ++visitors
  const peer = await visitorFrom(`127.${100 + (n >> 8)}.${n & 255}.1`)
  const begun = performance.now()
  const connection = await peer.dial(to.getMultiaddrs()[0]!, { signal: AbortSignal.timeout(GIVEN_UP) }).catch(() => undefined)
  const took = performance.now() - begun

  // a dial may resolve and be refused a moment later
  await setTimeout(20)
  const stays = connection?.status === 'open'
  await peer.stop()
  return [took].filter(() => stays)
}

/** @returns how long those took who got in */
async function dialsDuring (attack: Attack, attacked: Target, to: Libp2p): Promise<number[]> {
  const child = start(new URL('../support/attacker.ts', import.meta.url), attack, String(attacked.port))
  await once(child, 'message')
  await until('the house is full', async () => attack !== 'full-house' || await attacked.connections() >= PLACES, 20_000)

  const times: number[] = []
  for (let n = 0; n < DIALS; n++) times.push(...await dialHonestly(to))

  child.kill()
  await once(child, 'exit')
  children.delete(child)
  await until('the attackers are gone', async () => await attacked.connections() === 0)
  return times
}

function quantile (values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Infinity
}

function line (who: string, times: readonly number[], dials: number): string {
  const figures = `, median ${quantile(times, 0.5).toFixed(0)} ms, p90 ${quantile(times, 0.9).toFixed(0)} ms`
  return `  ${who.padEnd(22)} ${times.length} of ${dials} got in${times.length === 0 ? '' : figures}`
}

describe('honest peers get in while', () => {
  it.each(Object.entries(ATTACKS) as Array<[Attack, string]>)('%s: %s', { timeout: 180_000 }, async (attack, words) => {
    const limits = attack === 'full-house' ? HOUSE : {}
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const { node, gater } = await guarded(listen, {}, limits)
    const theirs = await plainNode({ addresses: { listen }, connectionManager: attack === 'full-house' ? { maxConnections: PLACES } : {} })
    const elsewhere = await decoy(limits)
    const pairs: Array<Record<'control' | 'ours', number[]>> = []

    // until it is compiled, everything takes longer
    for (let n = 0; n < DIALS; n++) await dialHonestly(node)

    for (let pair = 0; pair < PAIRS; pair++) {
      const times = { control: [] as number[], ours: [] as number[] }
      for (const half of pair % 2 === 0 ? ['control', 'ours'] as const : ['ours', 'control'] as const) {
        times[half] = await dialsDuring(attack, half === 'ours' ? target(node) : elsewhere, node)
      }
      pairs.push(times)
    }
    const defaults = await dialsDuring(attack, target(theirs), theirs)
    const { denials, displaced, bans } = gater.inspect()
    await Promise.all([node.stop(), theirs.stop()])

    const [control, ours] = [pairs.flatMap(({ control }) => control), pairs.flatMap(({ ours }) => ours)]
    const ratios = pairs.map(({ control, ours }) => quantile(ours, 0.5) / quantile(control, 0.5))
    console.log([
      `${words}: honest dials, ${PAIRS} pairs of ${DIALS}`,
      line('others are attacked', control, PAIRS * DIALS),
      line('this package is', ours, PAIRS * DIALS),
      line('js-libp2p\'s defaults', defaults, DIALS),
      `  this package took ${quantile(ratios, 0.5).toFixed(2)} times as long as when others are attacked (target: 2; pairs ${ratios.map(ratio => ratio.toFixed(2)).join(' ')})`,
      `  denied ${JSON.stringify(denials)}, displaced ${displaced}, banned ${bans.length}`
    ].join('\n'))

    // who got in is promised; how long it took depends on what else the machine does, and is said above
    expect(ours).toHaveLength(PAIRS * DIALS)
  })
})
