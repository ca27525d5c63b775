import { parseCidr } from '../address/cidr.ts'
import { readIpv4 } from '../address/ipv4-text.ts'
import { wordMask } from '../address/prefix.ts'
import { InvalidListError } from './errors.ts'
import type { Cidr } from '../address/cidr.ts'

const NEWLINE = 0x0a
const HASH = 0x23
const SLASH = 0x2f
const ZERO = 0x30

/** Who hears of each line that is a range. IPv4 comes as numbers: a list may have a million of them. */
export interface RangeSink {
  addIpv4 (bits: number, length: number): void
  add (cidr: Cidr): void
}

/**
 * Reads a list of addresses and subnets, one a line, in pieces. What follows a `#`, blanks around, empty lines and a `\r` at the end are
 * nothing, so `# comment`, `192.0.2.0/24 # why` and the usual public lists all read.
 */
export class ListReader {
  readonly #text: string
  #at = 0
  #line = 0

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
      const newline = text.indexOf('\n', this.#at)
      const next = newline === -1 ? text.length : newline

      this.#line++
      this.#readLine(this.#at, next, sink)
      this.#at = next + 1
    }

    return this.#at < text.length
  }

  #readLine (start: number, end: number, sink: RangeSink): void {
    const text = this.#text
    for (let at = start; at < end; at++) {
      if (text.charCodeAt(at) === HASH) end = at
    }

    while (start < end && isBlank(text.charCodeAt(start))) start++
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--
    if (start < end && !this.#readIpv4(start, end, sink)) this.#readAny(text.slice(start, end), sink)
  }

  /** The usual line, without making a text of it. Anything unusual is left to `parseCidr`, which knows the rules. */
  #readIpv4 (start: number, end: number, sink: RangeSink): boolean {
    const text = this.#text
    let slash = end
    let length = 32

    for (let at = end - 1; at >= end - 3 && at > start; at--) {
      if (text.charCodeAt(at) === SLASH) slash = at
    }

    if (slash !== end) {
      length = 0
      for (let at = slash + 1; at < end; at++) {
        const digit = text.charCodeAt(at) - ZERO
        if (digit < 0 || digit > 9 || (length === 0 && at > slash + 1)) return false
        length = length * 10 + digit
      }
      if (slash + 1 === end || length > 32) return false
    }

    const bits = readIpv4(text, start, slash)
    if (bits === -1) return false
    sink.addIpv4((bits & wordMask(length)) >>> 0, length)
    return true
  }

  #readAny (range: string, sink: RangeSink): void {
    let cidr: Cidr

    try {
      cidr = parseCidr(range)
    } catch (cause) {
      throw new InvalidListError(this.#line, range, { cause })
    }

    if (cidr.ip.family === 4) sink.addIpv4(cidr.ip.bits, cidr.length)
    else sink.add(cidr)
  }
}

function isBlank (code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === NEWLINE || code === 0xfeff
}
