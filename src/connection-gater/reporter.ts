import { clientOf } from '../address/client.ts'
import { targetOf } from './dial-rules.ts'
import { Denials } from './denials.ts'
import { offenceOfDenial } from './offences.ts'
import { offenderOf } from './risk-desk.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import type { GaterParts } from './parts.ts'
import type { Stage } from './stages.ts'
import type { Client } from '../address/client-key.ts'
import type { Denied, Verdict } from '../limiter/verdict.ts'
import type { Logger, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Whom a denial is about, as far as it is known. */
export interface About {
  readonly maConn?: MultiaddrConnection | undefined
  readonly address?: Multiaddr | undefined
  readonly client?: Client | undefined
  readonly peer?: PeerId | undefined
}

/** What becomes of a verdict: denials are counted and said, and the offences among them scored. */
export class Reporter {
  readonly #parts: GaterParts
  readonly denials: Denials

  constructor (parts: GaterParts, log: Logger) {
    this.#parts = parts
    this.denials = new Denials(parts.clock, log)
  }

  verdict (stage: Stage, verdict: Verdict, about: About): Verdict {
    if (!verdict.allow) this.denied(stage, verdict, about)
    return verdict
  }

  denied (stage: Stage, denied: Denied, about: About): void {
    const client = about.client ?? clientIn(about)

    this.denials.add(stage, denied, { client, peer: about.peer ?? peerIn(about.address) })
    if (stage === 'accept' && client != null) this.#score(client, denied)
  }

  #score (client: Client, denied: Denied): void {
    const offence = offenceOfDenial(denied)
    const offender = offence == null || client.kind !== 'ip' || this.#parts.core.isFree(client.ip) ? undefined : offenderOf(client, undefined)

    if (offence != null && offender != null) this.#parts.desk.offend(offender, offence)
  }
}

function clientIn ({ maConn, address = maConn?.remoteAddr }: About): Client | undefined {
  return address == null ? undefined : clientOf(address)
}

/** Whom we would have dialled. */
function peerIn (address: Multiaddr | undefined): PeerId | undefined {
  const target = address == null ? undefined : targetOf(address)

  try {
    return target == null ? undefined : peerIdFromString(target)
  } catch {
    // It was never asked whether it is one.
    return undefined
  }
}
