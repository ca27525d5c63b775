/** How often a connection has broken its limits lately. */
export interface Violations {
  readonly count: number

  /** Steady ms of the last one. */
  readonly last: number
}

export const NO_VIOLATIONS: Violations = Object.freeze({ count: 0, last: 0 })

/** One more. Those before are forgotten when the last of them is a window ago. */
export function violate ({ count, last }: Violations, now: number, window: number): Violations {
  return { count: now - last >= window ? 1 : count + 1, last: now }
}

/** The first ones are dropped, the next closes the connection. */
export function actionFor ({ count }: Violations, dropsBeforeClose: number): 'drop' | 'close' {
  return count <= dropsBeforeClose ? 'drop' : 'close'
}
