import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bench, NOTHING, PEERS, socket } from './kit.ts'
import type { Bench, Socket } from './kit.ts'
import type { PeerId } from '@libp2p/interface'

const ADDRESSES = ['192.0.2.1', '192.0.2.2', '198.51.100.1']

/** A connection as the model knows it: plain facts, no indexes. */
interface Known {
  readonly address: string
  readonly socket: Socket
  readonly direction: 'inbound' | 'outbound'
  peer: PeerId | undefined
  state: 'pending' | 'open' | 'closing' | 'gone'
}

interface Limits {
  maxConnsPerIp: number
  maxConnsPerPeer: number
  maxPendingPerIp: number
  maxInbound: number
}

/** What the gater promises, recounted from a list each time. */
class Model {
  readonly known: Known[] = []
  readonly blocks = new Map<string, number>() // until
  readonly trusted = new Set<string>()
  limits: Limits = { maxConnsPerIp: 3, maxConnsPerPeer: 2, maxPendingPerIp: 2, maxInbound: 4 }

  count (isMeant: (known: Known) => boolean): number {
    return this.known.filter(isMeant).length
  }

  isBlocked (key: string, now: number): boolean {
    return (this.blocks.get(key) ?? 0) > now
  }

  /** Trusted ones are counted apart: when trust ends, they count again. */
  mayEnter (address: string, now: number): boolean {
    if (this.isBlocked(address, now)) return false
    if (this.trusted.has(address)) return true

    return this.count(({ address: other, state }) => other === address && state !== 'gone') < this.limits.maxConnsPerIp &&
      this.count(({ direction, state }) => direction === 'inbound' && state === 'open') < this.limits.maxInbound &&
      this.count(known => known.address === address && known.direction === 'inbound' && known.state === 'pending') < this.limits.maxPendingPerIp
  }

  maySecure ({ address, peer: before, socket }: Known, peer: PeerId, now: number): boolean {
    if (socket.status !== 'open' || this.isBlocked(peer.toString(), now) || this.isBlocked(address, now)) return false
    if (this.trusted.has(address) || this.trusted.has(peer.toString()) || before != null) return true
    return this.count(({ peer: other, state }) => other?.equals(peer) === true && (state === 'pending' || state === 'open')) < this.limits.maxConnsPerPeer
  }

  mayOpen ({ address, direction, state, socket }: Known, peer: PeerId, now: number): boolean {
    if (socket.status !== 'open' || this.isBlocked(peer.toString(), now) || this.isBlocked(address, now)) return false
    if (this.trusted.has(address) || this.trusted.has(peer.toString()) || state !== 'pending' || direction === 'outbound') return true
    return this.count(known => known.direction === 'inbound' && known.state === 'open') < this.limits.maxInbound
  }

  /** Its connection has closed; a WebSocket's socket takes a while. */
  close (known: Known): void {
    if (known.state === 'pending' || known.state === 'open') known.state = known.socket.websocket == null ? 'gone' : 'closing'
  }

  blockAndClose (key: string, until: number): void {
    this.blocks.set(key, Math.max(until, this.blocks.get(key) ?? 0))
    for (const known of this.known) {
      const isMeant = known.address === key || (known.peer?.toString() === key && (known.state === 'pending' || known.state === 'open'))
      for (const one of [known].filter(() => isMeant)) this.close(one)
    }
  }
}

interface Run {
  readonly bench: Bench
  readonly model: Model
}

interface Step {
  readonly name: string
  readonly pick: number
  readonly peer: number
  readonly amount: number
}

type Act = (run: Run, step: Step) => void

function live ({ model }: Run, { pick }: Step, isMeant: (known: Known) => boolean = () => true): Known[] {
  const candidates = model.known.filter(known => known.state !== 'gone' && isMeant(known))
  return candidates.length === 0 ? [] : [candidates[pick % candidates.length]!]
}

function upgrading ({ state, socket }: Known): boolean {
  return state === 'pending' || (state === 'closing' && socket.status !== 'open')
}

