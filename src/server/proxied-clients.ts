import { parseIp } from '../address/ip.ts'
import { clientKey } from '../address/client-key.ts'
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

/** Stands for the connection of a client that only a proxy is connected to. */
export interface ProxiedId {
  readonly client: string
}

/**
 * Clients behind HTTP proxies. A proxy's connections carry anybody's requests and come and go as it likes, so such a client is one connection
 * of the gate, however many of them it is seen on, from its first request until it has been idle.
 */
export class ProxiedClients {
  readonly #gate: SecurityGate
  readonly #clock: Clock
  readonly #capacity: number
  /** Who asked longest ago comes first. */
  readonly #ids = new Map<string, ProxiedId>()
  readonly #alarm: Alarm

  constructor (gate: SecurityGate, clock: Clock, capacity = DEFAULT_CAPACITY) {
    this.#gate = gate
    this.#clock = clock
    this.#capacity = capacity
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
    const id = known ?? { client }

    if (known == null) {
      this.#makeRoom()
      const verdict = this.#gate.allowConnect(address, id, { rate: ANY_CONNECT_RATE })
      if (!verdict.allow) return verdict
    }

    this.#ids.delete(client)
    this.#ids.set(client, id)
    if (this.#alarm.at == null) this.#arm()
    return id
  }

  #makeRoom (): void {
    if (this.#ids.size < this.#capacity) return
    const [oldest] = this.#ids.values()
    if (oldest != null) this.#release(oldest)
  }

  #look (): void {
    for (const id of this.#ids.values()) {
      // Refused requests are no activity: whoever only has those is idle, wherever it stands.
      if (this.#gate.detectIdle(id)) this.#release(id)
    }

    if (this.#ids.size > 0) this.#arm()
  }

  #release (id: ProxiedId): void {
    this.#ids.delete(id.client)
    this.#gate.release(id)
  }

  #arm (): void {
    this.#alarm.set(this.#clock.now() + Math.min(this.#gate.config().idleTimeout, MAX_INTERVAL))
  }
}
