const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** @returns milliseconds, or undefined for what is not a whole or decimal number with a unit: `500ms`, `20s`, `1.5m` */
export function parseDuration (text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? []
  const factor = UNITS[unit]

  return amount == null || factor == null ? undefined : Math.round(Number(amount) * factor)
}

/** For people: one decimal below ten seconds, whole seconds up to two minutes, then minutes. */
export function formatDuration (ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${Number((ms / 1_000).toFixed(1))} s`
  if (ms < 119_500) return `${Math.round(ms / 1_000)} s`

  return `${Number((ms / 60_000).toFixed(1))} min`
}
