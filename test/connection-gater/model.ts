import type { Socket } from './kit.ts'

/** A connection as the model knows it: plain facts, no indexes. */
export interface Known {
  /** An address, or `relay:` and its peer: whose places it takes. */
  readonly key: string
  readonly socket: Socket
  readonly direction: 'inbound' | 'outbound'

  /** It was trusted when it came: it makes room for nobody. */
  readonly since: number

  /** It stands above a limit, because a friend last came from there. */
  readonly isExcused: boolean
  peer: string | undefined

  /** It has a place in the house. */
  isPlaced: boolean
  state: 'pending' | 'open' | 'closing' | 'gone'
}

export interface ModelLimits {
  maxConnsPerIp: number
  maxConnsPerPeer: number
  maxConnsPerRelay: number
  maxPending: number
  maxPendingPerIp: number
  maxInbound: number
  maxOutbound: number
  maxPendingOutbound: number
}

/** So many at once, and one more each so many ms. */
export const RATE = { limit: 6, window: 6_000 }
const TOKEN = RATE.window / RATE.limit
const PATIENCE = 2_000

export type Admission = { readonly may: false } | { readonly may: true, readonly isExcused: boolean, readonly leaver?: Known | undefined }

const NO: Admission = { may: false }

/** What the gater promises, recounted from a list each time. Its time never goes back. */
export class Model {
  readonly known: Known[] = []
  readonly blocks = new Map<string, number>()
  readonly trusted = new Set<string>()
  readonly protected = new Set<string>()
  readonly limits: ModelLimits
  readonly #debts = new Map<string, { debt: number, at: number }>()
  readonly #friendsFrom = new Map<string, Set<string>>()
  places: number
  time = 0

  constructor (limits: ModelLimits, places: number) {
    this.limits = limits
    this.places = places
  }

  count (isMeant: (known: Known) => boolean): number {
    return this.known.filter(isMeant).length
  }

  in (state: Known['state'], direction: Known['direction']): number {
    return this.count(known => known.state === state && known.direction === direction)
  }

  get isFull (): boolean {
    return this.count(({ isPlaced }) => isPlaced) >= this.places
  }

  /** Who comes through a blocked relay is refused with it. */
  isBlocked (key: string): boolean {
    return (this.blocks.get(key.replace('relay:', '')) ?? 0) > this.time
  }

  isFriend (peer: string): boolean {
    return this.trusted.has(peer) || this.protected.has(peer)
  }

