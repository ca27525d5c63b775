import { formatIp } from '../address/ip.ts'
import { Listeners } from '../limiter/listeners.ts'
import { QuietLog } from './quiet-log.ts'
import type { Denial } from './contract.ts'
import type { Stage } from './stages.ts'
import type { Client } from '../address/client-key.ts'
import type { Clock } from '../clock/clock.ts'
import type { Denied, DenyReason } from '../limiter/verdict.ts'
import type { Logger, PeerId } from '@libp2p/interface'

export interface DenialContext {
  readonly client?: Client | undefined
  readonly peer?: PeerId | undefined
}

/** Says every denial: counts it, tells who listens, and writes a line to the log, as long as there are few of them. */
export class Denials {
  readonly #clock: Clock
  readonly #log: QuietLog
  readonly #byStage: Partial<Record<Stage, Partial<Record<DenyReason, number>>>> = {}
  readonly onDeny = new Listeners<{ readonly stage: Stage, readonly reason: DenyReason }>()

  readonly onDescribed = new Listeners<Denial>()

  /** Only when somebody listens is it described: a flood is refused more often than anybody looks. */
  isDescribed = (): boolean => true

  constructor (clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = new QuietLog(log)
  }

  add (stage: Stage, denied: Denied, context: DenialContext): void {
    const counts = this.#byStage[stage] ??= {}
    const { reason } = denied
    counts[reason] = (counts[reason] ?? 0) + 1

    if (this.onDeny.size > 0) this.onDeny.emit({ stage, reason })
    if (this.isDescribed()) this.onDescribed.emit(describe(stage, denied, context, this.#clock.now()))
    this.#log.write(this.#clock.now(), () => lineOf(stage, denied, context))
  }

  get byStage (): Partial<Record<Stage, Partial<Record<DenyReason, number>>>> {
    return structuredClone(this.#byStage)
  }

  get byReason (): Partial<Record<DenyReason, number>> {
    const sums: Partial<Record<DenyReason, number>> = {}

    for (const counts of Object.values(this.#byStage)) {
      for (const [reason, count] of Object.entries(counts) as Array<[DenyReason, number]>) sums[reason] = (sums[reason] ?? 0) + count
    }
    return sums
  }
}

function describe (stage: Stage, { reason, limit, retryAfter, key }: Denied, { client, peer }: DenialContext, at: number): Denial {
  return {
    stage,
    reason,
    ...key != null && { key },
    ...client?.kind === 'ip' && { ip: formatIp(client.ip) },
    ...peer != null && { peer },
    ...limit != null && { limit },
    ...retryAfter != null && { retryAfter },
    at
  }
}

function lineOf (stage: Stage, { reason, limit, key }: Denied, { client, peer }: DenialContext): string {
  const who = client?.kind === 'ip' ? formatIp(client.ip) : peer?.toString() ?? key ?? '-'
  return `denied ${who} at ${stage}: ${reason}${limit == null ? '' : `, the limit is ${limit}`}${key == null || key === who ? '' : ` of ${key}`}`
}
