import { ConnectionCore } from '../limiter/connection-core.ts'
import { coreOf } from '../limiter/connection-limiter.ts'
import { CrowdLedger } from '../limiter/crowd-ledger.ts'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkCapacity } from '../limiter/options.ts'
import { DEFAULT_CAPACITY } from '../limiter/rate-limiter.ts'
import { SteadyTime } from '../limiter/steady-time.ts'
import { trustList } from '../limiter/trust-list.ts'
import { changeCoreLimits, checkNames, formatConfig, hasCoreLimits, OWN_DEFAULTS, parseChecks, parseCoreLimits, parseOwnLimits, parseRiskInit, refuseCoreLimits } from './config.ts'
import { FavouredAddresses } from './favoured-addresses.ts'
import { HeldConnections } from './held-connections.ts'
import { jointHost, jointHouse } from './joint-house.ts'
import { Lists } from './lists.ts'
import { RiskDesk } from './risk-desk.ts'
import type { CheckOptions, OwnLimits } from './config.ts'
import type { Held } from './held.ts'
import type { ConnectionGaterConfig, ConnectionGaterInit, ConnectionGaterLimits } from './options.ts'
import type { GaterParts } from './parts.ts'
import type { Ip } from '../address/ip.ts'
import type { Clock } from '../clock/clock.ts'
import type { Sharer } from '../limiter/sharers.ts'
import type { GateHost, House } from '../limiter/ports.ts'
import type { RiskConfig } from '../limiter/risk-options.ts'

/** Peers whose addresses are favoured, at most. */
const FAVOURED_PEERS = 4_096

export interface GaterStateInit {
  readonly init: ConnectionGaterInit
  readonly clock: Clock
  readonly isBrowser: boolean
  readonly random: () => number
  readonly displace: (held: Held) => void
}

/** The ledgers, the lists, and the limits in force; who is the manager now: of each node, where several share this gater. */
export class GaterState implements GaterParts, Sharer {
  readonly core: ConnectionCore
  readonly crowds = new CrowdLedger()
  readonly held: HeldConnections
  readonly lists: Lists
  readonly desk: RiskDesk
  readonly favoured = new FavouredAddresses(FAVOURED_PEERS)
  readonly clock: Clock
  readonly age = new SteadyTime()
  readonly random: () => number
  readonly displace: (held: Held) => void
  readonly #isShared: boolean
  readonly #attached = new Map<House, GateHost | undefined>()
  #risk: RiskConfig | undefined
  checks: CheckOptions
  limits: OwnLimits
  house: House | undefined = undefined
  host: GateHost | undefined = undefined

  constructor ({ init, clock, isBrowser, random, displace }: GaterStateInit) {
    checkNames(init, 'made')
    const capacity = checkCapacity('capacity', init.capacity ?? DEFAULT_CAPACITY)

    this.clock = clock
    this.random = random
    this.displace = displace
    this.#isShared = init.limiter != null
    this.checks = parseChecks(init)
    this.#risk = parseRiskInit(init.risk)
    this.limits = parseOwnLimits(init, { ...OWN_DEFAULTS, dialPrivate: !isBrowser, dialInsecure: !isBrowser })
    this.core = this.#coreOf(init, capacity)
    this.held = new HeldConnections(this.core, this.crowds)
    this.lists = new Lists(this.core, capacity, clock)
    this.desk = new RiskDesk(this.#risk, capacity, clock)
    this.core.join(this)
  }

  /** @returns what ends it */
  attach (house: House, host: GateHost | undefined): () => void {
    this.#attached.set(house, host)
    this.#join()

    return () => { if (this.#attached.delete(house)) this.#join() }
  }

  #join (): void {
    const houses = [...this.#attached.keys()]
    const hosts = [...this.#attached.values()].filter(host => host != null)

    this.house = houses.length > 1 ? jointHouse(houses) : houses[0]
    this.host = hosts.length > 1 ? jointHost(hosts) : hosts[0]
  }

  config (): ConnectionGaterConfig {
    return formatConfig(this.core.limits, this.limits, this.checks, this.#risk)
  }

  /** All of it, or nothing when some of it is wrong. */
  setConfig (change: ConnectionGaterLimits): void {
    checkNames(change, 'changed')
    if (this.#isShared) refuseCoreLimits(change)
    const core = changeCoreLimits(change, this.core.limits)

    const checks = parseChecks(change, this.checks)
    const risk = change.risk === undefined ? this.#risk : parseRiskInit(change.risk)

    this.limits = parseOwnLimits(change, this.limits)
    this.checks = checks
    if (risk !== this.#risk) this.desk.setConfig(risk)
    this.#risk = risk
    if (hasCoreLimits(change)) this.core.setLimits(core, this.clock.now())
  }

  isHeld (ip: Ip): boolean {
    return this.desk.isHeld(ip)
  }

  trustLost (): void {
    this.house?.trustLost()
  }

  #coreOf (init: ConnectionGaterInit, capacity: number): ConnectionCore {
    if (init.limiter == null) {
      return new ConnectionCore({ limits: parseCoreLimits(init), trust: trustList(), capacity })
    }

    refuseCoreLimits(init)
    const core = coreOf(init.limiter)
    if (core == null) throw new InvalidOptionError('limiter', 'a limiter made by connectionLimiter', init.limiter)
    return core
  }
}
