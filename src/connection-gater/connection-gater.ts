import { TypedEventEmitter } from 'main-event'
import { cidrContains, parseCidr } from '../address/cidr.ts'
import { clientKey, clientOf } from '../address/client.ts'
import { InvalidAddressError } from '../address/errors.ts'
import { formatIp, parseIp } from '../address/ip.ts'
import { systemClock } from '../clock/system-clock.ts'
import { CrowdLedger } from '../limiter/crowd-ledger.ts'
import { gatePort } from '../limiter/ports.ts'
import type { ConnectionGater, ConnectionGaterEvents, ConnectionGaterInit, Denial, GaterInspection } from './contract.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Client } from '../address/client.ts'
import type { Ip } from '../address/ip.ts'
import type { Gate, House } from '../limiter/ports.ts'
import type { Denied, DenyReason } from '../limiter/verdict.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/** go-libp2p's resource manager admits 8 per IPv4 address and exempts loopback (`conn_limiter.go`). */
const DEFAULT_MAX_CONNS_PER_IP = 8
const DEFAULT_NETWORKS = { '127.0.0.0/8': Infinity, '::1/128': Infinity }

interface Network {
  readonly cidr: Cidr
  readonly cap: number
}

class AddressGater extends TypedEventEmitter<ConnectionGaterEvents> implements ConnectionGater {
  readonly #maxConnsPerIp: number
  readonly #networks: readonly Network[]
  readonly #transportLimits: NonNullable<ConnectionGaterInit['transportLimits']>
  readonly #clock: NonNullable<ConnectionGaterInit['clock']>

  readonly #held = new Map<string, number>()
  readonly #blocked = new Set<string>()
  readonly #denials: Partial<Record<DenyReason, number>> = {}
  #house: House | undefined

  constructor (init: ConnectionGaterInit) {
    super()

    this.#maxConnsPerIp = checkCap('maxConnsPerIp', init.maxConnsPerIp ?? DEFAULT_MAX_CONNS_PER_IP)
    this.#networks = Object.entries(init.networks ?? DEFAULT_NETWORKS)
      .map(([text, cap]) => ({ cidr: parseCidr(text), cap: checkCap(`networks[${JSON.stringify(text)}]`, cap) }))
      .sort((a, b) => b.cidr.length - a.cidr.length)
    this.#transportLimits = init.transportLimits ?? {}
    this.#clock = init.clock ?? systemClock
  }

  readonly denyInboundConnection = (maConn: MultiaddrConnection): boolean => {
    const client = clientOf(maConn.remoteAddr)
    const denied = this.#check(client)

    if (denied != null) {
      this.#report(client, denied)
      return true
    }

    this.#hold(clientKey(client), maConn)
    return false
  }

  async blockAddress (ip: string): Promise<boolean> {
    const address = formatIp(mustParse(ip))
    const isNew = !this.#blocked.has(address)
    this.#blocked.add(address)
    return isNew
  }

  async unblockAddress (ip: string): Promise<boolean> {
    return this.#blocked.delete(formatIp(mustParse(ip)))
  }

  blockedAddresses (): string[] {
    return [...this.#blocked]
  }

  numOpen (ip: string): number {
    return this.#held.get(clientKey({ kind: 'ip', ip: mustParse(ip), transport: 'unknown' })) ?? 0
  }

  inspect (): GaterInspection {
    return {
      connections: [...this.#held.values()].reduce((sum, count) => sum + count, 0),
      clients: Object.fromEntries(this.#held),
      denials: { ...this.#denials }
    }
  }

  readonly [gatePort]: Gate = {
    crowds: new CrowdLedger(),
    trustsAnybody: false,
    isTrusted: () => false,

    attach: house => {
      this.#house = house
      return () => { this.#house = undefined }
    }
  }

  #check (client: Client): Denied | undefined {
    if (client.kind === 'ip' && this.#blocked.has(formatIp(client.ip))) return { allow: false, action: 'close', reason: 'blocked-address' }

    const { cap, reason } = this.#capOf(client)
    const key = clientKey(client)
    if ((this.#held.get(key) ?? 0) >= cap) return { allow: false, action: 'close', reason, limit: cap, key }

    return this.#house?.atAccept(client, false)
  }

  #capOf (client: Client): { cap: number, reason: DenyReason } {
    if (client.kind !== 'ip') {
      return { cap: client.transport === 'unknown' ? Infinity : this.#transportLimits[client.transport] ?? Infinity, reason: 'transport-limit' }
    }

    const network = this.#networks.find(({ cidr }) => cidrContains(cidr, client.ip))

    return network == null
      ? { cap: this.#maxConnsPerIp, reason: 'connection-limit' }
      : { cap: network.cap, reason: 'network-limit' }
  }

  /** Counted in the same tick: after an `await` the connection may have closed unseen. */
  #hold (key: string, maConn: MultiaddrConnection): void {
    this.#held.set(key, (this.#held.get(key) ?? 0) + 1)

    let held = true

    // a WebSocket can dispatch `close` twice
    maConn.addEventListener('close', () => {
      if (!held) return
      held = false

      const left = this.#held.get(key)! - 1
      if (left === 0) this.#held.delete(key)
      else this.#held.set(key, left)
    })
  }

  #report (client: Client, { reason, limit, retryAfter, key }: Denied): void {
    this.#denials[reason] = (this.#denials[reason] ?? 0) + 1

    const detail: Denial = {
      stage: 'accept',
      reason,
      key: key ?? clientKey(client),
      ...(client.kind === 'ip' ? { ip: formatIp(client.ip) } : {}),
      ...(limit == null ? {} : { limit }),
      ...(retryAfter == null ? {} : { retryAfter }),
      at: this.#clock.now()
    }
    this.safeDispatchEvent('deny', { detail })
  }
}

/**
 * Decides who gets in: a cap on connections per address, and a list of blocked addresses.
 *
 * @throws InvalidAddressError for a network that is none, InvalidCapError for a cap that is negative or not whole
 */
export function connectionGater (init: ConnectionGaterInit = {}): ConnectionGater {
  return new AddressGater(init)
}

/** A cap that is negative, fractional or no number. Nothing was changed. */
export class InvalidCapError extends Error {
  readonly code = 'ERR_INVALID_CAP'
  override readonly name = 'InvalidCapError'
}

function checkCap (name: string, value: number): number {
  if (value !== Infinity && (!Number.isSafeInteger(value) || value < 0)) {
    throw new InvalidCapError(`Set ${name}: it must be a whole number of at least 0, or Infinity, received ${String(value)}`)
  }

  return value
}

function mustParse (text: string): Ip {
  const ip = parseIp(text)
  if (ip == null) throw new InvalidAddressError(text)

  return ip
}
