import { parseIp } from '../address/ip.ts'
import { clientKey } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { Alarm } from '../clock/alarm.ts'
import { DEFAULT_CAPACITY } from '../limiter/rate-limiter.ts'
import type { Clock } from '../clock/clock.ts'
import type { Rate } from '../limiter/rate.ts'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { Denied } from '../limiter/verdict.ts'

/** A proxy connects when it likes; that says nothing of its clients. */
const ANY_CONNECT_RATE: Rate = { strategy: 'fixed-window', limit: Infinity, window: 1_000 }

/** The longest time between two looks for idle ones; without an idle time-out they are looked for by capacity alone. */
const MAX_INTERVAL = 60_000

/** "One IPv4 /16 or IPv6 /32 may hold at most a sixteenth": whoever owns one network puts nobody else out. */
const SHARE = 16
const NETWORK_LENGTH = { 4: 16, 6: 32 } as const

/** Who asked longest ago comes first. */
type Clients = Map<string, ProxiedId>

/** Stands for the connection of a client that only a proxy is connected to. */
export interface ProxiedId {
  readonly client: string
  /** Text of the prefix that shares its places. */
  readonly network: string
}

const clientsByGate = new WeakMap<SecurityGate, ProxiedClients>()

/** Of all middlewares of a gate: a client has one place there, whichever of them it asks. */
export function proxiedClientsOf (gate: SecurityGate, clock: Clock): ProxiedClients {
  let clients = clientsByGate.get(gate)

  if (clients == null) {
    clients = new ProxiedClients(gate, clock)
    clientsByGate.set(gate, clients)
  }

  return clients
}

/**
 * Clients behind HTTP proxies. A proxy's connections carry anybody's requests and come and go as it likes, so such a client is one connection
 * of the gate, however many of them it is seen on, from its first request until it has been idle.
 */
export class ProxiedClients {
  readonly #gate: SecurityGate
  readonly #clock: Clock
  readonly #capacity: number
  readonly #share: number
  readonly #ids: Clients = new Map()
  readonly #networks = new Map<string, Clients>()
  readonly #alarm: Alarm

  constructor (gate: SecurityGate, clock: Clock, capacity = DEFAULT_CAPACITY) {
    this.#gate = gate
    this.#clock = clock
    this.#capacity = capacity
    this.#share = Math.max(Math.floor(capacity / SHARE), 1)
    this.#alarm = new Alarm(clock, () => { this.#look() })
  }

  get size (): number {
    return this.#ids.size
  }

  /** @returns its id, or why it may have none */
  idOf (address: string): ProxiedId | Denied {
    const ip = parseIp(address)
    const client = ip == null ? address : clientKey({ kind: 'ip', ip, transport: 'tcp' })
    const known = this.#ids.get(client)
    const id = known ?? { client, network: ip == null ? '' : formatPrefix(ip, NETWORK_LENGTH[ip.family]) }

    if (known == null) {
      const verdict = this.#gate.allowConnect(address, id, { rate: ANY_CONNECT_RATE })
      if (!verdict.allow) return verdict
      this.#makeRoom(id)
    }

    this.#putLast(id)
    if (this.#alarm.at == null) this.#arm()
    return id
  }

  #makeRoom ({ network }: ProxiedId): void {
    const neighbours = this.#networks.get(network)

    if (neighbours != null && neighbours.size >= this.#share) this.#releaseFirst(neighbours)
    else if (this.#ids.size >= this.#capacity) this.#releaseFirst(this.#ids)
  }

  #releaseFirst (clients: Clients): void {
    const [first] = clients.values()
    if (first != null) this.#release(first)
  }

  #putLast (id: ProxiedId): void {
    const { client, network } = id
    const neighbours = this.#networks.get(network) ?? new Map()

    for (const clients of [this.#ids, neighbours]) {
      clients.delete(client)
      clients.set(client, id)
    }

    this.#networks.set(network, neighbours)
  }

  #look (): void {
    for (const id of this.#ids.values()) {
      // Refused requests are no activity: whoever only has those is idle, wherever it stands.
      if (this.#gate.detectIdle(id)) this.#release(id)
    }

    if (this.#ids.size > 0) this.#arm()
  }

  #release (id: ProxiedId): void {
    const neighbours = this.#networks.get(id.network)

    this.#ids.delete(id.client)
    neighbours?.delete(id.client)
    if (neighbours?.size === 0) this.#networks.delete(id.network)
    this.#gate.release(id)
  }

  #arm (): void {
    this.#alarm.set(this.#clock.now() + Math.min(this.#gate.config().idleTimeout, MAX_INTERVAL))
  }
}
