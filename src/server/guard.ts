import { parseIp } from '../address/ip.ts'
import { admissionBy, isGate } from './admission.ts'
import { addReader, Arrivals, BAD_PROXY_HEADER, deleteReader, readersOf } from './arrivals.ts'
import { FirstBytes } from './first-bytes.ts'
import { findGuest, guestsOf, namedGuest, nameGuest } from './guest.ts'
import { GuestList } from './guest-list.ts'
import { addressOf, hookHandles } from './handle-hook.ts'
import { StreamGuard } from './http2-streams.ts'
import { IdleSweep } from './idle-sweep.ts'
import { Refuser } from './refuse.ts'
import { isAcceptedByTcp, peerOf, rawSocketOf } from './sockets.ts'
import type { ServerHttp2Stream } from 'node:http2'
import type { Server } from 'node:net'
import type { ConnectionLimits } from '../limiter/connection-config.ts'
import type { ConnectionLimiter } from '../limiter/connection-limiter.ts'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { Admission } from './admission.ts'
import type { Hook, Hooks } from './accept-hook.ts'
import type { Guest, Guests } from './guest.ts'
import type { AcceptedHandle } from './handle-hook.ts'
import type { GuardConfig } from './options.ts'
import type { ServerKind } from './server-kind.ts'
import type { Connection } from './sockets.ts'

type Pass = () => boolean

/** One server's door: who is let in, waits, is sent away, leaves. */
export class Guard {
  readonly hooks: Hooks
  readonly #server: Server
  readonly #kind: ServerKind
  readonly #config: GuardConfig
  readonly #admission: Admission
  readonly #guests: Guests
  readonly #open = new GuestList()
  readonly #refuser: Refuser
  readonly #arrivals: Arrivals | undefined
  readonly #firstBytes: FirstBytes
  readonly #sweep: IdleSweep
  #unhookHandles = (): void => {}
  /** Whose connection the server is being given in this call: an HTTP/2 session is made in it. */
  #entering: Guest | undefined