const ACTS: Readonly<Record<string, Act>> = {
  accept: ({ bench: { gater, clock }, model }, { pick, amount }) => {
    const address = ADDRESSES[pick % ADDRESSES.length]!
    const one = socket(`/ip4/${address}/tcp/1${amount % 2 === 0 ? '' : '/ws'}`)
    const may = model.mayEnter(address, clock.now())

    expect(gater.denyInboundConnection(one)).toBe(!may)
    model.known.push({ address, socket: one, direction: 'inbound', peer: undefined, state: may ? 'pending' : 'gone' })
  },

  dial: ({ bench: { gater, clock }, model }, { pick, peer }) => {
    const address = ADDRESSES[pick % ADDRESSES.length]!
    const one = socket(`/ip4/${address}/tcp/1`, 'outbound')
    const to = PEERS[peer % 3]!
    const secured = { address, socket: one, direction: 'outbound', peer: undefined, state: 'pending' } as const
    const may = !model.isBlocked(to.toString(), clock.now()) && !model.isBlocked(address, clock.now()) && model.maySecure({ ...secured }, to, clock.now())

    expect(gater.denyOutboundConnection(to, one)).toBe(!may)
    model.known.push({ ...secured, state: may ? 'pending' : 'gone' })
  },

  secure: (run, step) => {
    const { bench: { gater, clock }, model } = run
    for (const known of live(run, step, upgrading)) {
      const peer = known.peer ?? PEERS[step.peer % 3]!
      const may = model.maySecure(known, peer, clock.now())

      expect(gater.denyInboundEncryptedConnection(peer, known.socket)).toBe(!may)
      for (const one of [known].filter(() => may)) one.peer = peer
      for (const one of [known].filter(() => !may)) model.close(one)
    }
  },

  upgrade: (run, step) => {
    const { bench: { gater, clock }, model } = run
    for (const known of live(run, step, known => upgrading(known) && known.peer != null)) {
      const may = model.mayOpen(known, known.peer!, clock.now())

      expect(gater.denyInboundUpgradedConnection(known.peer!, known.socket)).toBe(!may)
      for (const one of [known].filter(() => may)) one.state = 'open'
      for (const one of [known].filter(() => !may)) model.close(one)
    }
  },

  close: (run, step) => {
    for (const known of live(run, step)) {
      known.socket.die()
      known.socket.die()
      run.model.close(known)
    }
  },

  gone: (run, step) => {
    for (const known of live(run, step, ({ state, socket }) => state === 'closing' && socket.websocket != null)) {
      known.socket.websocket!.gone()
      known.state = 'gone'
    }
  },

  configure: ({ bench: { gater }, model }, { pick, peer, amount }) => {
    model.limits = { maxConnsPerIp: amount % 5, maxConnsPerPeer: peer % 4, maxPendingPerIp: pick % 4, maxInbound: amount % 7 }
    gater.setConfig(model.limits)
  },

  blockAddress: ({ bench: { gater, clock }, model }, { pick, amount }) => {
    const address = ADDRESSES[pick % ADDRESSES.length]!
    void gater.blockAddress(address, { ttl: amount + 1 })
    model.blockAndClose(address, clock.now() + amount + 1)
  },

  blockPeer: ({ bench: { gater, clock }, model }, { peer, amount }) => {
    const blocked = PEERS[peer % 3]!
    void gater.blockPeer(blocked, { ttl: amount + 1 })
    model.blockAndClose(blocked.toString(), clock.now() + amount + 1)
  },

  trust: ({ bench: { gater }, model }, { pick, peer, amount }) => {
    const address = ADDRESSES[pick % ADDRESSES.length]!
    const friend = PEERS[peer % 3]!
    const isOn = amount % 2 === 0
    const [range, id] = isOn ? [gater.trustAddress, gater.trustPeer] : [gater.untrustAddress, gater.untrustPeer]

    range(address)
    id(friend)
    for (const key of [address, friend.toString()]) model.trusted[isOn ? 'add' : 'delete'](key)
  },

  wait: ({ bench: { clock } }, { amount }) => { clock.advance(amount) },
  jumpBack: ({ bench: { clock } }) => { clock.jump(clock.now()) }
}

function check ({ bench: { gater }, model }: Run): void {
  const of = (state: string, direction: string) => model.count(known => known.state === state && known.direction === direction)

  expect(gater.inspect()).toMatchObject({
    connections: model.count(({ state }) => state !== 'gone'),
    open: { inbound: of('open', 'inbound'), outbound: of('open', 'outbound') },
    pending: { inbound: of('pending', 'inbound'), outbound: of('pending', 'outbound') },
    closing: model.count(({ state }) => state === 'closing')
  })
  for (const address of ADDRESSES) {
    expect(gater.numOpen(address)).toBe(model.count(known => known.address === address && known.state !== 'gone'))
  }
}

const step = fc.record({
  name: fc.constantFrom('accept', 'accept', 'accept', 'secure', 'secure', 'upgrade', 'upgrade', ...Object.keys(ACTS)),
  pick: fc.nat(50),
  peer: fc.nat(11),
  amount: fc.nat(3_000)
})

describe('whatever happens, in whatever order', () => {
  it('the gater answers as the model does, every count is the model\'s, and all are zero at the end', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const made = bench({ risk: false, connectRate: false, maxPending: Infinity, maxConnsPerIp: 3, maxConnsPerPeer: 2, maxPendingPerIp: 2, maxInbound: 4 })
      const run: Run = { bench: made, model: new Model() }

      for (const each of steps) {
        ACTS[each.name]!(run, each)
        check(run)
      }

      for (const { socket: one } of run.model.known) {
        one.die()
        one.websocket?.gone()
      }
      expect(made.gater.inspect()).toMatchObject(NOTHING)
      made.clock.advance(10_000)
      expect(made.clock.pending).toBe(0)
    }), { numRuns: 300 })
  })
})
