import { readIpv4 } from './ipv4-text.ts'

const DOT = 0x2e
const COLON = 0x3a

/** The value of each ASCII char as a hexadecimal digit, or -1. A table, because digits and letters alternate too wildly for a branch. */
const HEX_DIGITS = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase()))

/** `0` to `ff`, and `00` to `ff`. `toString(16)` of a bigger number than its radix leaves compiled code and takes twice as long. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16))
const PADDED_HEX = HEX.map(hex => hex.padStart(2, '0'))

const ZONE = /^[0-9a-z.:-]+$/i

/** How many 16-bit groups an IPv6 address has. */
export const GROUPS = 8

/**
 * Reads the IPv6 address between `start` and `end`, in any notation of RFC 4291 §2.2 and without a zone, into its eight groups.
 *
 * No char beyond the end is ever asked for: `charCodeAt` would answer `NaN`, correctly, and be compiled into a slow call for good.
 *
 * @returns false, with `groups` in any state, when it is not one
 */
export function readIpv6 (text: string, start: number, end: number, groups: Uint16Array): boolean {
  let count = 0 // groups read
  let gap = -1 // how many of them stand before the `::`
  let at = start

  if (end - start < 2) return false

  if (text.charCodeAt(at) === COLON) {
    if (text.charCodeAt(at + 1) !== COLON) return false
    gap = 0
    at += 2
  }

  while (at < end) {
    const first = at
    let group = 0
    let code = 0

    do {
      code = text.charCodeAt(at)
      const digit = code < 128 ? HEX_DIGITS[code]! : -1
      if (digit === -1) break
      group = group << 4 | digit
    } while (++at < end)

    if (at === first || at > first + 4 || count === GROUPS) return false

    if (at === end) {
      groups[count++] = group
      break
    }

    if (code === DOT) {
      const bits = readIpv4(text, first, end)
      if (bits === -1 || count > GROUPS - 2) return false
      groups[count++] = bits >>> 16
      groups[count++] = bits
      break
    }

    groups[count++] = group
    // A colon promises more: another group, or a second colon.
    if (code !== COLON || ++at === end) return false

    if (text.charCodeAt(at) === COLON) {
      if (gap !== -1) return false
      gap = count
      at++
    }
  }

  return spread(groups, count, gap)
}

/** Where the `%` of a zone (RFC 4007 §11) stands; 0, which no address ends at, when there is none that can be one. */
export function zoneStart (text: string): number {
  const percent = text.indexOf('%')

  return percent !== -1 && ZONE.test(text.slice(percent + 1)) ? percent : 0
}

/**
 * RFC 5952: no leading zeros (§4.1), the first of the longest runs of zeros shortened (§4.2), lower case (§4.3). Never a dotted tail (§5):
 * the addresses that should have one are IPv4 here.
 */
export function formatIpv6 (a: number, b: number, c: number, d: number): string {
  const groups = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff, d >>> 16, d & 0xffff]
  const { start, end } = longestZeros(groups)
  let text = ''

  for (let at = 0; at < groups.length; at++) {
    if (at === start) {
      text += '::'
      at = end - 1
    } else {
      text += at === 0 || at === end ? hex(groups[at]!) : `:${hex(groups[at]!)}`
    }
  }

  return text
}

/** Moves the groups after the `::` to the end and clears the gap, which stands for at least one. */
function spread (groups: Uint16Array, count: number, gap: number): boolean {
  if (gap === -1) return count === GROUPS
  if (count === GROUPS) return false

  let to = GROUPS

  while (count > gap) groups[--to] = groups[--count]!
  while (to > gap) groups[--to] = 0

  return true
}

/** A single zero group is not shortened (§4.2.2). */
function longestZeros (groups: readonly number[]): { start: number, end: number } {
  let start = -1
  let end = -1
  let longest = 1

  for (let at = 0, zeros = 0; at < groups.length; at++) {
    zeros = groups[at] === 0 ? zeros + 1 : 0

    if (zeros > longest) {
      longest = zeros
      start = at - zeros + 1
      end = at + 1
    }
  }

  return { start, end }
}

function hex (group: number): string {
  return group < 256 ? HEX[group]! : HEX[group >>> 8]! + PADDED_HEX[group & 0xff]!
}
