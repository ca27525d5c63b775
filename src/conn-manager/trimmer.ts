import { closeConnections } from './close-connections.ts'
import { FactsMemory } from './facts-memory.ts'
import { gatherFacts } from './gather-facts.ts'
import { chooseForTrim } from './trim-plan.ts'
import { userRanking } from './trim-ranking.ts'
import type { ConnManagerInit, Limits } from './contract.ts'
import type { TrimCandidate, TrimEntry, TrimPlan, TrimReport } from './trim-contract.ts'
import type { Gathered } from './gather-facts.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { TrimMode } from './trim-order.ts'
import type { Choice } from './trim-plan.ts'
import type { TrimRanking } from './trim-ranking.ts'
import type { Clock } from '../clock/clock.ts'
import type { Trust } from '../limiter/ports.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface TrimmerInit {
  readonly ledger: PeerLedger
  readonly trust: Trust | undefined
  readonly limits: () => Limits
  readonly gracePeriod: number
  readonly trimOrder: ConnManagerInit['trimOrder']
  readonly clock: Clock
  readonly log: Logger

  /** A connection had ended without anybody telling us. */
  readonly onEnded: (connection: Connection) => void

  /** Somebody of the plan stays after all, so that it closes fewer than it meant to. */
  readonly onSpared: () => void

  /** A trim has made its plan, and starts to close. */
  readonly onPlanned: (nextGraceEnd: number) => void

  /** @param left - how many the plan leaves open */
  readonly onDone: (report: TrimReport, left: number) => void
}

interface Plan extends TrimPlan {
  /** Epoch ms at which somebody's grace, or keep-alive tag, ends. */
  readonly nextGraceEnd: number

  /** Of the entries, in their order; and their rows. */
  readonly connections: readonly Connection[]
  readonly rows: readonly number[]
  readonly ended: readonly Connection[]
  readonly leaving: readonly number[]
}

/** Carries trims out, one at a time. */
export class Trimmer {
  readonly #init: TrimmerInit
  readonly #memory = new FactsMemory()
  #inFlight: { readonly mode: TrimMode, readonly report: Promise<TrimReport> } | undefined

  constructor (init: TrimmerInit) {
    this.#init = init
  }

  /** What a trim would do now. Closes nothing. */
  plan (mode: TrimMode): TrimPlan {
    const { open, target, entries, spared } = this.#plan(mode)

    return { open, target, entries, spared }
  }

  /**
   * Trims now. A call during a trim shares that one; a forced call waits for a normal one to end, which does less.
   */
  async trim (mode: TrimMode): Promise<TrimReport> {
    while (this.#inFlight != null) {
      if (mode === 'normal' || this.#inFlight.mode === 'forced') return this.#inFlight.report

      await this.#inFlight.report.catch(() => {})
    }

    // before the plan is made: a user's comparator may ask for a trim
    const { promise: report, resolve, reject } = Promise.withResolvers<TrimReport>()
    this.#inFlight = { mode, report }

    this.#carryOut(mode).then(resolve, error => {
      // one that failed is over, too
      if (this.#inFlight?.report === report) this.#inFlight = undefined
      reject(error)
    })

    return report
  }

  get busy (): boolean {
    return this.#inFlight != null
  }

  async #carryOut (mode: TrimMode): Promise<TrimReport> {
    const { ledger, clock, log, onEnded, onPlanned, onDone } = this.#init
    const startedAt = clock.now()
    const plan = this.#plan(mode)
    const { connections } = ledger

    for (const connection of plan.ended) onEnded(connection)
    for (const row of plan.leaving) if (connections.connection(row) != null) connections.markClosing(row)

    // marked before the first close: whoever is chosen no longer counts, and no later trim chooses it again
    for (const row of plan.rows) connections.markClosing(row)
    onPlanned(plan.nextGraceEnd)

    const closed = await closeConnections(plan.connections, clock, log, index => this.#mayStillGo(plan, index))
    const { target, entries, spared } = plan
    const report = { open: connections.open, target, entries, spared, closed, duration: Math.max(0, clock.now() - startedAt) }

    this.#inFlight = undefined
    onDone(report, plan.open - plan.rows.length)
    return report
  }

