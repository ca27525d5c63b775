/**
 * - `protected` and `steady` come once and stay; the node protects the first and tags the second
 * - `churning` leave after a while and come back as somebody else from somewhere else
 * - `flooding` are many peers behind one address, each dialing as soon as it is refused
 * - `blocked` dials from an address on the block list
 */
export type VisitorRole = 'protected' | 'steady' | 'churning' | 'flooding' | 'blocked'

export interface Visitor {
  readonly role: VisitorRole

  /** Among the visitors of its role, from 0. */
  readonly index: number
  readonly transport: 'tcp' | 'ws'

  /** Ms after the doors open at which it dials first. */
  readonly arrives: number

  /** Ms between a refusal or a lost connection and the next dial. */
  readonly pause: number
}

export const FLOODING_ADDRESS = '127.0.66.66'
export const BLOCKED_ADDRESS = '127.0.9.9'

/** WebSocket dialers cannot choose their own address: they all come from here. */
export const WEBSOCKET_ADDRESS = '127.0.0.1'

const PROTECTED = 2
const STEADY_SHARE = 1 / 4
const WEBSOCKET_VISITORS = 2
const ARRIVALS = 1_500
const FLOOD_SURPLUS = 7
const MOST_FLOODING = 100

/** Who visits a node that lets `maxPerIp` connections in from one address. `peers` counts neither the flood nor the blocked one. */
export function planVisitors (peers: number, maxPerIp: number): readonly Visitor[] {
  const protectedPeers = Math.min(PROTECTED, peers)
  const steady = Math.min(Math.ceil(peers * STEADY_SHARE), peers - protectedPeers)
  const flooding = Math.min(maxPerIp + FLOOD_SURPLUS, MOST_FLOODING)
  const overWebSocket = Math.min(WEBSOCKET_VISITORS, maxPerIp)
  const gap = ARRIVALS / peers

  return [
    ...group('protected', protectedPeers, index => ({ arrives: index * gap, pause: 1_000 })),
    ...group('steady', steady, index => ({
      arrives: (protectedPeers + index) * gap,
      pause: 1_000,
      transport: index < overWebSocket ? 'ws' : 'tcp'
    })),
    ...group('churning', peers - protectedPeers - steady, index => ({
      arrives: (protectedPeers + steady + index) * gap,
      pause: 2_000 + spread(index, 3_000)
    })),
    ...group('flooding', flooding, index => ({ arrives: index * 20, pause: 300 + spread(index, 200) })),
    ...group('blocked', 1, () => ({ arrives: 100, pause: 500 }))
  ]
}

/** Where a visitor dials from in its `life`-th life. Two that do not flood share an address only on WebSocket. */
export function visitorAddress ({ role, index, transport }: Visitor, life: number): string {
  if (transport === 'ws') return WEBSOCKET_ADDRESS

  // every visitor has a /24 of its own, as strangers on the internet mostly have
  const host = `${index % 256}.${1 + Math.floor(index / 256)}`

  switch (role) {
    case 'protected': return `127.16.${host}`
    case 'steady': return `127.17.${host}`
    case 'churning': return `127.${64 + life % 128}.${host}`
    case 'flooding': return FLOODING_ADDRESS
    case 'blocked': return BLOCKED_ADDRESS
  }
}

/** How long a visitor means to stay in its `life`-th life, in ms. */
export function visitorStay ({ role, index }: Visitor, life: number): number {
  return role === 'churning' ? 2_000 + spread(index + life * 31, 4_000) : Infinity
}

/** Evenly scattered over [0, width) and the same in every run. */
function spread (seed: number, width: number): number {
  return (seed * 2_654_435_761 % 4_294_967_296) % width
}

function group (role: VisitorRole, size: number, traits: (index: number) => Omit<Visitor, 'role' | 'index' | 'transport'> & Partial<Visitor>): Visitor[] {
  return Array.from({ length: size }, (_, index) => ({ role, index, transport: 'tcp', ...traits(index) }))
}
