import { parseCidr, readLength } from '../address/cidr.ts'
import { BITS, readIp } from '../address/ip.ts'
import { maskIp } from '../address/prefix.ts'
import { InvalidListError } from './errors.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip } from '../address/ip.ts'

const NEWLINE = 0x0a
const SLASH = 0x2f
const COLON = 0x3a

/** A `/` and three digits. */
const LONGEST_LENGTH = 4

/** Who hears of each line that is a range. Host bits are clear. */
export interface RangeSink {
  add (ip: Ip, length: number): void
}

/**
 * Reads a list of addresses and subnets, one a line, in pieces. What follows a `#` or `;`, blanks around, empty lines and a `\r` at the end are
 * nothing, so `# comment`, `192.0.2.0/24 ; SBL1` and the usual public lists all read.
 */
export class ListReader {
  readonly #text: string
  #at = 0
  #line = 0
  /** The next ones, so that they are looked for once and not in each line. */
  #hash = -1
  #semicolon = -1

  constructor (text: string) {
    this.#text = text
  }

  /**
   * Reads at most `lines` more.
   *
   * @returns whether there may be more
   * @throws {@link InvalidListError} with the number of a line that is none of these
   */
  read (lines: number, sink: RangeSink): boolean {
    const text = this.#text

    for (; lines > 0 && this.#at < text.length; lines--) {
      const next = indexOrEnd(text, '\n', this.#at)

      this.#line++
      this.#readLine(this.#at, next, sink)
      this.#at = next + 1
    }

    return this.#at < text.length
  }

  #readLine (start: number, end: number, sink: RangeSink): void {
    const text = this.#text
    if (this.#hash < start) this.#hash = indexOrEnd(text, '#', start)
    if (this.#semicolon < start) this.#semicolon = indexOrEnd(text, ';', start)
    end = Math.min(end, this.#hash, this.#semicolon)

    while (start < end && isBlank(text.charCodeAt(start))) start++
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--
    if (start < end && !this.#readRange(start, end, sink)) this.#readAny(text.slice(start, end), sink)
  }

  /** The usual line, without making a text of it. Anything unusual is left to `parseCidr`, which knows the rules. */
  #readRange (start: number, end: number, sink: RangeSink): boolean {
    const text = this.#text
    let slash = end

    for (let at = Math.max(end - LONGEST_LENGTH, start); at < end; at++) {
      if (text.charCodeAt(at) === SLASH) slash = at
    }

    const ip = readIp(text, start, slash)
    if (ip == null || (ip.family === 4 && hasColon(text, start, slash))) return false
    const length = slash === end ? BITS[ip.family] : readLength(text, slash + 1, end, BITS[ip.family])
    if (length === -1) return false

    sink.add(maskIp(ip, length), length)
    return true
  }

  #readAny (range: string, sink: RangeSink): void {
    let cidr: Cidr

    try {
      cidr = parseCidr(range)
    } catch (cause) {
      throw new InvalidListError(this.#line, range, { cause })
    }

    sink.add(cidr.ip, cidr.length)
  }
}

function isBlank (code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === NEWLINE || code === 0xfeff
}

function indexOrEnd (text: string, char: string, from: number): number {
  const at = text.indexOf(char, from)
  return at === -1 ? text.length : at
}

/** Where an address of IPv4 is written as one of IPv6, and its length counts from there. */
function hasColon (text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (text.charCodeAt(at) === COLON) return true
  }

  return false
}
