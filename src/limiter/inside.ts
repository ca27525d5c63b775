import type { ConnectionId, SecurityGate } from './gate-contract.ts'
import type { ConnectionLimiter } from './connection-limiter.ts'
import type { RemoteLike } from './remote.ts'
import type { Denied, Verdict } from './verdict.ts'

// What the servers of this package ask of a limiter or a gate, and nobody else does: no door has it.

/** Takes notice of a denial that is somebody else's. */
export interface Reporting {
  /** Counts it and tells listeners, as one of its own. */
  report (denied: Denied, remote: RemoteLike | undefined, id: ConnectionId): void
}

export interface GateInside extends SecurityGate, Reporting {
  /**
   * As `allowRequest` for quotas that the gate does not have: bans and trust come first, a denial is counted and told, an admitted request is
   * activity.
   *
   * @param take - answers for the quotas
   */
  allowBy (id: ConnectionId, remote: RemoteLike | undefined, take: () => Denied | undefined): Verdict
}

export function gateInside (gate: SecurityGate): GateInside {
  return gate as GateInside
}

export function reporting (limiter: ConnectionLimiter | SecurityGate): Reporting {
  return limiter as (ConnectionLimiter | SecurityGate) & Reporting
}
