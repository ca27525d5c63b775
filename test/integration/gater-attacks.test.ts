import { fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, describe, expect, it } from 'vitest'
import { connectionManagerDefaults } from '../../src/index.ts'
import { guarded, plainNode, visitorFrom } from '../support/gater-node.ts'
import { until } from '../support/until.ts'
import type { ChildProcess } from 'node:child_process'
import type { Libp2p } from '@libp2p/interface'

/** What attackers do, in a process of their own: the machine is loaded alike whomever they attack. */
type Attack = 'one-address' | 'idle-10' | 'idle-200' | 'half-open' | 'one-subnet' | 'full-house'

const ATTACKS: Readonly<Record<Attack, string>> = {
  'one-address': 'one address floods',
  'idle-10': '10 idle sockets from two addresses',
  'idle-200': '200 idle sockets from twenty addresses of one /24',
  'half-open': 'half-open handshakes from fifty addresses of one /24',
  'one-subnet': '1,000 addresses of one /24',
  'full-house': 'a flood that fills the house'
}

const HONEST_DIALS = 20
const WARM_UP = 400

interface Outcome {
  readonly share: number
  readonly median: number
  readonly slowest: number
}

const children = new Set<ChildProcess>()

afterAll(() => { for (const child of children) child.kill() })

async function attackOn (attack: Attack, port: number): Promise<ChildProcess> {
  const child = fork(new URL('../support/attacker.ts', import.meta.url), [attack, String(port)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  children.add(child)
  await once(child, 'message')
  return child
}

/** A control run's attackers load this one. */
async function decoy (): Promise<Libp2p> {
  return plainNode({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, connectionManager: connectionManagerDefaults })
}

function portOf (node: Libp2p): number {
  return Number(node.getMultiaddrs()[0]!.getComponents().find(({ name }) => name === 'tcp')!.value)
}

/** Honest peers dial from addresses of a quiet part of the network, one after another. */
async function dialHonestly (target: Libp2p): Promise<Outcome> {
  const times: number[] = []

  for (let n = 0; n < HONEST_DIALS; n++) {
    const peer = await visitorFrom(`127.9.${n + 1}.1`)
    const begun = performance.now()
    const stays = await peer.dial(target.getMultiaddrs()[0]!, { signal: AbortSignal.timeout(5_000) })
      .then(async connection => {
        // a dial may resolve and be refused a moment later
        await new Promise(resolve => { setTimeout(resolve, 20) })
        return connection.status === 'open'
      }, () => false)
    for (const took of [performance.now() - begun - 20].filter(() => stays)) times.push(took)
    await peer.stop()
  }

  times.sort((a, b) => a - b)
  return { share: times.length / HONEST_DIALS, median: times[times.length >> 1] ?? Infinity, slowest: times.at(-1) ?? Infinity }
}

async function run (target: Libp2p, attacked: Libp2p, attack: Attack): Promise<Outcome> {
  const child = await attackOn(attack, portOf(attacked))
  await new Promise(resolve => { setTimeout(resolve, WARM_UP) })
  await until('the flood is there', () => attack !== 'full-house' || attacked.getConnections().length >= PLACES, 20_000)
  const outcome = await dialHonestly(target)

  child.kill()
  children.delete(child)
  return outcome
}

function line (who: string, { share, median, slowest }: Outcome): string {
  return `  ${who.padEnd(22)} ${(share * 100).toFixed(0).padStart(3)} % in, median ${median.toFixed(0)} ms, slowest ${slowest.toFixed(0)} ms`
}

/** Marks that no trim keeps: a hundred attackers fill the house, and it stays full. */
const HOUSE = { lowWater: 50, highWater: 58, hardLimit: 60, outboundReserve: 6 }
const PLACES = 54

describe('honest peers get in while', () => {
  it.each(Object.entries(ATTACKS) as Array<[Attack, string]>)('%s: %s', { timeout: 180_000 }, async (attack, words) => {
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const [ours, theirs, elsewhere] = [await guarded(listen, {}, attack === 'full-house' ? HOUSE : {}), await plainNode({ addresses: { listen }, ...attack === 'full-house' && { connectionManager: { maxConnections: PLACES } } }), await decoy()]

    const control = await run(ours.node, elsewhere, attack)
    const defended = await run(ours.node, ours.node, attack)
    const { denials, displaced, bans } = ours.gater.inspect()
    const defaults = await run(theirs, theirs, attack)
    await Promise.all([ours.node.stop(), theirs.stop(), elsewhere.stop()])

    console.log([
      `${words}, ${HONEST_DIALS} honest dials`,
      line('control', control),
      line('this package', defended),
      line('js-libp2p\'s defaults', defaults),
      `  denied ${JSON.stringify(denials)}, displaced ${displaced}, banned ${bans.length}`
    ].join('\n'))

    expect(defended.share).toBe(1)
    // twice as long is the target; a second core shared with others makes single figures jump
    expect(defended.median).toBeLessThan(2 * control.median + 50)
  })
})