  /** Whoever has been protected or trusted while earlier batches closed stays, and counts again; so does who is needed since others have left. */
  #mayStillGo ({ connections, rows, entries }: Plan, index: number): boolean {
    const { ledger, trust } = this.#init
    const connection = connections[index]!
    const row = rows[index]!
    if (ledger.connections.connection(row) !== connection) return true

    const isProtected = ledger.isProtected(ledger.connections.peer(row)) && entries[index]!.reason !== 'protection-overridden'
    const isTrusted = trust?.trustsAnybody === true && trust.isTrusted(connection)
    if (!isProtected && !isTrusted && !this.#isNeeded(row)) return true

    ledger.connections.unmarkClosing(row)
    this.#init.onSpared()
    return false
  }

  /** For the marks to hold: those that are in force now. */
  #isNeeded (row: number): boolean {
    const { lowWater, outboundReserve } = this.#init.limits()
    const { connections } = this.#init.ledger

    return connections.open < lowWater || (connections.isOutbound(row) && connections.openOutbound < outboundReserve)
  }

  #plan (mode: TrimMode): Plan {
    const { ledger, trust, limits, gracePeriod, clock } = this.#init
    const now = clock.now()
    const gathered = gatherFacts(ledger, trust, now, this.#memory)
    const ranking = this.#ranking(gathered, mode)
    const rules = { mode, limits: limits(), gracePeriod, ...(ranking == null ? {} : { ranking }) }
    const choice = chooseForTrim(gathered.facts, rules, now)

    const { entries, connections, rows } = this.#entries(gathered, choice)
    this.#memory.giveBack(gathered.columns)

    return {
      open: gathered.facts.size,
      target: rules.limits.lowWater,
      entries,
      spared: choice.spared,
      // a tag holds at its very end
      nextGraceEnd: choice.spared['keep-alive'] > 0 ? Math.min(choice.nextGraceEnd, gathered.keptUntil + 1) : choice.nextGraceEnd,
      connections,
      rows,
      ended: gathered.ended,
      leaving: gathered.leaving
    }
  }

  #entries ({ facts, rows }: Gathered, { chosen }: Choice): Pick<Plan, 'entries' | 'connections' | 'rows'> {
    const { connections } = this.#init.ledger
    const entries: TrimEntry[] = []
    const going: Connection[] = []
    const goingRows: number[] = []

    // a user's comparator may have ended some, chosen or not: as many fewer have to go
    const gone = this.#init.trimOrder == null ? 0 : rows.reduce((sum, row) => sum + Number(connections.connection(row) == null), 0)

    for (const { index, reason } of chosen) {
      const row = rows[index]!
      const connection = connections.connection(row)
      if (going.length >= chosen.length - gone) break
      if (connection == null) continue

      going.push(connection)
      goingRows.push(row)
      entries.push({ connectionId: connection.id, peer: connection.remotePeer, reason, value: facts.value[index]! })
    }

    return { entries, connections: going, rows: goingRows }
  }

  #ranking ({ facts, rows }: Gathered, mode: TrimMode): TrimRanking | undefined {
    const { trimOrder, ledger, log } = this.#init
    if (trimOrder == null) return undefined

    const everybody = Int32Array.from(rows.keys())
    facts.readUse(everybody)
    facts.readTies(everybody)
    const candidates = Array.from(rows, (row, index): TrimCandidate => {
      const connection = ledger.connections.connection(row)!

      return {
        connectionId: connection.id,
        peer: connection.remotePeer,
        value: facts.value[index]!,
        streams: facts.streams[index]!,
        direction: facts.outbound[index] === 1 ? 'outbound' : 'inbound',
        redundant: facts.redundant[index] === 1,
        crowd: facts.wideCrowd[index]!,
        openedAt: facts.openedAt[index]!
      }
    })

    return userRanking(facts, mode, (a, b) => trimOrder(candidates[a]!, candidates[b]!), error => {
      log.error('trimOrder failed, the built-in order is used - %e', error)
    })
  }
}
