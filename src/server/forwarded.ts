import { formatIp, parseIp } from '../address/ip.ts'
import type { Ip } from '../address/ip.ts'

/** Which of the two fields the proxies write. Only one may be read: a client can send the other one, and a proxy passes on what it does not know. */
export type ForwardedField = 'x-forwarded-for' | 'forwarded'

/** More trusted proxies in a row than anybody has; what follows is not looked at. */
const MAX_HOPS = 32

/**
 * Whose request it is: the nearest hop that is no proxy of ours, read from the right, because each proxy appends whom it was talking to and
 * everything further left was there before and may be the client's own invention.
 *
 * A hop that cannot be read (`unknown`, `_hidden`, nonsense) ends the walk: the last proxy before it stands for the client. So does the end
 * of the list.
 *
 * @param peer - the socket's own address, as text
 * @param value - the whole field, several lines joined by commas
 */
export function forwardedClient (field: ForwardedField, value: string | undefined, peer: string, isProxy: (ip: Ip) => boolean): string {
  const hopBefore = field === 'forwarded' ? elementBefore : itemBefore
  const read = field === 'forwarded' ? forOf : nodeAddress
  let ip = parseIp(peer)
  let end = value?.length ?? 0

  for (let hops = 0; hops < MAX_HOPS && ip != null && isProxy(ip) && end > 0; hops++) {
    const start = hopBefore(value!, end)
    const hop = value!.slice(start, end).trim()
    end = start - 1
    // "A recipient must parse and ignore a reasonable number of empty list elements": RFC 9110 §5.6.1.2.
    if (hop === '') continue

    const next = read(hop)
    if (next == null) break
    ip = next
  }

  return ip == null ? peer : formatIp(ip)
}

/** Where the last item before `end` begins. */
function itemBefore (list: string, end: number): number {
  return list.lastIndexOf(',', end - 1) + 1
}

/**
 * Where the last element before `end` begins; a comma between quotes is none. Read from the right too: a quote that a client never closed
 * would else hide what the proxies appended behind it.
 */
function elementBefore (list: string, end: number): number {
  let isQuoted = false

  for (let at = end - 1; at >= 0; at--) {
    if (list[at] === '"' && !(isQuoted && isEscaped(list, at))) isQuoted = !isQuoted
    else if (list[at] === ',' && !isQuoted) return at + 1
  }

  return 0
}

function isEscaped (text: string, at: number): boolean {
  let slashes = 0
  while (text[at - 1 - slashes] === '\\') slashes++
  return slashes % 2 === 1
}

/** `name=token` or `name="quoted"`, and a semicolon or the end: RFC 7239 §4. */
const PAIR = /([!#$%&'*+\-.^_`|~0-9a-z]+)=(?:([!#$%&'*+\-.^_`|~0-9a-z]+)|"((?:[^"\\]|\\.)*)")[ \t]*(?:;[ \t]*|$)/iy

/** An address with a colon has to be quoted; unquoted ones are common enough, and mean one thing only. */
function forOf (element: string): Ip | undefined {
  PAIR.lastIndex = 0
  let found: Ip | undefined

  while (PAIR.lastIndex < element.length) {
    const pair = PAIR.exec(element)
    if (pair == null) return undefined
    if (pair[1]!.toLowerCase() !== 'for') continue
    if (found != null) return undefined // "each parameter must not occur more than once"
    found = nodeAddress((pair[2] ?? pair[3]!).replaceAll(/\\(.)/g, '$1'))
    if (found == null) return undefined
  }

  return found
}

// A port is a number, or a word that hides it: RFC 7239 §6.
const IPV4_WITH_PORT = /^([\d.]+):(?:\d{1,5}|_[\w.-]+)$/
const IPV6_IN_BRACKETS = /^\[([^\]]*)\](?::(?:\d{1,5}|_[\w.-]+))?$/

/** An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:_hidden`. */
function nodeAddress (text: string): Ip | undefined {
  return parseIp(IPV4_WITH_PORT.exec(text)?.[1] ?? IPV6_IN_BRACKETS.exec(text)?.[1] ?? text)
}
