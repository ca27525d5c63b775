import { InvalidOptionError } from './errors.ts'
import { normalizePath, normalizeRule } from './path-text.ts'

/**
 * Which rule a path falls under: at most one, the most specific. An exact path comes before a pattern, a pattern before a prefix, a longer
 * prefix before a shorter one, an earlier pattern before a later one. Rules that are the same path are one, whatever their texts.
 */
export interface PathRules<Rule> {
  readonly size: number
  match (path: string): Rule | undefined
  get (rule: string): Rule | undefined
  set (rule: string, value: Rule): void
  delete (rule: string): boolean

  /** By their normal text. */
  entries (): Array<[string, Rule]>
}

interface Entry<Rule> {
  readonly name: string
  readonly segments: readonly string[]
  readonly rule: Rule
  /** Of two that match, the higher one is the more specific. */
  readonly rank: number
}

/** Above the length of any prefix. */
const PATTERN = Number.MAX_VALUE

/**
 * A rule is text: `/login` is that path, `/api/` with a trailing slash is everything below it and `/api` itself, `/users/:/posts` written with a `*` for the `:` is a
 * pattern, in which each `*` is one segment.
 */
export function pathRules<Rule> (): PathRules<Rule> {
  const all = new Map<string, Entry<Rule>>()
  let patterns: ReadonlyArray<Entry<Rule>> = []
  let prefixes: ReadonlyArray<Entry<Rule>> = []
  /** A request is asked about twice: whether it may be, and what is left then. */
  let last: { readonly path: string, readonly rule: Rule | undefined } | undefined

  function index (): void {
    last = undefined
    patterns = [...all.values()].filter(({ rank }) => rank === PATTERN)
    prefixes = [...all.values()].filter(({ rank }) => rank < PATTERN).sort((a, b) => b.rank - a.rank)
  }

  /** @param path - a normal one, which has no star, and no slash at its end: its own text is the name of an exact rule only */
  function find (path: string): Entry<Rule> | undefined {
    const direct = all.get(path)
    if (direct !== undefined) return direct

    if (patterns.length > 0) {
      const segments = path.split('/')
      const pattern = patterns.find(entry => isMatch(entry.segments, segments))
      if (pattern !== undefined) return pattern
    }

    const below = path.endsWith('/') ? path : `${path}/`
    return prefixes.find(({ name }) => below.startsWith(name))
  }

  function matchAny (path: string): Rule | undefined {
    const normal = normalizePath(path)
    const found = find(normal)
    if (normal === path || !path.includes('\\')) return found?.rule

    // Some routers take it for a slash and some for a letter: neither way gets past a rule.
    const literal = find(normalizePath(path.replaceAll('\\', '%5C')))
    return (literal != null && literal.rank > (found?.rank ?? 0) ? literal : found)?.rule
  }

  return {
    get size () { return all.size },
    get: rule => all.get(normalizeRule(rule))?.rule,
    entries: () => [...all.values()].map(({ name, rule }) => [name, rule]),

    set (text, rule) {
      const name = normalizeRule(text)
      all.set(name, { name, segments: name.split('/'), rule, rank: rankOf(name) })
      index()
    },

    delete (text) {
      const isKnown = all.delete(normalizeRule(text))
      index()
      return isKnown
    },

    match (path) {
      if (all.size === 0 || typeof path !== 'string') return undefined
      if (last?.path !== path) last = { path, rule: matchAny(path) }
      return last.rule
    }
  }
}

/** @throws {@link InvalidOptionError} */
export function checkPathRule (option: string, rule: unknown): string {
  if (typeof rule !== 'string' || !rule.startsWith('/') || /[?#\\\s]/.test(rule) || /\/(?:\.|%2e){1,2}(?:\/|$)/i.test(rule)) {
    throw new InvalidOptionError(option, 'a path that begins with / and has no ?, #, \\, blanks or dot segments', rule)
  }

  if (/[^/]\*|\*[^/]|\*.*\/$/.test(rule)) {
    throw new InvalidOptionError(option, 'a path in which each * is a whole segment, and which does not end with / where it has one', rule)
  }

  return rule
}

function rankOf (name: string): number {
  if (name.includes('*')) return PATTERN
  return name.endsWith('/') ? name.length : Infinity
}

function isMatch (pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.length === segments.length && pattern.every((part, at) => part === '*' ? segments[at] !== '' : part === segments[at])
}
