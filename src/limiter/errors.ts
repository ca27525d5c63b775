import { quoted } from './quoted.ts'

/**
 * A configured value that breaks its rule. Thrown where it comes in, before anything changed; never for what a stranger sent.
 */
export class InvalidOptionError extends Error {
  override readonly name = 'InvalidOptionError'
  readonly code = 'ERR_INVALID_OPTION'

  /** As its path is written: `connectRate.window`. */
  readonly option: string

  readonly received: unknown

  /** @param rule - ends the sentence "… must be …" */
  constructor (option: string, rule: string, received: unknown) {
    super(`Could not use the option ${option}: it must be ${rule}, received ${quoted(received)}`)
    this.option = option
    this.received = received
  }
}

/**
 * A line of an address list that is none. The list that was in force stays in force.
 */
export class InvalidListError extends Error {
  override readonly name = 'InvalidListError'
  readonly code = 'ERR_INVALID_LIST'

  /** The first line is 1. */
  readonly line: number

  readonly input: string

  constructor (line: number, input: string, options?: ErrorOptions) {
    super(`Could not read line ${line} of the list: it is not an address, a subnet or a comment, received ${quoted(input)}`, options)
    this.line = line
    this.input = input
  }
}

/**
 * A ledger of an operator's rules is full. Nothing was added.
 */
export class CapacityError extends Error {
  override readonly name = 'CapacityError'
  readonly code = 'ERR_CAPACITY'
  readonly capacity: number

  /** @param action - ends the sentence "Could not …" */
  constructor (action: string, capacity: number) {
    super(`Could not ${action}: the capacity of ${capacity} is used up`)
    this.capacity = capacity
  }
}
