import { ALLOWED, deny } from './denial.ts'
import type { ConnectionId, SecurityGate } from './gate-contract.ts'
import type { Rate } from './rate.ts'
import type { RemoteLike } from './remote.ts'
import type { Denied, Verdict } from './verdict.ts'

// What the servers of this package ask of a limiter or a gate, and nobody else does: no door has it. A limiter that a user has put around one of
// ours has what is public only, and is asked by that.

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

  /**
   * Takes one of the places for rates that requests bring, so that one too many is told before anybody asks.
   *
   * @throws {@link InvalidOptionError} for one too many
   */
  reserveRequestRate (rate: Rate): void
}

/** {@link Reporting.report}, where it has it. */
export function reportTo (limiter: object, denied: Denied, remote: RemoteLike | undefined, id: ConnectionId): void {
  (limiter as Partial<Reporting>).report?.(denied, remote, id)
}

/** {@link GateInside.allowBy}; by what is public it knows no trust, and nothing is told. */
export function allowBy (gate: SecurityGate, id: ConnectionId, remote: RemoteLike | undefined, take: () => Denied | undefined): Verdict {
  const inside = gate as Partial<GateInside>
  if (inside.allowBy != null) return inside.allowBy(id, remote, take)

  return gate.isBanned(remote) ? deny({ action: 'close', reason: 'banned' }) : take() ?? ALLOWED
}

/** {@link GateInside.reserveRequestRate}, where it has it. */
export function reserveRequestRate (gate: SecurityGate, rate: Rate): void {
  (gate as Partial<GateInside>).reserveRequestRate?.(rate)
}
