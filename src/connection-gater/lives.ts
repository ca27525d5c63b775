import { clientKey } from '../address/client-key.ts'
import { DeadlineQueue } from '../clock/deadline-queue.ts'
import { DENIAL_MESSAGE } from '../limiter/verdict.ts'
import { DEFAULT_UPGRADE_TIMEOUT } from './make-room.ts'
import { offenceOfUpgrade } from './offences.ts'
import { isFavourite, isFree } from './parts.ts'
import { offenderOf } from './risk-desk.ts'
import { awaitSocket, mendAbort } from './websocket.ts'
import type { Held } from './held.ts'
import type { GaterParts } from './parts.ts'
import type { Offence } from '../limiter/risk-options.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/** How long a closed WebSocket may wait for the other side's goodbye. */
const GOODBYE = 1_000

/** Made once: to write down where an error was made costs as much as to refuse a socket. */
const REFUSED = new Error(DENIAL_MESSAGE)

/** What a `close` event of a multiaddr connection may say. */
interface CloseEvent {
  readonly local?: boolean
  readonly error?: Error
}

/**
 * From a connection's first count to its last: binds it to its socket, hears it close, once, however often it says so, and gives its place
 * back when the socket is gone.
 */
export class Lives {
  readonly #parts: GaterParts
  readonly #goodbyes: DeadlineQueue<() => void>

  constructor (parts: GaterParts) {
    this.#parts = parts
    this.#goodbyes = new DeadlineQueue(parts.clock, GOODBYE, hurry => { hurry() })
  }

  bind (held: Held, maConn: MultiaddrConnection): void {
    mendAbort(maConn)
    held.end = why => { maConn.abort(why) }
    this.#parts.held.link(held, maConn.timeline)
    maConn.addEventListener('close', event => { this.#closed(held, maConn, event as CloseEvent) }, { once: true })
  }

  /** It was refused, or somebody else needs its place: its upgrade is over now, its place is given back when the socket is gone. */
  end (held: Held, why = REFUSED): void {
    this.#parts.held.leave(held)
    held.end(why)
  }

  /** Refused before it was counted. */
  refuse (maConn: MultiaddrConnection): void {
    mendAbort(maConn)
    if (maConn.status === 'open') maConn.abort(REFUSED)
  }

  /** Not all transports' sockets say that they have closed; the connection over them does. */
  connectionClosed (held: Held, connection: object): void {
    if (held.state === 'closing' || held.state === 'gone') return
    this.#closed(held, 'maConn' in connection ? connection.maConn : undefined, {})
  }

  /** A socket of a listener is gone, with the connection over it. */
  socketClosed (held: Held, isSilent: boolean): void {
    if (isSilent && held.state === 'pending') this.#offendBy(held, { isLocal: true, error: new Error('silent') })
    this.#parts.held.release(held)
  }

  #closed (held: Held, maConn: unknown, { local, error }: CloseEvent): void {
    const isUpgradeFailed = held.state === 'pending' && held.peer == null && held.direction === 'inbound'

    if (isUpgradeFailed) this.#offendBy(held, { isLocal: local === true, error })
    this.#remember(held)
    this.#parts.held.leave(held)

    // A listener's socket has its own end, and gives the place back.
    const hurry = awaitSocket(maConn, () => { this.#gone(held, hurry) })
    if (hurry == null) this.#gone(held)
    else this.#goodbyes.add(hurry)
  }

  #gone (held: Held, hurry?: () => void): void {
    if (hurry != null) this.#goodbyes.delete(hurry)
    if (!held.isOfSocket) this.#parts.held.release(held)
  }

  #offendBy (held: Held, { isLocal, error }: { readonly isLocal: boolean, readonly error: Error | undefined }): void {
    const { limits, host, clock, age, held: { pending } } = this.#parts
    const offence = offenceOfUpgrade({
      age: age.at(clock.now()) - held.since,
      upgradeTimeout: host?.upgradeTimeout ?? DEFAULT_UPGRADE_TIMEOUT,
      wasFull: pending.inbound >= limits.maxPending,
      isLocal,
      error
    })

    if (offence != null) this.offend(held, offence)
  }

  /** @returns whether a ban came of it */
  offend (held: Held, offence: Offence): boolean {
    const offender = isFree(this.#parts, held.client) ? undefined : offenderOf(held.client, held.peer)

    return offender != null && this.#parts.desk.offend(offender, offence) != null
  }

  /** A friend may have become one only while it was here. */
  #remember ({ peer, client }: Held): void {
    if (peer != null && client.kind === 'ip' && isFavourite(this.#parts, peer)) this.#parts.favoured.remember(peer, clientKey(client))
  }
}
