const DOT = 0x2e
const ZERO = 0x30

/**
 * Reads the dotted quad between `start` and `end`. Every char is looked at alone: nothing is cut out, so nothing but the result is made.
 *
 * A part with a leading zero is refused: `010.0.0.1` is 8.0.0.1 to `inet_aton` and 10.0.0.1 to `parseInt`, and an address that two
 * readers understand differently opens a block list.
 *
 * @returns unsigned 32 bit, or -1 where there is no dotted quad
 */
export function readIpv4 (text: string, start: number, end: number): number {
  let bits = 0
  let at = start

  for (let dots = 0; at < end; dots++) {
    let part = text.charCodeAt(at++) - ZERO
    if (part < 0 || part > 9) return -1

    // Up to two digits more, none after a zero. Written out: a loop costs half as much again.
    if (part !== 0 && at < end) {
      let digit = text.charCodeAt(at) - ZERO

      if (digit >= 0 && digit <= 9) {
        part = part * 10 + digit

        if (++at < end) {
          digit = text.charCodeAt(at) - ZERO

          if (digit >= 0 && digit <= 9) {
            part = part * 10 + digit
            at++
            if (part > 255) return -1
          }
        }
      }
    }

    bits = bits << 8 | part

    if (dots === 3) return at === end ? bits >>> 0 : -1
    if (at === end || text.charCodeAt(at++) !== DOT) return -1
  }

  return -1
}

export function formatIpv4 (bits: number): string {
  return `${bits >>> 24}.${bits >>> 16 & 0xff}.${bits >>> 8 & 0xff}.${bits & 0xff}`
}
