import { clientKey } from '../address/client-key.ts'
import { deny } from '../limiter/denial.ts'
import { DEFAULT_UPGRADE_TIMEOUT, whoMakesRoom } from './make-room.ts'
import { isFavourite, isFree } from './parts.ts'
import type { End, Held } from './held.ts'
import type { GaterParts } from './parts.ts'
import type { Client } from '../address/client-key.ts'
import type { Denied, DenyReason } from '../limiter/verdict.ts'

/** Above which limits an address may stand from which a protected or trusted peer last came, with one pending connection. */
const EXCUSABLE: ReadonlySet<DenyReason> = new Set(['connection-limit', 'network-limit', 'overflow-limit', 'connect-rate', 'pending-limit', 'pending-total'])

/** And above which ones a relay, for who says that he is a trusted peer. */
const CLAIMABLE: ReadonlySet<DenyReason> = new Set(['relay-limit', 'pending-limit', 'pending-total'])

/** A place at every level, or why there is none. */
export type Admission = Held | Denied

interface Room {
  readonly allow: true
  readonly leaver: Held | undefined
}

/**
 * The accept decision: everything is checked, and only then is everything taken, in one turn of the event loop. A denial spends nothing but,
 * at the full house, one try of `contestRate`, which is why the house is asked last.
 */
export class AcceptStage {
  readonly #parts: GaterParts

  /** Addresses of friends, and relays that they come through, that stand above their limits with one connection now. */
  readonly #excused = new Map<string, Held>()

  constructor (parts: GaterParts) {
    this.#parts = parts
  }

  /**
   * @param isAllowed - by js-libp2p's own allow list, which is trust
   * @param claim - who comes through a relay, as far as the relay says: proved at *secured*
   */
  admit (client: Client, isAllowed: boolean, end: End, claim: () => string | undefined = () => undefined): Admission {
    const { core, held, lists, clock, age } = this.#parts
    const now = clock.now()
    const since = age.at(now)
    const blocked = lists.blockedClient(client)
    if (blocked != null) return blocked

    const trusted = isAllowed || lists.trustsClient(client)
    const free = trusted || (client.kind === 'ip' && core.isFree(client.ip))
    let excuse = trusted ? undefined : this.#refusal(client, free, now)
    let leaver: Held | undefined

    if (excuse == null && !free) {
      const room = this.#makeRoom(client, since)
      if (room.allow) leaver = room.leaver
      else excuse = room
    }
    if (excuse != null && !this.#excuses(client, excuse, claim)) return excuse
    const inexcusable = excuse == null ? undefined : this.#transportCap(client) ?? this.#totals()
    if (inexcusable != null) return inexcusable

    const full = this.#parts.house?.atAccept(client, trusted || excuse != null || this.#isFavoured(client))
    if (full != null) return full

    if (leaver != null) this.#parts.displace(leaver)
    const admitted = held.hold({ client, direction: 'inbound', since, end }, now, !isAllowed)
    if (excuse != null) this.#excuse(admitted, excuse)
    return admitted
  }

  #refusal (client: Client, free: boolean, now: number): Denied | undefined {
    const { core, desk, limits, held } = this.#parts

    if (client.kind === 'ip') {
      const denied = (free ? undefined : desk.banned(client.ip, now)) ?? core.check(client.ip, now)
      if (denied != null) return denied
    }

    const denied = this.#transportCap(client) ?? this.#relayCap(client) ?? this.#totals()
    // Whoever has neither an address nor a relay shares his key with all others of his transport.
    if (denied != null || free || client.kind === 'transport' || held.pendingOf(client) < limits.maxPendingPerIp) return denied
    return deny({ action: 'close', reason: 'pending-limit', limit: limits.maxPendingPerIp, key: clientKey(client) })
  }

  #transportCap (client: Client): Denied | undefined {
    const { limits, held } = this.#parts
    const { transport } = client
    const limit = transport === 'unknown' ? Infinity : limits.transportLimits[transport] ?? Infinity

    if (held.onTransport(transport) >= limit) return deny({ action: 'close', reason: 'transport-limit', limit, key: `transport:${transport}` })
    return undefined
  }

  #relayCap (client: Client): Denied | undefined {
    const { limits: { maxConnsPerRelay: limit }, held } = this.#parts
    if (client.kind !== 'relay' || held.relayed(client.relay) < limit) return undefined

    return deny({ action: 'close', reason: 'relay-limit', limit, key: clientKey(client) })
  }

  #totals (): Denied | undefined {
    const { core, held, limits } = this.#parts

    if (core.total >= core.limits.maxConns) return deny({ action: 'close', reason: 'total-limit', limit: core.limits.maxConns })
    if (held.open.inbound >= limits.maxInbound) return deny({ action: 'close', reason: 'total-limit', limit: limits.maxInbound, key: 'inbound' })
    return undefined
  }

  /** @returns who has to go for this client, nobody when there is room, or why not */
  #makeRoom (client: Client, now: number): Room | Denied {
    const { held, limits, host, random } = this.#parts
    if (held.pending.inbound < limits.maxPending) return { allow: true, leaver: undefined }

    const leaver = limits.maxPending === 0 || this.#isLowered()
      ? undefined
      : whoMakesRoom({
          waiting: held.waiting,
          crowdedness: one => held.crowdedness(one),
          isFree: one => isFree(this.#parts, one.client),
          newcomer: { client, crowd: held.pendingAround(client) },
          now,
          upgradeTimeout: host?.upgradeTimeout ?? DEFAULT_UPGRADE_TIMEOUT,
          random
        })

    return leaver == null ? deny({ action: 'close', reason: 'pending-total', limit: limits.maxPending }) : { allow: true, leaver }
  }

  /** Whether more are pending than may be because it were more that might: one for one, it would never be less. Trusted ones and friends may stand above it. */
  #isLowered (): boolean {
    const { held, limits: { maxPending } } = this.#parts
    if (held.pending.inbound === maxPending) return false

    let strangers = 0
    for (const { client, excuse } of held.waiting) {
      if (excuse == null && !isFree(this.#parts, client) && ++strangers > maxPending) return true
    }
    return false
  }

  #excuses (client: Client, { reason }: Denied, claim: () => string | undefined): boolean {
    const isFriends = client.kind === 'relay' ? CLAIMABLE.has(reason) && this.#isTrusted(claim()) : EXCUSABLE.has(reason) && this.#isFavoured(client)

    return isFriends && this.#excused.get(clientKey(client))?.state !== 'pending'
  }

  #isTrusted (peer: string | undefined): boolean {
    return peer != null && this.#parts.lists.trustsPeer(peer)
  }

  #excuse (held: Held, excuse: Denied): void {
    held.excuse = excuse
    // At most one for each address of a friend; one that is no longer pending is no excuse for keeping it.
    for (const [key, other] of this.#excused) if (other.state !== 'pending') this.#excused.delete(key)
    this.#excused.set(clientKey(held.client), held)
  }

  #isFavoured (client: Client): boolean {
    const { favoured } = this.#parts
    if (favoured.size === 0 || client.kind !== 'ip') return false

    return favoured.has(clientKey(client), peer => isFavourite(this.#parts, peer))
  }
}
