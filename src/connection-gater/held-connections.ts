import { Held } from './held.ts'
import { CrowdLedger } from '../limiter/crowd-ledger.ts'
import type { HeldInit } from './held.ts'
import type { Client, Transport } from '../address/client-key.ts'
import type { ConnectionCore } from '../limiter/connection-core.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Every connection that is counted, and every count of them. Each change is synchronous and made once: what a connection holds is written on
 * it, so that giving it back twice gives back nothing. Bounded by the sockets that the system lets us have.
 */
export class HeldConnections {
  readonly #core: ConnectionCore
  readonly #crowds: CrowdLedger
  readonly #all = new Set<Held>()
  readonly #pending = new Set<Held>()
  readonly #pendingCrowds = new CrowdLedger()
  readonly #byPeer = new Map<string, Set<Held>>()
  /** A WeakMap would do, and cost the garbage collector half of what an accept costs. */
  readonly #byTimeline = new Map<object, Held>()
  readonly #transports: Partial<Record<Transport, number>> = {}
  readonly #relays = new Map<string, number>()
  readonly open = { inbound: 0, outbound: 0 }
  readonly pending = { inbound: 0, outbound: 0 }

  /** @param crowds - shared with the manager: those that are upgrading are entered here */
  constructor (core: ConnectionCore, crowds: CrowdLedger) {
    this.#core = core
    this.#crowds = crowds
  }

  get size (): number {
    return this.#all.size
  }

  get closing (): number {
    return this.#all.size - this.open.inbound - this.open.outbound - this.pending.inbound - this.pending.outbound
  }

  get peers (): number {
    return this.#byPeer.size
  }

  /** Inbound ones that are upgrading, oldest first. */
  get waiting (): Iterable<Held> {
    return this.#pending
  }

  /** @param isCharged - whether it was the client who connected, and pays for it with its connect rate */
  hold (init: HeldInit, now: number, isCharged: boolean): Held {
    const held = new Held(init)
    const { client, direction } = held

    if (client.kind === 'ip') held.lease = isCharged ? this.#core.take(client.ip, now) : this.#core.hold(client.ip, now)
    else this.#core.nameless++

    held.crowd = this.#crowds.enter(client)
    if (direction === 'inbound') {
      held.pendingCrowd = this.#pendingCrowds.enter(client)
      this.#pending.add(held)
    }

    this.#all.add(held)
    this.pending[direction]++
    this.#transports[client.transport] = (this.#transports[client.transport] ?? 0) + 1
    if (client.kind === 'relay') this.#relays.set(client.relay, this.relayed(client.relay) + 1)
    return held
  }

  /** From here on the socket, and the connection that comes of it, are found by what they share. */
  link (held: Held, timeline: object): void {
    if (held.timeline != null) this.#byTimeline.delete(held.timeline)
    held.timeline = timeline
    this.#byTimeline.set(timeline, held)
  }

  find (timeline: object): Held | undefined {
    return this.#byTimeline.get(timeline)
  }

  setPeer (held: Held, peer: PeerId): void {
    if (held.peer != null || held.state !== 'pending') return
    const text = peer.toString()
    const others = this.#byPeer.get(text)

    held.peer = peer
    held.peerText = text
    if (others == null) this.#byPeer.set(text, new Set([held]))
    else others.add(held)
  }

  /** Its upgrade is done. */
  promote (held: Held): void {
    if (held.state !== 'pending') return

    this.#endPending(held)
    held.state = 'open'
    this.open[held.direction]++
  }

  /** It is closed or refused; its socket may still be there. @returns whether this call closed it */
  leave (held: Held): boolean {
    const { state, direction } = held
    if (state === 'closing' || state === 'gone') return false

    if (state === 'pending') this.#endPending(held)
    else this.open[direction]--

    held.state = 'closing'
    held.place?.giveBack()
    this.#forgetPeer(held)
    return true
  }

  /** Its socket is gone. @returns whether this call gave its place back */
  release (held: Held): boolean {
    if (held.state === 'gone') return false
    this.leave(held)

    const { client } = held
    held.state = 'gone'
    this.#all.delete(held)
    if (held.timeline != null) this.#byTimeline.delete(held.timeline)
    if (held.lease == null) this.#core.nameless--
    else held.lease.release()

    const left = this.#transports[client.transport]! - 1
    if (left === 0) delete this.#transports[client.transport]
    else this.#transports[client.transport] = left
    if (client.kind === 'relay') this.#leaveRelay(client.relay)
    return true
  }

  /** Connections of a peer that are secured or open. */
  ofPeer (peer: string): number {
    return this.#byPeer.get(peer)?.size ?? 0
  }

  /** Pending inbound connections of a client. */
  pendingOf (client: Client): number {
    return this.#pendingCrowds.narrow(this.#pendingCrowds.find(client))
  }

  /** The same, and those of its surroundings, the IPv4 /24 or IPv6 /48: there may be many of whom none is this client's. */
  pendingAround (client: Client): { narrow: number, wide: number } {
    return this.#pendingCrowds.around(client)
  }

  crowdedness ({ pendingCrowd }: Held): { narrow: number, wide: number } {
    return { narrow: this.#pendingCrowds.narrow(pendingCrowd!), wide: this.#pendingCrowds.wide(pendingCrowd!) }
  }

  onTransport (transport: Transport): number {
    return this.#transports[transport] ?? 0
  }

  relayed (relay: string): number {
    return this.#relays.get(relay) ?? 0
  }

  get transports (): Partial<Record<Transport, number>> {
    return { ...this.#transports }
  }

  /** A copy: who walks it closes what is in it. */
  list (): Held[] {
    return [...this.#all]
  }

  listOfPeer (peer: string): Held[] {
    return [...this.#byPeer.get(peer) ?? []]
  }

  #endPending (held: Held): void {
    this.pending[held.direction]--
    this.#pending.delete(held)
    this.#crowds.leave(held.crowd!)
    if (held.pendingCrowd != null) this.#pendingCrowds.leave(held.pendingCrowd)
    held.crowd = undefined
    held.pendingCrowd = undefined
  }

  #forgetPeer (held: Held): void {
    const { peerText } = held
    if (peerText == null) return

    const others = this.#byPeer.get(peerText)
    others?.delete(held)
    if (others?.size === 0) this.#byPeer.delete(peerText)
  }

  #leaveRelay (relay: string): void {
    const left = this.relayed(relay) - 1
    if (left === 0) this.#relays.delete(relay)
    else this.#relays.set(relay, left)
  }
}
