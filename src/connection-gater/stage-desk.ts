import { CODE_P2P } from '@multiformats/multiaddr'
import { clientOf, peerText } from '../address/client.ts'
import { ALLOWED, deny } from '../limiter/denial.ts'
import { AcceptStage } from './accept-stage.ts'
import { Held } from './held.ts'
import { KnownStages } from './known-stages.ts'
import { LooseStages } from './loose-stages.ts'
import { clientOfSocket, SocketPlaces } from './socket-places.ts'
import type { Direction } from './held.ts'
import type { Deciding } from './hooks.ts'
import type { Secured } from './known-stages.ts'
import type { Lives } from './lives.ts'
import type { GaterParts } from './parts.ts'
import type { Client } from '../address/client-key.ts'
import type { SocketAddress, SocketPlace } from '../limiter/ports.ts'
import type { Denied, Verdict } from '../limiter/verdict.ts'
import type { MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const NOT_OPEN = deny({ action: 'close', reason: 'not-open' })

/** From js-libp2p's arguments to facts, and from one stage to the next: which connection is it, and has it been counted? */
export class StageDesk implements Deciding {
  readonly #parts: GaterParts
  readonly #lives: Lives
  readonly #accept: AcceptStage
  readonly #known: KnownStages
  readonly #loose: LooseStages
  readonly #sockets = new SocketPlaces()

  constructor (parts: GaterParts, lives: Lives) {
    this.#parts = parts
    this.#lives = lives
    this.#accept = new AcceptStage(parts)
    this.#known = new KnownStages(parts)
    this.#loose = new LooseStages(parts, this.#known)
  }

  accept (maConn: MultiaddrConnection): Verdict {
    if (maConn.status !== 'open') return NOT_OPEN
    const { held: ledger, lists } = this.#parts
    const client = clientOf(maConn.remoteAddr)
    const known = ledger.find(maConn.timeline) ?? this.#sockets.find(maConn, client)

    if (known != null) {
      const blocked = lists.blockedClient(client)
      this.#lives.bind(known, maConn)
      return blocked ?? ALLOWED
    }

    const admission = this.#accept.admit(client, this.#isAllowed(client), why => { maConn.abort(why) }, () => claimIn(maConn.remoteAddr))
    if (!(admission instanceof Held)) return admission

    this.#lives.bind(admission, maConn)
    return admission.lease == null ? ALLOWED : { allow: true, lease: admission.lease }
  }

  outbound (peer: PeerId | undefined, maConn: MultiaddrConnection): Verdict {
    if (maConn.status !== 'open') return NOT_OPEN
    const client = clientOf(maConn.remoteAddr)
    const denied = this.#known.outbound(client, peer)
    if (denied != null) return denied

    if (this.#parts.held.find(maConn.timeline) == null) this.#count(maConn, client, 'outbound')
    return ALLOWED
  }

  secured (direction: Direction, peer: PeerId, maConn: MultiaddrConnection): Verdict {
    const secured = this.#find(direction, peer, maConn)

    return 'allow' in secured ? secured : this.#known.secured(secured)
  }

  /** The peer store may know of a peer what the house did not. */
  recall ({ reason }: Denied, peer: PeerId, { timeline }: MultiaddrConnection): Promise<void> | undefined {
    return reason === 'hard-limit' ? this.#parts.house?.recall({ peer, timeline }) : undefined
  }

  upgraded (peer: PeerId, maConn: MultiaddrConnection): Verdict {
    const secured = this.#find(maConn.direction, peer, maConn)

    return 'allow' in secured ? secured : this.#known.upgraded(secured)
  }

  enter (maConn: MultiaddrConnection): void {
    const held = this.#parts.held.find(maConn.timeline)
    if (held != null && maConn.status === 'open') this.#known.enter(held)
  }

  ruleAgainst (maConn: MultiaddrConnection, peer: PeerId | undefined): Denied | undefined {
    return this.#known.ruleAgainst(clientOf(maConn.remoteAddr), peer, maConn.direction)
  }

  admitSocket (remote: SocketAddress, close: () => void): SocketPlace | Denied {
    const client = clientOfSocket(remote)
    const held = this.#accept.admit(client, this.#isAllowed(client), close)
    if (!(held instanceof Held)) return held

    held.isOfSocket = true
    this.#sockets.add(remote, held)

    return {
      allow: true,
      release: (silent = false) => {
        this.#sockets.delete(remote, held)
        this.#lives.socketClosed(held, silent)
      }
    }
  }

  peerDial (peer: PeerId): Verdict { return this.#loose.peerDial(peer) }
  addrDial (address: Multiaddr, peer?: PeerId): Verdict { return this.#loose.addrDial(peer, address) }
  relayReservation (source: PeerId): Verdict { return this.#loose.relayReservation(source) }
  relayThrough (source: PeerId, destination: PeerId): Verdict { return this.#loose.relayThrough(source, destination) }
  relayed (relay: PeerId, remote: PeerId): Verdict { return this.#loose.relayed(relay, remote) }
  filter (address: Multiaddr): Verdict { return this.#loose.filter(address) }

  /**
   * A dialled address without a peer id is seen here first, after its handshake; so is a socket that was never announced. It is counted as what
   * its socket is, and asked what it would have been asked.
   */
  #find (direction: Direction, peer: PeerId, maConn: MultiaddrConnection): Secured | Denied {
    // A connection that died during a stage is announced as if it were alive, and its end is not.
    if (maConn.status !== 'open') return NOT_OPEN
    const client = clientOf(maConn.remoteAddr)
    let held = this.#parts.held.find(maConn.timeline)
    // What is taken for it now would never be given back.
    if (held?.state === 'closing') return NOT_OPEN

    if (held == null) {
      const denied = maConn.direction === 'outbound' ? this.#known.outbound(client, undefined) : undefined
      if (denied != null) return denied
      held = this.#count(maConn, client, maConn.direction)
    }

    return { held, peer, direction, timeline: maConn.timeline, isAllowed: this.#isAllowed(held.client) }
  }

  #count (maConn: MultiaddrConnection, client: Client, direction: Direction): Held {
    const { age, clock } = this.#parts
    const now = clock.now()
    const held = this.#parts.held.hold({ client, direction, since: age.at(now), end: why => { maConn.abort(why) } }, now, false)
    this.#lives.bind(held, maConn)
    return held
  }

  #isAllowed (client: Client): boolean {
    return this.#parts.host?.isAllowed(client) === true
  }
}

/** Who comes, where his address says so: a relay writes him behind itself. */
function claimIn (address: Multiaddr): string | undefined {
  const last = address.getComponents().at(-1)

  return last?.code === CODE_P2P && last.value != null ? peerText(last.value) : undefined
}