  /** At accept: all limits of its own, then room among those that are pending, then the totals and the house. */
  admit (key: string): Admission {
    if (this.isBlocked(key)) return NO
    const isFree = this.trusted.has(key)
    const isFavoured = [...this.#friendsFrom.get(key) ?? []].some(peer => this.isFriend(peer))
    if (!isFree && !this.#isWithinTotals(key)) return NO

    const leaver = isFree || !this.#isWithinOwn(key) ? undefined : this.#makeRoom(key)
    const isExcused = !isFree && leaver === undefined
    if (isExcused && (!isFavoured || this.count(known => known.key === key && known.isExcused && known.state === 'pending') > 0)) return NO
    if (this.isFull && !isFree && !isFavoured) return NO

    return { may: true, isExcused, leaver: leaver ?? undefined }
  }

  /** What an accepted one pays, where anything is left to pay with. */
  pay (key: string): void {
    const debt = this.#debt(key)
    const isCharged = !key.startsWith('relay:') && !this.trusted.has(key) && debt + TOKEN <= RATE.window
    for (const one of [key].filter(() => isCharged)) this.#debts.set(one, { debt: debt + TOKEN, at: this.time })
  }

  mayDial (key: string, peer: string): boolean {
    if (this.isBlocked(key) || this.isBlocked(peer)) return false
    if (this.isTrusted(key, peer)) return true

    return this.isBelowPeerCap(peer) && this.in('open', 'outbound') < this.limits.maxOutbound && this.in('pending', 'outbound') < this.limits.maxPendingOutbound
  }

  /** Once its peer is known: the guess of accept is judged. Who passes has been here, whatever the house says. */
  isWelcome ({ key, peer: before, socket, isExcused }: Known, peer: string): boolean {
    if (socket.status !== 'open' || this.isBlocked(peer) || this.isBlocked(key)) return false
    if (this.isTrusted(key, peer)) return true

    return (!isExcused || this.protected.has(peer)) && (before != null || this.isBelowPeerCap(peer))
  }

  /** And then the place in the house is taken. */
  maySecure (known: Known, peer: string): boolean {
    return this.isWelcome(known, peer) && (known.isPlaced || this.isTrusted(known.key, peer) || !this.isFull)
  }

  isTrusted (key: string, peer: string): boolean {
    return this.trusted.has(key) || this.trusted.has(peer)
  }

  mayOpen ({ key, direction, state, socket }: Known, peer: string): boolean {
    if (socket.status !== 'open' || this.isBlocked(peer) || this.isBlocked(key)) return false
    if (this.isTrusted(key, peer) || state !== 'pending') return true

    return this.in('open', direction) < (direction === 'inbound' ? this.limits.maxInbound : this.limits.maxOutbound)
  }

  /** A friend was seen to come from there, or to leave. */
  remember ({ key }: Known, peer: string | undefined): void {
    const isRemembered = peer != null && !key.startsWith('relay:') && this.isFriend(peer)
    for (const friend of [peer!].filter(() => isRemembered)) this.#friendsFrom.set(key, new Set([...this.#friendsFrom.get(key) ?? [], friend]))
  }

  /** Its connection has closed; a WebSocket's socket takes a while. */
  close (known: Known): void {
    if (known.state !== 'pending' && known.state !== 'open') return

    this.remember(known, known.peer)
    known.isPlaced = false
    known.state = known.socket.websocket == null ? 'gone' : 'closing'
  }

  block (key: string, ms: number): void {
    this.blocks.set(key, Math.max(this.time + ms, this.blocks.get(key) ?? 0))
    const isMeant = (known: Known): boolean => known.key === key || known.key === `relay:${key}` || known.peer === key

    for (const known of this.known.filter(known => (known.state === 'pending' || known.state === 'open') && isMeant(known))) this.close(known)
  }

  isBelowPeerCap (peer: string): boolean {
    return this.count(known => known.peer === peer && (known.state === 'pending' || known.state === 'open')) < this.limits.maxConnsPerPeer
  }

  #isWithinTotals (key: string): boolean {
    const isBelowRelayCap = !key.startsWith('relay:') || this.count(known => known.key === key && known.state !== 'gone') < this.limits.maxConnsPerRelay

    return isBelowRelayCap && this.in('open', 'inbound') < this.limits.maxInbound
  }

  /** Those limits above which a friend's address may stand. */
  #isWithinOwn (key: string): boolean {
    const isBelowCap = key.startsWith('relay:') ||
      (this.count(known => known.key === key && known.state !== 'gone') < this.limits.maxConnsPerIp && this.#debt(key) + TOKEN <= RATE.window)

    return isBelowCap && this.#pending().filter(known => known.key === key).length < this.limits.maxPendingPerIp
  }

  /** @returns who has to go, null when there is room, undefined when nobody may go */
  #makeRoom (key: string): Known | null | undefined {
    const pending = this.#pending()
    if (pending.length < this.limits.maxPending) return null
    const isLowered = pending.filter(known => !known.isExcused && !this.trusted.has(known.key)).length > this.limits.maxPending
    const movable = this.limits.maxPending === 0 || isLowered ? [] : pending.filter(({ key }) => !this.trusted.has(key))

    const overdue = movable.filter(({ since }) => since <= this.time - PATIENCE)
    const most = Math.max(...overdue.map(one => this.#crowd(one.key)))
    const crowded = this.#crowd(key, 1)

    return overdue.find(one => this.#crowd(one.key) === most) ?? movable.findLast(one => {
      return areNeighbours(one.key, key) ? this.#crowd(one.key) % WIDE > crowded % WIDE : this.#crowd(one.key) > crowded
    })
  }

  /** First the surroundings, then the client. */
  #crowd (key: string, newcomers = 0): number {
    const pending = this.#pending()

    return (pending.filter(known => areNeighbours(known.key, key)).length + newcomers) * WIDE + pending.filter(known => known.key === key).length + newcomers
  }

  #pending (): Known[] {
    return this.known.filter(({ state, direction }) => state === 'pending' && direction === 'inbound')
  }

  #debt (key: string): number {
    const { debt, at } = this.#debts.get(key) ?? { debt: 0, at: this.time }

    return Math.max(debt - (this.time - at), 0)
  }
}

/** More than ever are pending. */
const WIDE = 1_000

function areNeighbours (a: string, b: string): boolean {
  return surroundings(a) === surroundings(b)
}

function surroundings (key: string): string {
  return key.startsWith('relay:') ? key : key.slice(0, key.lastIndexOf('.'))
}
