import { InvalidOptionError } from './errors.ts'
import { mostOf, STRATEGY_NAMES } from './rate.ts'
import type { Clock } from '../clock/clock.ts'
import type { Rate } from './rate.ts'

// Options come from configuration files and from JavaScript, where the compiler has not looked: each check takes `unknown`.

/** A number of places: whole, zero or more, or `Infinity`. */
export function checkCap (option: string, value: unknown): number {
  if (value === Infinity || isCount(value)) return value
  throw new InvalidOptionError(option, 'a whole number from 0, or Infinity', value)
}

/** How many entries a ledger may have. Finite: an unbounded one is what a stranger would fill. */
export function checkCapacity (option: string, value: unknown): number {
  // 2^24 entries is as much as a JavaScript Map can hold.
  if (isCount(value) && value >= 1 && value <= 2 ** 24) return value
  throw new InvalidOptionError(option, 'a whole number from 1 to 16777216', value)
}

/** Milliseconds above zero; `Infinity` only where never is an answer. */
export function checkDuration (option: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value < Infinity) return value
  throw new InvalidOptionError(option, 'a finite number of milliseconds above 0', value)
}

export function checkDurationOrNever (option: string, value: unknown): number {
  if (typeof value === 'number' && value > 0) return value
  throw new InvalidOptionError(option, 'a number of milliseconds above 0, or Infinity', value)
}

export function checkPositive (option: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value < Infinity) return value
  throw new InvalidOptionError(option, 'a finite number above 0', value)
}

export function checkWeight (option: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value < Infinity) return value
  throw new InvalidOptionError(option, 'a finite number from 0', value)
}

/** What one event takes of a quota. */
export function checkCost (value: unknown): number {
  if (isCount(value)) return value
  throw new InvalidOptionError('cost', 'a whole number from 0', value)
}

export function checkChoice<T extends string> (option: string, value: unknown, choices: readonly T[]): T {
  for (const choice of choices) {
    if (choice === value) return choice
  }
  throw new InvalidOptionError(option, `one of ${choices.map(choice => `'${choice}'`).join(', ')}`, value)
}

export function checkRecord (option: string, value: unknown, rule = 'an object'): Record<string, unknown> {
  if (typeof value === 'object' && value != null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new InvalidOptionError(option, rule, value)
}

/** Of an option that may be false, which the caller has asked about. */
export function checkRecordOrFalse (option: string, value: unknown): Record<string, unknown> {
  return checkRecord(option, value, 'an object, or false')
}

/** What is said: an option that is undefined says nothing. */
export function given (record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}

export function checkFunction<F> (option: string, value: F): F {
  if (typeof value === 'function') return value
  throw new InvalidOptionError(option, 'a function', value)
}

/** The factory of one instead of the clock, or `Date`, would be found out much later, and by a stranger. */
export function checkClock (value: unknown): Clock {
  const { now, after } = checkRecord('clock', value)
  if (typeof now === 'function' && typeof after === 'function') return value as Clock
  throw new InvalidOptionError('clock', 'an object with now() and after()', value)
}

/** Why a rule is there: it is stored, listed and written as a comment. */
export function checkReason (value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new InvalidOptionError('reason', 'a text', value)
}

/** Of configuration files, `'no'` is true, too. */
export function checkFlag (option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new InvalidOptionError(option, 'true or false', value)
}

/** @param of - what it holds */
export function checkArray<T> (option: string, value: readonly T[], of: string): readonly T[] {
  // A text has letters to go through, too.
  if (Array.isArray(value)) return value
  throw new InvalidOptionError(option, `an array of ${of}`, value)
}

/** A name that is no option is an error: a limit that is misspelt must not pass for one that holds. */
export function checkNames (option: string, value: unknown, names: Readonly<Record<string, true>>): Record<string, unknown> {
  const record = checkRecord(option, value)
  const unknown = Object.keys(record).find(name => !Object.hasOwn(names, name))

  if (unknown != null) throw new InvalidOptionError(option, `an object whose keys are among ${Object.keys(names).join(', ')}`, unknown)
  return record
}

const RATE_NAMES: Readonly<Record<keyof Rate, true>> = { strategy: true, limit: true, window: true }

/** @returns a copy, so that a caller who changes the object later changes nothing here */
export function checkRate (option: string, value: unknown): Rate {
  const { strategy, limit, window } = checkNames(option, value, RATE_NAMES)
  const rate = {
    strategy: checkChoice(`${option}.strategy`, strategy, STRATEGY_NAMES),
    limit: checkCap(`${option}.limit`, limit),
    window: checkWindow(`${option}.window`, window)
  }

  if (rate.limit !== Infinity && rate.limit > mostOf(rate)) {
    throw new InvalidOptionError(`${option}.limit`, `Infinity or at most ${mostOf(rate)}, which is what this strategy counts exactly in this window`, limit)
  }

  return Object.freeze(rate)
}

/** A change of some fields; the others stay as they are. */
export function mergeRate (option: string, current: Rate, change: unknown): Rate {
  return checkRate(option, { ...current, ...given(checkRecord(option, change)) })
}

function checkWindow (option: string, value: unknown): number {
  if (isCount(value) && value >= 1) return value
  throw new InvalidOptionError(option, 'a whole number of milliseconds from 1', value)
}

function isCount (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
