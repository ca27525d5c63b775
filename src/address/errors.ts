/** Enough to recognise any address; what a message quotes may come from a file of rules and be as long as it likes. */
const QUOTED_LENGTH = 80

/**
 * A configured address or range that is not one. Thrown where an operator's text comes in, never for what a stranger sent.
 */
export class InvalidAddressError extends Error {
  override readonly name = 'InvalidAddressError'
  readonly code = 'ERR_INVALID_ADDRESS'

  /** The whole text that was given; the message quotes its beginning. */
  readonly input: string

  /**
   * @param allowed - what would have been right, as the end of the sentence "it is not …"
   */
  constructor (input: string, allowed = 'an IPv4 or IPv6 address') {
    super(`Could not parse the address ${quote(input)}: it is not ${allowed}`)
    this.input = input
  }
}

/** In JSON, so that line breaks and look-alike blanks show and a log line stays one line. */
function quote (input: string): string {
  const quoted = JSON.stringify(input.slice(0, QUOTED_LENGTH))

  return quoted.length > QUOTED_LENGTH || input.length > QUOTED_LENGTH ? `${quoted.slice(0, QUOTED_LENGTH - 2)}…"` : quoted
}
