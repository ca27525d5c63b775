export interface ScheduleFacts {
  /** Open connections. */
  readonly open: number
  readonly highWater: number

  /** Milliseconds. */
  readonly silencePeriod: number

  /** Epoch ms of the end of the last trim, if there was one. */
  readonly lastTrim: number | undefined

  /** Where the last trim was kept from getting below the high mark: when the next connection leaves its grace. Else undefined. */
  readonly nextGraceEnd: number | undefined
}

/**
 * When the next trim is due, in epoch ms: at once above the high mark, but not within the silence, and where the last one could close
 * too few, not before somebody's grace ends. Undefined when none is.
 */
export function nextTrimAt (facts: ScheduleFacts, now: number): number | undefined {
  if (facts.open <= facts.highWater) return undefined

  // A clock that was set back must not make the silence longer than it is.
  const silenceEnd = facts.lastTrim == null ? now : Math.min(facts.lastTrim, now) + facts.silencePeriod
  const due = Math.max(now, silenceEnd, facts.nextGraceEnd ?? now)

  return due === Infinity ? undefined : due
}
