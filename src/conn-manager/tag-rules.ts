import { quoted } from '../limiter/quoted.ts'
import { InvalidTagError } from './errors.ts'

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

export function checkFunction (tag: string, name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new InvalidTagError(`Could not register the decaying tag ${JSON.stringify(tag)}: ${name} must be a function, received ${quoted(value)}`)
  }
}
