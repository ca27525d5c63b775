import { parseIp } from '../address/ip.ts'
import { clientKey } from '../address/client-key.ts'
import { formatPrefix } from '../address/prefix.ts'
import { Alarm } from '../clock/alarm.ts'
import { IdleQueue } from '../limiter/idle-queue.ts'
import { DEFAULT_CAPACITY } from '../limiter/rate-limiter.ts'
import type { Clock } from '../clock/clock.ts'
import type { Idler } from '../limiter/idle-queue.ts'
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

/** Stands for the connection of a client that only a proxy is connected to. */
export interface ProxiedId {
  readonly client: string
  /** Text of the prefix that shares its places. */
  readonly network: string
}

/** When a client has asked, among all and among its network's. */
interface Turn extends Idler {
  readonly id: ProxiedId
}

interface Known {
  readonly id: ProxiedId
  readonly turn: Turn
  readonly turnInNetwork: Turn
}

/** Who share a sixteenth of the places. */
interface Network {
  readonly turns: IdleQueue<Turn>
  size: number
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
  readonly #known = new Map<string, Known>()
  readonly #networks = new Map<string, Network>()
  /**
   * Queues, and not the order of a Map: one key that is taken out and put in again leaves a hole in its bucket each time, and a Map of 10,000 has
   * room for as many before it is made anew. Whoever asked again and again would look through all of his.
   */
  readonly #turns = new IdleQueue<Turn>()
  readonly #alarm: Alarm

  constructor (gate: SecurityGate, clock: Clock, capacity = DEFAULT_CAPACITY) {
    this.#gate = gate
    this.#clock = clock
    this.#capacity = capacity
    this.#share = Math.max(Math.floor(capacity / SHARE), 1)
    this.#alarm = new Alarm(clock, () => { this.#look() })
  }

  get size (): number {
    return this.#known.size
  }

  /** @returns its id, or why it may have none */
  idOf (address: string): ProxiedId | Denied {
    const ip = parseIp(address)
    const client = ip == null ? address : clientKey({ kind: 'ip', ip, transport: 'tcp' })
    const known = this.#known.get(client)
    const id = known?.id ?? { client, network: ip == null ? '' : formatPrefix(ip, NETWORK_LENGTH[ip.family]) }

    if (known == null) {
      const verdict = this.#gate.allowConnect(address, id, { rate: ANY_CONNECT_RATE })
      if (!verdict.allow) return verdict
      this.#makeRoom(id)
      this.#add(id)
    } else {
      this.#touch(known)
    }

    if (this.#alarm.at == null) this.#arm()
    return id
  }

  #makeRoom ({ network }: ProxiedId): void {
    const neighbours = this.#networks.get(network)

    if (neighbours != null && neighbours.size >= this.#share) this.#release(neighbours.turns.oldest!.id)
    else if (this.#known.size >= this.#capacity) this.#release(this.#turns.oldest!.id)
  }

  #add (id: ProxiedId): void {
    const now = this.#clock.now()
    const neighbours = this.#networks.get(id.network) ?? { turns: new IdleQueue<Turn>(), size: 0 }
    const [turn, turnInNetwork] = [turnOf(id), turnOf(id)]

    this.#known.set(id.client, { id, turn, turnInNetwork })
    this.#networks.set(id.network, neighbours)
    this.#turns.add(turn, now)
    neighbours.turns.add(turnInNetwork, now)
    neighbours.size++
  }

  #touch ({ id, turn, turnInNetwork }: Known): void {
    const now = this.#clock.now()

    this.#turns.touch(turn, now)
    this.#networks.get(id.network)!.turns.touch(turnInNetwork, now)
  }

  #look (): void {
    for (const { id } of this.#known.values()) {
      // Refused requests are no activity: whoever only has those is idle, wherever it stands.
      if (this.#gate.detectIdle(id)) this.#release(id)
    }

    if (this.#known.size > 0) this.#arm()
  }

  #release ({ client, network }: ProxiedId): void {
    const { id, turn, turnInNetwork } = this.#known.get(client)!
    const neighbours = this.#networks.get(network)!

    this.#known.delete(client)
    this.#turns.remove(turn)
    neighbours.turns.remove(turnInNetwork)
    if (--neighbours.size === 0) this.#networks.delete(network)
    this.#gate.release(id)
  }

  #arm (): void {
    this.#alarm.set(this.#clock.now() + Math.min(this.#gate.config().idleTimeout, MAX_INTERVAL))
  }
}

function turnOf (id: ProxiedId): Turn {
  return { id, lastActivity: 0, older: undefined, newer: undefined }
}
