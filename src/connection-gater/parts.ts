import type { OwnLimits } from './config.ts'
import type { FavouredAddresses } from './favoured-addresses.ts'
import type { Held } from './held.ts'
import type { HeldConnections } from './held-connections.ts'
import type { Lists } from './lists.ts'
import type { RiskDesk } from './risk-desk.ts'
import type { Client } from '../address/client-key.ts'
import type { Clock } from '../clock/clock.ts'
import type { ConnectionCore } from '../limiter/connection-core.ts'
import type { GateHost, House } from '../limiter/ports.ts'
import type { SteadyTime } from '../limiter/steady-time.ts'
import type { PeerId } from '@libp2p/interface'

/** What the stages ask and write: the ledgers, the lists, and what may change at run time. */
export interface GaterParts {
  readonly core: ConnectionCore
  readonly held: HeldConnections
  readonly lists: Lists
  readonly desk: RiskDesk
  readonly favoured: FavouredAddresses
  readonly clock: Clock

  /** By which it is told how long a connection has been upgrading: a clock that jumps back makes nobody younger. */
  readonly age: SteadyTime

  /** From 0 to below 1. */
  readonly random: () => number
  readonly limits: OwnLimits
  readonly house: House | undefined
  readonly host: GateHost | undefined

  /** Ends a pending connection that makes room for another one. */
  readonly displace: (held: Held) => void
}

/** Whether a client is trusted or in an exempt network now, however that was when it connected: it makes room for nobody, and scores nothing. */
export function isFree ({ core, host }: Pick<GaterParts, 'core' | 'host'>, client: Client): boolean {
  return (client.kind === 'ip' && core.isFree(client.ip)) || host?.isAllowed(client) === true
}

/** Whom limits are friendlier to: protected and trusted peers. */
export function isFavourite ({ lists, house }: Pick<GaterParts, 'lists' | 'house'>, peer: PeerId): boolean {
  return lists.trustsPeer(peer.toString()) || house?.isProtected(peer) === true
}
