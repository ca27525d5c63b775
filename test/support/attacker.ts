// An attacker, in a process of its own. Loopback addresses only, and a bounded number of sockets.
//
//   node attacker.ts <attack> <port>

import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

const [attack = '', portText = ''] = process.argv.slice(2)
const port = Number(portText)

/** New sockets per second at most: the attack is on the limits, not on the machine. */
const PAUSE = 5

async function hold (addresses: readonly string[], atOnce: number, say: string): Promise<never> {
  const open = new Set<number>()

  for (let n = 0; ; n = (n + 1) % atOnce) {
    await wait(PAUSE)
    underWay(n, atOnce)
    // whoever is thrown out comes again
    for (const slot of [n].filter(slot => !open.has(slot))) {
      open.add(slot)
      const socket = connect({ port, host: '127.0.0.1', localAddress: addresses[slot % addresses.length]! })
      socket.on('connect', () => { socket.write(say) })
      socket.on('error', () => {})
      socket.on('close', () => { open.delete(slot) })
    }
  }
}

/** Real peers, each from an address of its own, who come again when they are thrown out. */
async function flood (addresses: readonly string[]): Promise<never> {
  const nodes = await Promise.all(addresses.map(async localAddress => createLibp2p({
    transports: [tcp({ dialOpts: { localAddress } as never }), memory()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false }
  })))

  for (let n = 0; ; n = (n + 1) % nodes.length) {
    await wait(4 * PAUSE)
    underWay(n, nodes.length)
    const node = nodes[n]!
    for (const one of [node].filter(node => node.getConnections().length === 0)) {
      one.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}`), { signal: AbortSignal.timeout(5_000) }).catch(() => {})
    }
  }
}

/** So many have come that it is an attack; who has fewer has sent them all. */
const ENOUGH = 80

function underWay (sent: number, all: number): void {
  const isEnough = sent + 1 === Math.min(ENOUGH, all)
  for (const word of ['under way'].filter(() => isEnough)) process.send?.(word)
}

function from (count: number): string[] {
  return Array.from({ length: count }, (_, n) => `127.7.7.${n % 254 + 1}`)
}

/** A /24 has 254 hosts: a thousand addresses are a thousand of its ports. */
const ATTACKS: Readonly<Record<string, () => Promise<never>>> = {
  'one-address': async () => hold(['127.7.7.7'], 400, ''),
  'idle-10': async () => hold(from(2), 10, ''),
  'idle-200': async () => hold(from(20), 200, ''),
  'half-open': async () => hold(from(50), 200, '\x13/multistream/1.0.0\n'),
  'one-subnet': async () => hold(from(254), 1_000, ''),
  'full-house': async () => flood(from(100))
}

void ATTACKS[attack]!()

// Whoever sent us is gone.
process.on('disconnect', () => { process.exit() })