  constructor (server: Server, kind: ServerKind, limiter: ConnectionLimiter | SecurityGate, config: GuardConfig) {
    const { clock, proxyProtocol } = config

    this.#server = server
    this.#kind = kind
    this.#config = config
    this.#admission = admissionBy(limiter)
    this.#guests = guestsOf(limiter)
    this.#refuser = new Refuser(config.onDeny, kind.protocol === 'http1' && !kind.isSecure, config.writeDeadline, clock)
    this.#arrivals = proxyProtocol == null ? undefined : new Arrivals(proxyProtocol.from, proxyProtocol.headerDeadline, clock, socket => { this.#refuseHeader(socket) })
    this.#firstBytes = new FirstBytes(kind, config)
    this.#sweep = new IdleSweep({ guests: this.#guests, open: this.#open, admission: this.#admission, interval: config.sweepInterval, clock, leave: guest => { this.#leave(guest) } })
    this.hooks = this.#hooks(limiter)
    if (this.#arrivals != null) addReader(server, this.#arrivals)
  }

  /** Open, waiting for a proxy's header or for the first bytes, being told; refused so far. */
  get counts (): { readonly open: number, readonly waiting: number, readonly telling: number, readonly refused: number } {
    const waiting = (this.#arrivals?.size ?? 0) + this.#firstBytes.size
    return { open: this.#open.size, waiting, telling: this.#refuser.telling, refused: this.#refuser.refused }
  }

  /** @returns how many were closed */
  setConfig (change: ConnectionLimits, closeExisting: boolean): number {
    this.#admission.setConfig(change)
    if (!closeExisting) return 0

    // Who is being closed has its place until the next turn.
    const excess = this.#admission.excess(this.#open).filter(({ socket }) => !socket.destroyed)
    for (const { socket } of excess) socket.destroy()
    return excess.length
  }

  /**
   * The server listens, or may already. Where nobody is told why, who is refused is refused before there is a socket. Called again by the server's own
   * event: each time it listens it has another handle.
   */
  listen (): void {
    this.#unhookHandles()
    if (this.#refuser.isSilent) this.#unhookHandles = hookHandles(this.#server, accepted => this.#turnAway(accepted))
  }

  /** Closes those whom the server has not seen, and cannot close itself. */
  closeWaiting (): void {
    this.#arrivals?.closeAll()
    this.#firstBytes.closeAll()
  }

  /** Lets everybody go on that only waits for bytes; who is in stays in, and counted, until it closes. */
  stop (): void {
    this.#unhookHandles()
    this.#sweep.stop()
    if (this.#arrivals != null) deleteReader(this.#server, this.#arrivals)
    this.#arrivals?.stop()
    this.#firstBytes.stop()
  }

  #hooks (limiter: ConnectionLimiter | SecurityGate): Hooks {
    const hooks = new Map<string, Hook>([['connection', (args, pass) => this.#arrive(args[0] as Connection, pass)]])
    if (this.#refuser.isSilent) {
      hooks.set('listening', (_, pass) => {
        this.listen()
        return pass()
      })
    }

    const handOver: Hook = (args, pass) => {
      // Whoever upgrades it may first ask the gate about it, which has to know it still.
      const heard = pass()
      this.#handOver(args[1] as object)
      return heard
    }

    if (this.#kind.isSecure) hooks.set('secureConnection', (args, pass) => this.#secured(args[0] as Connection, pass))
    if (this.#config.releaseOnUpgrade) hooks.set('upgrade', handOver).set('connect', handOver)
    if (this.#kind.protocol !== 'http2') return hooks

    hooks.set('session', (args, pass) => {
      this.#opened(args[0] as object)
      return pass()
    })
    const limited = isGate(limiter) ? new StreamGuard(limiter, this.#guests, this.#config).hook : undefined
    hooks.set('stream', (args, pass) => {
      this.#asked(args[0] as ServerHttp2Stream)
      return limited == null ? pass() : limited(args, pass)
    })
    return hooks
  }

  /** @returns false for whom a socket is made, and who then arrives */
  #turnAway (accepted: AcceptedHandle): boolean {
    const address = addressOf(accepted)
    if (address == null || this.#isProxy(address)) return false

    const denied = this.#admission.turnAway(address)
    if (denied == null) return false

    this.#refuser.turnAway(accepted, denied)
    return true
  }

  /** Whether its connections are others', as far as any limiter of this server knows. */
  #isProxy (peer: string): boolean {
    return readersOf(this.#server).some(arrivals => arrivals.isProxy(peer)) || this.#isTrustedProxy(peer)
  }

  #isTrustedProxy (address: string): boolean {
    const proxies = this.#config.trustedProxies
    const ip = proxies == null ? undefined : parseIp(address)

    return ip != null && proxies!.has(ip)
  }

  #arrive (socket: Connection, pass: Pass): boolean {
    // It was handed over too late, and would never say again that it has closed.
    if (socket.destroyed) return pass()
    const known = findGuest(this.#guests, socket)
    if (known != null) return this.#pass(known, pass)

    const peer = peerOf(socket)
    const named = namedGuest(socket)
    // A limiter that heard of it before us has read the header.
    if (named != null && (named.proxies == null || named.address !== peer)) {
      this.#firstBytes.accepted(socket)
      return this.#admit(socket, named.address, true, pass)
    }

    // Reset before anybody looked: it has no address any more, and must not pass for one that never had any.
    if (peer == null && isAcceptedByTcp(socket)) {
      socket.destroy()
      return true
    }

    const arrived = this.#arrivals
    this.#firstBytes.accepted(socket)
    if (arrived?.isProxy(peer ?? '') === true) {
      socket.once('close', () => { this.#firstBytes.forget(socket) })
      arrived.awaitHeader(socket, address => { this.#admit(socket, address ?? peer ?? '', true, pass) })
      return true
    }

    return this.#admit(socket, peer ?? '', false, pass)
  }

  #refuseHeader (socket: Connection): void {
    this.#firstBytes.forget(socket)
    this.#admission.report(BAD_PROXY_HEADER, socket)
    this.#refuser.refuseSilently(socket, BAD_PROXY_HEADER)
  }

  /** @param isRead - whether a proxy's header was read; another one is none */
  #admit (socket: Connection, address: string, isRead: boolean, pass: Pass): boolean {
    const guest: Guest = { socket, address, lease: undefined, requester: undefined, place: -1, moved: 0, movedAt: this.#config.clock.now() }
    if (this.#isTrustedProxy(address)) return this.#enter({ ...guest, proxies: this.#config.trustedProxies! }, isRead, pass)

    const denied = this.#admission.admit(guest)
    if (denied == null) return this.#enter(guest, isRead, pass)
    this.#firstBytes.forget(socket)
    this.#refuser.refuse(socket, denied)
    return true
  }

  #enter (guest: Guest, isRead: boolean, pass: Pass): boolean {
    const { socket } = guest

    this.#open.add(guest)
    this.#guests.set(socket, guest)
    if (isRead || guest.proxies != null) nameGuest(socket, guest)
    socket.once('close', () => { this.#leave(guest) })
    this.#sweep.start()
    const enter = (): boolean => this.#pass(guest, pass)
    if (this.#arrivals == null || isRead) return this.#firstBytes.await(socket, enter)

    this.#arrivals.awaitOther(socket, {
      spoke: () => { this.#firstBytes.spoke(socket) },
      cleared: ended => {
        if (ended) this.#firstBytes.forget(socket)
        return ended ? enter() : this.#firstBytes.await(socket, enter)
      }
    })
    return true
  }

  #secured (socket: Connection, pass: Pass): boolean {
    const guest = this.#guests.get(rawSocketOf(socket) ?? socket)
    if (guest == null) return pass()

    guest.speaker = socket
    this.#guests.set(socket, guest)
    if (namedGuest(guest.socket) != null) nameGuest(socket, guest)
    return this.#firstBytes.awaitSecured(guest.socket, socket, () => this.#pass(guest, pass))
  }

  #pass (guest: Guest, pass: Pass): boolean {
    const before = this.#entering
    this.#entering = guest

    try {
      return pass()
    } finally {
      this.#entering = before
    }
  }

  #opened (session: object): void {
    if (this.#entering == null) return
    this.#guests.set(session, this.#entering)
    if (namedGuest(this.#entering.socket) != null) nameGuest(session, this.#entering)
  }

  #asked ({ session }: ServerHttp2Stream): void {
    const guest = session == null ? undefined : this.#guests.get(session)
    if (guest != null) this.#firstBytes.asked(guest.socket)
  }

  #handOver (socket: object): void {
    const guest = this.#guests.get(socket)
    if (guest != null) this.#leave(guest)
  }

  /** Once or more often, for whatever reason. */
  #leave (guest: Guest): void {
    if (!this.#open.delete(guest)) return

    this.#firstBytes.forget(guest.socket)
    if (guest.proxies == null) this.#admission.release(guest)
  }
}
