import { wordMask } from '../address/prefix.ts'
import type { Client } from '../address/client-key.ts'

/** How long an upgrade may take before it makes room for others. */
const PATIENCE = 2_000

/** js-libp2p's own inbound upgrade time-out. */
export const DEFAULT_UPGRADE_TIMEOUT = 10_000

const IPV4_WIDE = wordMask(24)
const IPV6_WIDE = wordMask(48 - 32)

/** How many are pending from the same client, and from its IPv4 /24 or IPv6 /48. */
export interface Crowdedness {
  readonly narrow: number
  readonly wide: number
}

export interface Waiting {
  readonly client: Client
  /** Steady ms, as `now`. */
  readonly since: number
}

export interface RoomQuestion<W extends Waiting> {
  /** Oldest first. */
  readonly waiting: Iterable<W>
  readonly crowdedness: (waiting: W) => Crowdedness

  /** Who makes room for nobody; asked of as few as possible. */
  readonly isFree: (waiting: W) => boolean
  readonly newcomer: { readonly client: Client, readonly crowd: Crowdedness }
  readonly now: number
  readonly upgradeTimeout: number

  /** From 0 to below 1. */
  readonly random: () => number
}

/**
 * Who makes room for a newcomer when as many are pending as may be: the oldest of the most crowded prefix among those who had time enough;
 * else somebody, by lot, in a prefix that is strictly more crowded than the newcomer's is with it. So a flood displaces itself, and an
 * honest handshake that takes its milliseconds is displaced by nobody from a quieter place.
 *
 * Walks all that are pending, and only at the cap.
 */
export function whoMakesRoom<W extends Waiting> (question: RoomQuestion<W>): W | undefined {
  return mostOverdue(question) ?? someoneMoreCrowded(question)
}

function mostOverdue<W extends Waiting> ({ waiting, crowdedness, isFree, now, upgradeTimeout }: RoomQuestion<W>): W | undefined {
  const due = now - Math.min(PATIENCE, upgradeTimeout / 4)
  let chosen: W | undefined
  let most: Crowdedness = { narrow: 0, wide: 0 }

  for (const one of waiting) {
    if (one.since > due) continue
    const crowd = crowdedness(one)
    if ((chosen != null && compare(crowd, most) <= 0) || isFree(one)) continue

    chosen = one
    most = crowd
  }

  return chosen
}

function someoneMoreCrowded<W extends Waiting> ({ waiting, crowdedness, isFree, newcomer, random }: RoomQuestion<W>): W | undefined {
  const { client, crowd: { narrow, wide } } = newcomer
  let chosen: W | undefined
  let seen = 0

  for (const one of waiting) {
    const crowd = crowdedness(one)
    const isMoreCrowded = areNeighbours(one.client, client) ? crowd.narrow > narrow + 1 : compare(crowd, { narrow: narrow + 1, wide: wide + 1 }) > 0
    // A lot among those seen so far, which is a fair one in the end.
    if (isMoreCrowded && !isFree(one) && random() * ++seen < 1) chosen = one
  }

  return chosen
}

/** Whether they are in the same IPv4 /24 or IPv6 /48. Of one relay or transport all are one crowd, in which nobody is more crowded than another. */
function areNeighbours (a: Client, b: Client): boolean {
  if (a.kind !== 'ip' || b.kind !== 'ip') return false
  if (a.ip.family === 4) return b.ip.family === 4 && ((a.ip.bits ^ b.ip.bits) & IPV4_WIDE) === 0
  return b.ip.family === 6 && a.ip.a === b.ip.a && ((a.ip.b ^ b.ip.b) & IPV6_WIDE) === 0
}

function compare (a: Crowdedness, b: Crowdedness): number {
  return a.wide - b.wide || a.narrow - b.narrow
}
