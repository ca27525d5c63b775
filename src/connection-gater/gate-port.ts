import { clientOf } from '../address/client.ts'
import { clientOfSocket } from './socket-places.ts'
import { isFavourite, isFree } from './parts.ts'
import type { GaterState } from './gater-state.ts'
import type { Lives } from './lives.ts'
import type { Persistence } from './persistence.ts'
import type { Reporter } from './reporter.ts'
import type { StageDesk } from './stage-desk.ts'
import type { Gate } from '../limiter/ports.ts'
import type { Connection } from '@libp2p/interface'

export interface GatePortInit {
  readonly state: GaterState
  readonly stages: StageDesk
  readonly lives: Lives
  readonly reporter: Reporter
  readonly persistence: Persistence
}

/** The gater as the manager, the stream gate and the edge see it. */
export function makeGatePort ({ state, stages, lives, reporter, persistence }: GatePortInit): Gate {
  const heldOf = (connection: Connection) => state.held.find(connection.timeline)

  function isTrusted ({ remotePeer, remoteAddr }: Connection): boolean {
    return state.lists.trustsPeer(remotePeer.toString()) || (state.core.trust.size > 0 && state.lists.trustsClient(clientOf(remoteAddr)))
  }

  function isExempt (connection: Connection): boolean {
    return isFree(state, heldOf(connection)?.client ?? clientOf(connection.remoteAddr)) || isFavourite(state, connection.remotePeer)
  }

  return {
    crowds: state.crowds,
    get trustsAnybody () { return state.lists.trustsAnybody },
    isTrusted,
    isExempt,

    attach: (house, host) => state.attach(house, host),

    ready: async () => persistence.loadAtStart(),

    onDeny: listener => {
      reporter.denials.onDeny.add(listener)
      return () => { reporter.denials.onDeny.delete(listener) }
    },

    admitSocket: (remote, close) => {
      const place = stages.admitSocket(remote, close)
      if (!place.allow) reporter.denied('accept', place, { client: clientOfSocket(remote) })
      return place
    },

    connectionClosed: connection => {
      const held = heldOf(connection)
      if (held != null) lives.connectionClosed(held, connection)
    },

    offend: (connection, offence) => {
      const held = heldOf(connection)
      if (held == null || isExempt(connection) || !lives.offend(held, offence)) return false

      lives.end(held)
      return true
    },

    close: (connection, why) => {
      const held = heldOf(connection)
      if (held == null) return false

      lives.end(held, why)
      return true
    }
  }
}
