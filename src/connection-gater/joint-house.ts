import type { GateHost, House, Place } from '../limiter/ports.ts'

const SOME_PLACE: Place = { allow: true, take () {}, giveBack () {} }

/**
 * The houses of several nodes that share a gater. Whose a connection is shows only when it opens: there each manager says who has a place in its house, as
 * it does without a gater. Whom one of them protects is protected.
 */
export function jointHouse (houses: readonly House[]): House {
  return {
    isProtected: peer => houses.some(house => house.isProtected(peer)),
    atAccept: () => undefined,
    reserve: () => SOME_PLACE,
    recall: () => undefined,
    trustLost: () => { for (const house of houses) house.trustLost() }
  }
}

/** What these nodes know, together. */
export function jointHost (hosts: readonly GateHost[]): GateHost {
  return {
    isAllowed: client => hosts.some(host => host.isAllowed(client)),
    upgradeTimeout: Math.max(...hosts.map(({ upgradeTimeout }) => upgradeTimeout))
  }
}
