import { InvalidOptionError } from './errors.ts'

/**
 * Which rule a path falls under: at most one, the most specific. An exact path comes before a pattern, a pattern before a prefix, a longer
 * prefix before a shorter one, an earlier pattern before a later one.
 */
export interface PathRules<Rule> {
  readonly size: number
  match (path: string): Rule | undefined
  get (rule: string): Rule | undefined
  set (rule: string, value: Rule): void
  delete (rule: string): boolean
  entries (): Array<[string, Rule]>
}

/**
 * A rule is text: `/login` is that path, `/api/` with a trailing slash is everything below it and `/api` itself, `/users/:/posts` written with a `*` for the `:` is a
 * pattern, in which each `*` is one segment.
 */
export function pathRules<Rule> (): PathRules<Rule> {
  const all = new Map<string, Rule>()
  const exact = new Map<string, Rule>()
  const patterns = new Map<string, { readonly segments: readonly string[], readonly rule: Rule }>()
  let prefixes: Array<readonly [string, Rule]> = []

  function remove (name: string): boolean {
    exact.delete(normalizePath(name))
    patterns.delete(name)
    prefixes = prefixes.filter(([prefix]) => prefix !== name)
    return all.delete(name)
  }

  return {
    get size () { return all.size },
    get: name => all.get(name),
    delete: remove,
    entries: () => [...all],

    set (name, rule) {
      remove(name)
      all.set(name, rule)

      if (name.includes('*')) {
        patterns.set(name, { segments: name.split('/'), rule })
      } else if (name.endsWith('/')) {
        prefixes = [...prefixes, [name, rule] as const].sort(([a], [b]) => b.length - a.length)
      } else {
        exact.set(normalizePath(name), rule)
      }
    },

    match (path) {
      if (all.size === 0 || typeof path !== 'string') return undefined
      const clean = normalizePath(path)
      const direct = exact.get(clean)
      if (direct !== undefined) return direct

      if (patterns.size > 0) {
        const segments = clean.split('/')
        for (const pattern of patterns.values()) {
          if (isMatch(pattern.segments, segments)) return pattern.rule
        }
      }

      const below = clean.endsWith('/') ? clean : `${clean}/`
      return prefixes.find(([prefix]) => below.startsWith(prefix))?.[1]
    }
  }
}

/** @throws {@link InvalidOptionError} */
export function checkPathRule (option: string, rule: unknown): string {
  if (typeof rule === 'string' && rule.startsWith('/') && !/[?#\s]/.test(rule)) return rule
  throw new InvalidOptionError(option, 'a path that begins with / and has no ?, # or blanks', rule)
}

/** What a path may have that makes another text of the same path. */
const UNUSUAL = /[?#%]|\/\.|\/\/|.\/$/

/**
 * One text for each path that servers take for the same: without query, fragment and trailing slash, escapes of ordinary characters undone,
 * double slashes and dot segments resolved (RFC 3986 §6.2.2). Else `/login?x`, `//login`, `/./login` and `/%6Cogin` would each have a quota.
 */
function normalizePath (path: string): string {
  if (!UNUSUAL.test(path)) return path
  const bare = unescaped(path.replace(/[?#].*$/s, ''))
  const segments: string[] = []

  for (const segment of bare.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }

  return `/${segments.join('/')}`
}

/** An escape that is none stays as it is; so does `%2F`, which is no separator. */
function unescaped (path: string): string {
  return path.replaceAll(/%[0-9a-f]{2}/gi, escape => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return /[A-Za-z0-9\-._~]/.test(char) ? char : escape.toUpperCase()
  })
}

function isMatch (pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.length === segments.length && pattern.every((part, at) => part === '*' ? segments[at] !== '' : part === segments[at])
}
