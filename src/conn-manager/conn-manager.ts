import { GuardedEvents } from '../limiter/guarded-events.ts'
import { checkNames } from '../limiter/options.ts'
import { quoted } from '../limiter/quoted.ts'
import { closeConnections } from './close-connections.ts'
import { contest } from './contest.ts'
import { DecaySchedule } from './decay-schedule.ts'
import { LimitConflictError } from './errors.ts'
import { FullHouse } from './full-house.ts'
import { MARKS, resolveLimits } from './limits.ts'
import { Newcomers } from './newcomers.ts'
import { NO_PEER, PeerLedger } from './peer-ledger.ts'
import { PeerStoreReader } from './peer-store-reader.ts'
import { Protections } from './protections.ts'
import { checkFunction, checkPeer, checkTag, checkValue } from './tag-rules.ts'
import { TrimWatch } from './trim-watch.ts'
import { Trimmer } from './trimmer.ts'
import { untilAborted } from './until-aborted.ts'
import { answered } from './user-answer.ts'
import type { ConnManager, ConnManagerEvents, ConnManagerInfo, Eviction, Limits, LimitsUnmet, Notifee, TagInfo } from './contract.ts'
import type { DecayingTag, DecayingTagInit } from './decay-contract.ts'
import type { TrimPlan, TrimReport } from './trim-contract.ts'
import type { ConnManagerOptions } from './options.ts'
import type { ReadPeer } from './peer-store-reader.ts'
import type { CrowdLedger } from '../limiter/crowd-ledger.ts'
import type { House, Trust } from '../limiter/ports.ts'
import type { AbortOptions, Connection, Logger, Peer, PeerId } from '@libp2p/interface'

export interface ConnManagerPorts {
  readonly log: Logger
  readonly trust: Trust | undefined

  /** Shared with the gater, which enters connections that are upgrading. */
  readonly crowds: CrowdLedger

  /** Asked once when a peer's first connection opens. Resolves to undefined for a peer that the store does not know. */
  readonly readPeer: ReadPeer | undefined
}

/** The manager with its life: it owns the timers, the events and the log, and asks the rules and ledgers around it. */
export class ConnManagerPart extends GuardedEvents<ConnManagerEvents> implements ConnManager {
  readonly #options: ConnManagerOptions
  readonly #ports: ConnManagerPorts
  readonly #ledger: PeerLedger
  readonly #protections = new Protections()
  readonly #decay: DecaySchedule
  readonly #peerStore: PeerStoreReader
  readonly #trimmer: Trimmer
  readonly #watch: TrimWatch
  readonly #house: FullHouse
  readonly #newcomers: Newcomers

  #limits: Limits
  #started = false

  constructor (options: ConnManagerOptions, ports: ConnManagerPorts) {
    super(ports.log)

    this.#options = options
    this.#ports = ports
    this.#limits = options.limits

    this.#ledger = new PeerLedger({
      crowds: ports.crowds,
      maxUnconnectedPeers: options.maxUnconnectedPeers,
      isProtected: id => this.#protections.has(id),
      forEachDecaying: (id, visit) => { this.#decay.tags.forEachOf(id, visit) },
      onForgotten: id => { this.#decay.tags.forget(id) }
    })

    this.#decay = new DecaySchedule({
      resolution: options.decayResolution,
      log: ports.log,
      onChange: (id, tags, delta) => { this.#ledger.changeDecaying(id, tags, delta, this.#now()) }
    }, options.clock)

    this.#peerStore = new PeerStoreReader({ ledger: this.#ledger, read: ports.readPeer, log: ports.log, clock: options.clock })

