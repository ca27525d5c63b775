/** A path that is its own normal text, as most are: nothing in it has another way to be written. */
const USUAL = /^(?:\/|(?:\/(?!\.)[\w\-.~!$&'()+,;=:@]+)+)$/

/** A proxy's form of a request has it before the path (`GET http://host/login`, RFC 9112 §3.2.2), and routers take it off. */
const ORIGIN = /^[A-Za-z][\w+.-]*:\/\/[^/]*/

const PERCENT = 0x25
const SLASH = 0x2f
const ASCII = 128

/** Of a char of ASCII and of an escape of it. */
interface Forms {
  readonly written: string
  readonly escaped: string
}

/**
 * Characters that mean the same with and without an escape (RFC 3986 §2.3, and §3.3 of the reserved ones, as Hono and Fastify route them) have
 * none; a slash and its escape are not the same. A star means something to rules, so that one in a path is an escape.
 */
const FORMS: readonly Forms[] = Array.from({ length: 256 }, (_, code): Forms => {
  const char = String.fromCharCode(code)
  const escape = `%${code.toString(16).toUpperCase().padStart(2, '0')}`

  if (/[\w\-.~!$&'()+,;=:@]/.test(char)) return { written: char, escaped: char }
  return { written: code === SLASH ? char : escape, escaped: escape }
})

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

/**
 * `%2F` stays one, which is no separator; and a `%` that begins no escape is one that was not escaped.
 *
 * Char by char, because each may be one to escape: 16 kB of quotes would else be 16,000 calls of a function, for one request.
 */
function escaped (text: string): string {
  const from = text.toWellFormed()
  let to = ''

  for (let at = 0; at < from.length;) {
    const code = from.charCodeAt(at)
    const byte = code === PERCENT ? hexByte(from, at + 1) : -1

    if (byte !== -1) {
      to += FORMS[byte]!.escaped
      at += 3
    } else if (code < ASCII) {
      to += FORMS[code]!.written
      at++
    } else {
      const end = endOfForeign(from, at)
      to += encodeURIComponent(from.slice(at, end))
      at = end
    }
  }

  return to
}

/** Where what is not ASCII ends. */
function endOfForeign (text: string, at: number): number {
  while (at < text.length && text.charCodeAt(at) >= ASCII) at++
  return at
}

/** @returns -1 where no two hexadecimal digits are */
function hexByte (text: string, at: number): number {
  if (at + 2 > text.length) return -1
  const high = hexDigit(text.charCodeAt(at))
  const low = hexDigit(text.charCodeAt(at + 1))

  return high === -1 || low === -1 ? -1 : high << 4 | low
}

function hexDigit (code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20

  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
