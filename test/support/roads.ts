import { BASE, RELAYED } from './gater-node.ts'
import type { Libp2p, ServiceMap, Transport } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

/** A transport, as a test takes it. */
export interface Road {
  readonly name: string

  /** What a node needs that goes along it. */
  readonly options: Libp2pOptions<ServiceMap>

  /** Where a node may listen, each time somewhere else; a relayed one needs a relay. */
  listen (relay?: Libp2p): string
  readonly isRelayed: boolean

  /** Whether who comes along it has an address that can be blocked. */
  readonly hasIp: boolean
}

type Load = () => Promise<Omit<Road, 'name' | 'isRelayed' | 'hasIp'>>

const plain: Libp2pOptions<ServiceMap> = {}
let inMemory = 0

/**
 * For port 0 js-libp2p looks for a port that is free for TCP, and then takes it for UDP: with several processes at it somebody else has it by then. Each
 * process has a hundred of its own, below those that systems give away.
 */
let udpPort = 10_000 + process.pid % 200 * 100

const LOADS: Readonly<Record<string, Load>> = {
  'TCP': async () => ({ options: plain, listen: () => '/ip4/127.0.0.1/tcp/0' }),
  'WebSockets': async () => ({ options: plain, listen: () => '/ip4/127.0.0.1/tcp/0/ws' }),
  'memory': async () => ({ options: plain, listen: () => `/memory/road-${++inMemory}` }),
  'circuit relay': async () => ({ options: RELAYED as unknown as Libp2pOptions<ServiceMap>, listen: relay => `${relay!.getMultiaddrs()[0]!.toString()}/p2p-circuit` }),
  'QUIC': async () => {
    // not among our own dependencies: it is not published for every platform that the lock file would have to name
    const name = '@chainsafe/libp2p-quic'
    const { quic } = await import(name) as { quic: () => () => Transport }
    return { options: { transports: [...BASE.transports, quic()] }, listen: () => '/ip4/127.0.0.1/udp/0/quic-v1' }
  },
  'WebRTC-direct': async () => {
    const { webRTCDirect } = await import('@libp2p/webrtc')
    return { options: { transports: [...BASE.transports, webRTCDirect()] } as unknown as Libp2pOptions<ServiceMap>, listen: () => `/ip4/127.0.0.1/udp/${udpPort++}/webrtc-direct` }
  }
}

const WITHOUT_IP = ['memory', 'circuit relay']

async function load (name: string): Promise<Road | undefined> {
  try {
    return { name, isRelayed: name === 'circuit relay', hasIp: !WITHOUT_IP.includes(name), ...await LOADS[name]!() }
  } catch (error) {
    console.log(`not run over ${name}: its native package did not load (${String(error)})`)
    return undefined
  }
}

/** Those that this machine has; of the others it is said why they are not run. */
export async function roads (): Promise<Road[]> {
  const loaded = await Promise.all(Object.keys(LOADS).map(load))
  return loaded.filter(road => road != null)
}