    this.#trimmer = new Trimmer({
      ledger: this.#ledger,
      trust: ports.trust,
      limits: () => this.#limits,
      gracePeriod: options.gracePeriod,
      trimOrder: options.trimOrder,
      clock: options.clock,
      log: ports.log,
      onEnded: connection => { this.disconnected(connection) },
      onSpared: () => { this.#watch.spared() },
      onPlanned: nextGraceEnd => { this.#watch.planned(nextGraceEnd) },
      onDone: (report, left) => { this.#trimDone(report, left) }
    })

    this.#watch = new TrimWatch({
      open: () => this.#ledger.connections.open,
      limits: () => this.#limits,
      gracePeriod: options.gracePeriod,
      silencePeriod: options.silencePeriod,
      clock: options.clock,
      isBusy: () => this.#trimmer.busy,
      trim: () => { this.#trimmer.trim('normal').catch(error => { ports.log.error('could not trim - %e', error) }) },
      onUnmet: unmet => { this.#reportUnmet(unmet) }
    })

    const strangers = contest(options.contestRate)
    this.#house = new FullHouse({
      ledger: this.#ledger,
      limits: () => this.#limits,
      onHardLimit: options.onHardLimit,
      isProtected: peer => this.isProtected(peer),
      trust: ports.trust,
      mayContest: client => strangers.mayContest(client, this.#now()),
      evict: (row, newcomer) => { this.#evict(row, newcomer, 'displaced') },
      admittedAboveLimit: newcomer => { this.#reportEviction({ newcomer, reason: 'admitted-above-limit' }) },
      trustLost: () => { this.#watch.moreMayGo() },
      onEnded: connection => { this.disconnected(connection) },
      storedValue: peer => this.#peerStore.valueOf(peer),
      now: () => this.#now()
    })

    this.#newcomers = new Newcomers({
      ledger: this.#ledger,
      house: this.#house,
      peerStore: this.#peerStore,
      trust: ports.trust,
      now: () => this.#now(),
      onStay: () => { this.#watch.opened() },
      onLost: (row, { remotePeer }) => { this.#evict(row, remotePeer, 'not-worth-more') }
    })
  }

  start (): void {
    if (this.#started) return

    this.#started = true
    this.#watch.start()
    this.#decay.start()
  }

  stop (): void {
    this.#started = false
    this.#watch.stop()
    this.#decay.stop()
    for (const connection of this.#ledger.connections.all()) this.disconnected(connection)
  }

  tagPeer (peer: PeerId, tag: string, value: number): void {
    checkTag('set the tag', tag)
    checkValue('set the tag', tag, value)

    this.#ledger.setTag(checkPeer(peer), tag, value, this.#now())
  }

  untagPeer (peer: PeerId, tag: string): boolean {
    return this.#ledger.deleteTag(peer.toString(), tag)
  }

  upsertTag (peer: PeerId, tag: string, upsert: (value: number) => number): void {
    checkTag('set the tag', tag)
    checkFunction('set the tag', tag, 'upsert', upsert)

    const id = checkPeer(peer)
    let value: number

    try {
      value = answered(upsert(this.#ledger.getTag(id, tag) ?? 0))
    } catch (error) {
      this.#ports.log.error('upsert of tag %s failed, its value stays - %e', tag, error)
      return
    }

    checkValue('set the tag', tag, value)
    this.#ledger.setTag(id, tag, value, this.#now())
  }

  getTagInfo (peer: PeerId): TagInfo | undefined {
    const id = peer.toString()
    const row = this.#ledger.find(id)
    if (row === NO_PEER) return undefined

    return this.#ledger.info(row, this.#now())
  }

  protect (peer: PeerId, tag: string): void {
    checkTag('protect the peer', tag)

    const id = checkPeer(peer)
    this.#protections.add(id, tag)
    this.#ledger.setProtected(id, true)
  }

  unprotect (peer: PeerId, tag: string): boolean {
    const id = peer.toString()
    const still = this.#protections.remove(id, tag)
    this.#ledger.setProtected(id, still)
    if (!still) this.#watch.moreMayGo()

    return still
  }

  isProtected (peer: PeerId, tag?: string): boolean {
    return this.#protections.has(peer.toString(), tag)
  }

  registerDecayingTag (name: string, init: DecayingTagInit): DecayingTag {
    return this.#decay.register(name, init)
  }

  async trimOpenConns (options: AbortOptions = {}): Promise<TrimReport> {
    return untilAborted(async () => this.#trimmer.trim('normal'), options.signal)
  }

  async forceTrim (options: AbortOptions = {}): Promise<TrimReport> {
    return untilAborted(async () => this.#trimmer.trim('forced'), options.signal)
  }

  planTrim (): TrimPlan {
    return this.#trimmer.plan('normal')
  }

  checkLimit (limiter: { getConnLimit: () => number }): void {
    const limit: unknown = limiter.getConnLimit()

    if (typeof limit !== 'number' || Number.isNaN(limit)) {
      throw new LimitConflictError(`Could not agree with the other limiter: getConnLimit must return a number, received ${quoted(limit)}`)
    }

    if (this.#limits.highWater > limit) {
      throw new LimitConflictError(`Could not agree with the other limiter: highWater (${this.#limits.highWater}) must not be above its ${limit} connections, or no trim ever becomes due`)
    }
  }

  getInfo (): ConnManagerInfo {
    return {
      ...this.#limits,
      gracePeriod: this.#options.gracePeriod,
      silencePeriod: this.#options.silencePeriod,
      ...(this.#watch.lastTrim == null ? {} : { lastTrim: this.#watch.lastTrim }),
      connCount: this.#ledger.connections.open,
      protectedPeers: this.#protections.size,
      trackedPeers: this.#ledger.size
    }
  }

  setLimits (limits: Partial<Limits>): void {
    checkNames('limits', limits, MARKS)
    this.#limits = resolveLimits(limits, this.#limits)
    this.#watch.moreMayGo()
  }

  notifee (): Notifee {
    return {
      connected: connection => { this.connected(connection) },
      disconnected: connection => { this.disconnected(connection) }
    }
  }

  /** What the gater asks. */
  get house (): House {
    return this.#house
  }

  /** Open connections by direction, for metrics. */
  connectionCounts (): { inbound: number, outbound: number } {
    const { open, openOutbound } = this.#ledger.connections

    return { inbound: open - openOutbound, outbound: openOutbound }
  }

  connected (connection: Connection): void {
    this.#newcomers.connected(connection)
  }

  disconnected (connection: Connection): void {
    this.#newcomers.disconnected(connection)
  }

  /** The peer store's record of a peer changed. */
  peerUpdated (peer: Peer): void {
    if (this.#peerStore.updated(peer)) this.#watch.moreMayGo()
  }

  #now (): number {
    return this.#options.clock.now()
  }

  #trimDone (report: TrimReport, left: number): void {
    this.#watch.ended()
    this.#ports.log('trimmed %d of %d connections, %d are open', report.closed, report.entries.length, report.open)
    this.safeDispatchEvent('trim', { detail: report })
    this.#watch.done(report, left)
  }

  #reportUnmet (unmet: LimitsUnmet): void {
    this.#ports.log('%d connections are open and no more may go, highWater is %d', unmet.open, unmet.highWater)
    this.safeDispatchEvent('limits-unmet', { detail: unmet })
  }

  #evict (row: number, newcomer: PeerId, reason: 'displaced' | 'not-worth-more'): void {
    const { connections } = this.#ledger
    const connection = connections.connection(row)!
    const { id: connectionId, remotePeer: peer } = connection
    const value = this.#ledger.value(connections.peer(row), this.#now())

    connections.markClosing(row)
    void closeConnections([connection], this.#options.clock, this.#ports.log)
    this.#reportEviction({ connectionId, peer, value, newcomer, reason })
  }

  #reportEviction (eviction: Eviction): void {
    this.#ports.log('at hardLimit %d: %s for %p', this.#limits.hardLimit, eviction.reason, eviction.newcomer)
    this.safeDispatchEvent('evict', { detail: eviction })
  }
}
