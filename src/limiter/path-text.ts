/** A path that is its own normal text, as most are: nothing in it has another way to be written. */
const USUAL = /^(?:\/|(?:\/(?!\.)[\w\-.~!$&'()+,;=:@]+)+)$/

/** A proxy's form of a request has it before the path (`GET http://host/login`, RFC 9112 §3.2.2), and routers take it off. */
const ORIGIN = /^[A-Za-z][\w+.-]*:\/\/[^/]*/

/** What has to be read or written as an escape. A star means something to rules, so that one in a path is an escape. */
const ESCAPE = /%[0-9A-Fa-f]{2}|[^\w\-.~!$&'()+,;=:@/]/gu

/** Characters that mean the same with and without an escape (RFC 3986 §2.3, and §3.3 of the reserved ones, as Hono and Fastify route them). */
const PLAIN = /[\w\-.~!$&'()+,;=:@]/

/**
 * One text for each path that servers take for the same: without origin, query, fragment and trailing slash, `\` as `/`, ordinary characters
 * without and all others with an escape, double slashes and dot segments resolved (RFC 3986 §6.2.2). Else `/login?x`, `//login`, `/./login` and
 * `/%6Cogin` would each have a quota.
 */
export function normalizePath (path: string): string {
  if (USUAL.test(path)) return path
  const bare = path.replace(/[?#].*$/s, '')
  if (USUAL.test(bare)) return bare

  const segments: string[] = []

  for (const segment of escaped(bare.replaceAll('\\', '/').replace(ORIGIN, '')).split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }

  return `/${segments.join('/')}`
}

/** The same for a rule, which keeps its stars and the slash at its end. */
export function normalizeRule (rule: string): string {
  const segments = rule.split('/').filter(segment => segment !== '')
  const path = `/${segments.map(segment => segment === '*' ? segment : escaped(segment)).join('/')}`

  return rule.endsWith('/') && path !== '/' ? `${path}/` : path
}

/** `%2F` stays one, which is no separator; and a `%` that begins no escape is one that was not escaped. */
function escaped (text: string): string {
  return text.toWellFormed().replaceAll(ESCAPE, char => {
    if (char === '*') return '%2A'
    if (!/^%./.test(char)) return encodeURIComponent(char)

    const plain = String.fromCharCode(Number.parseInt(char.slice(1), 16))
    return PLAIN.test(plain) ? plain : char.toUpperCase()
  })
}
