import { Alarm } from '../clock/alarm.ts'
import { nextTrimAt } from './trim-schedule.ts'
import type { Limits, LimitsUnmet } from './contract.ts'
import type { TrimReport } from './trim-contract.ts'
import type { Clock } from '../clock/clock.ts'

export interface TrimWatchInit {
  readonly open: () => number
  readonly limits: () => Limits
  readonly gracePeriod: number
  readonly silencePeriod: number
  readonly clock: Clock
  readonly isBusy: () => boolean
  readonly trim: () => void
  readonly onUnmet: (unmet: LimitsUnmet) => void
}

/** Keeps an eye on the high mark: one timer, armed only while a trim is due, and no plan before it rings. */
export class TrimWatch {
  readonly #init: TrimWatchInit
  readonly #alarm: Alarm
  #started = false
  #lastTrim: number | undefined

  /** Set while the last trim could not close enough: when somebody's grace, or keep-alive tag, ends. */
  #nextGraceEnd: number | undefined
  #reported = ''

  constructor (init: TrimWatchInit) {
    this.#init = init
    this.#alarm = new Alarm(init.clock, () => { this.#ring() })
  }

  /** Epoch ms of the end of the last trim. */
  get lastTrim (): number | undefined {
    return this.#lastTrim
  }

  start (): void {
    this.#started = true
    this.#schedule()
  }

  stop (): void {
    this.#started = false
    this.#alarm.clear()
  }

  opened (): void {
    const { open, limits, clock, gracePeriod } = this.#init

    // below the mark, too: others may have left, and this one be old when the next makes it too many
    if (this.#nextGraceEnd != null) this.#nextGraceEnd = Math.min(this.#nextGraceEnd, clock.now() + gracePeriod)
    if (open() > limits().highWater) this.#schedule()
  }

  /** Something that kept a trim from closing enough has changed. */
  moreMayGo (): void {
    this.#nextGraceEnd = undefined
    this.#schedule()
  }

  /** A trim has made its plan, and starts to close. */
  planned (nextGraceEnd: number): void {
    this.#nextGraceEnd = nextGraceEnd
  }

  /** The plan did not hold: whoever comes into question is found by the next trim, and not when somebody's grace ends. */
  spared (): void {
    this.#nextGraceEnd = undefined
  }

  /** A trim is over, and its silence begins. */
  ended (): void {
    this.#lastTrim = this.#init.clock.now()
  }

  /**
   * Everybody has heard of it.
   *
   * @param left - how many its plan left open: newcomers, while it closed, are in nobody's way
   */
  done (report: TrimReport, left: number): void {
    const { highWater } = this.#init.limits()
    if (report.open <= highWater) this.#nextGraceEnd = undefined

    this.#reportUnmet(report, Math.min(report.open, left) > highWater)
    this.#schedule()
  }

  #schedule (): void {
    if (!this.#started || this.#init.isBusy()) return

    const now = this.#init.clock.now()
    // the clock was set back: what the silence is counted from must not move on with every open
    if (this.#lastTrim != null && this.#lastTrim > now) this.#lastTrim = now

    const due = nextTrimAt({
      open: this.#init.open(),
      highWater: this.#init.limits().highWater,
      silencePeriod: this.#init.silencePeriod,
      lastTrim: this.#lastTrim,
      nextGraceEnd: this.#nextGraceEnd
    }, now)

    // one that is due at once stays as it is: `now` moves on with every open
    if (due === now && this.#alarm.at != null && this.#alarm.at <= now) return

    this.#alarm.set(due)
  }

  #ring (): void {
    if (this.#init.open() > this.#init.limits().highWater) this.#init.trim()
  }

  /** Once per change: an operator wants to know that the marks do not hold, not every ten seconds. */
  #reportUnmet ({ open, spared }: TrimReport, isUnmet: boolean): void {
    const { highWater } = this.#init.limits()
    const unmet: LimitsUnmet = {
      open,
      highWater,
      protected: spared.protected,
      trusted: spared.trusted,
      inGrace: spared.grace,
      keepAlive: spared['keep-alive'],
      outboundReserve: spared['outbound-reserve']
    }
    const seen = isUnmet ? JSON.stringify(unmet) : ''

    if (seen !== '' && seen !== this.#reported) this.#init.onUnmet(unmet)

    this.#reported = seen
  }
}
