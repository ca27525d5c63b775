import { InvalidOptionError } from '../limiter/errors.ts'
import { quoted } from '../limiter/quoted.ts'
import { InvalidTagError } from './errors.ts'

const BRACKET = 0x5b

/** A connection instead of its `remotePeer`, which is `[object …]`, or a text, would be a name that no connection ever has. @returns its text */
export function checkPeer (peer: object): string {
  const text = typeof peer === 'object' ? peer?.toString?.() : undefined
  if (text != null && text.charCodeAt(0) !== BRACKET) return text

  throw new InvalidOptionError('peer', 'a peer id', peer)
}

/** `action` is what was asked for, in words that follow *Could not*. */
export function checkTag (action: string, tag: string): void {
  if (typeof tag !== 'string' || tag === '') {
    throw new InvalidTagError(`Could not ${action}: the tag must be a string that is not empty, received ${quoted(tag)}`)
  }
}

export function checkValue (action: string, tag: string, value: number): void {
  if (!Number.isSafeInteger(value)) {
    throw new InvalidTagError(`Could not ${action} ${JSON.stringify(tag)}: the value must be a safe integer, received ${quoted(value)}`)
  }
}

/** `action` as in `checkTag`; `name` is what has to be one. */
export function checkFunction (action: string, tag: string, name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new InvalidTagError(`Could not ${action} ${JSON.stringify(tag)}: ${name} must be a function, received ${quoted(value)}`)
  }
}
