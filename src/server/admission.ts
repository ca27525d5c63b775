import { reportTo } from '../limiter/inside.ts'
import { peerOf } from './sockets.ts'
import type { ConnectionLimits } from '../limiter/connection-config.ts'
import type { ConnectionLimiter } from '../limiter/connection-limiter.ts'
import type { Lease } from '../limiter/lease.ts'
import type { SecurityGate } from '../limiter/gate-contract.ts'
import type { Denied } from '../limiter/verdict.ts'
import type { Guest } from './guest.ts'
import type { Connection } from './sockets.ts'

/** What `limitConnections` asks, whichever of the two stands behind it. */
export interface Admission {
  /** Takes a place. */
  admit (guest: Guest): Denied | undefined
  /** Refuses, as `admit`, whose socket is not made yet; takes nothing. */
  turnAway (address: string): Denied | undefined
  /** A denial that is not the limiter's own is counted and told as one. */
  report (denied: Denied, socket: Connection): void
  release (guest: Guest): void
  setConfig (change: ConnectionLimits): void
  /** Of these, who has to go for the limits to hold. */
  excess (guests: Iterable<Guest>): Guest[]
  /** Ids of connections that have asked for nothing since `idleTimeout`. */
  idle (): readonly unknown[]
  /** `Infinity` where nothing is ever idle. */
  readonly idleTimeout: number
}

export function isGate (limiter: ConnectionLimiter | SecurityGate): limiter is SecurityGate {
  return 'allowConnect' in limiter
}

export function admissionBy (limiter: ConnectionLimiter | SecurityGate): Admission {
  return isGate(limiter) ? byGate(limiter) : byLimiter(limiter)
}

function byLimiter (limiter: ConnectionLimiter): Admission {
  return {
    admit (guest) {
      const verdict = limiter.accept(guest.address)
      if (!verdict.allow) return verdict
      guest.lease = verdict.lease
      return undefined
    },
    turnAway: address => limiter.turnAway(address),
    report: (denied, socket) => { reportTo(limiter, denied, peerOf(socket) ?? '', socket) },
    release: ({ lease }) => { lease?.release() },
    setConfig: change => { limiter.setConfig(change) },
    excess (guests) {
      const leases = new Set<Lease>(limiter.excess())
      return [...guests].filter(({ lease }) => lease != null && leases.has(lease))
    },
    idle: () => [],
    idleTimeout: Infinity
  }
}

function byGate (gate: SecurityGate): Admission {
  return {
    admit ({ address, socket }) {
      const verdict = gate.allowConnect(address, socket)
      return verdict.allow ? undefined : verdict
    },
    turnAway: address => gate.turnAway(address),
    report: (denied, socket) => { reportTo(gate, denied, peerOf(socket) ?? '', socket) },
    release: ({ socket }) => { gate.release(socket) },
    setConfig: change => { gate.setConfig(change) },
    excess (guests) {
      const ids = new Set(gate.excess())
      return [...guests].filter(({ socket }) => ids.has(socket))
    },
    idle: () => gate.sweepIdle(),
    idleTimeout: gate.config().idleTimeout
  }
}
