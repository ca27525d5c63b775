/** What a message quotes of a value may come from anywhere and be as long as it likes. */
const QUOTED_LENGTH = 80

/** A received value as a message shows it: a text in quotes, so that `"5"` is not taken for 5. */
export function quoted (value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, QUOTED_LENGTH)) : describe(value)

  return text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH - 1)}…` : text
}

function describe (value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return value.toString()
  if (typeof value !== 'object' || value == null) return String(value)

  try {
    return JSON.stringify(value)
  } catch {
    return 'an object'
  }
}
