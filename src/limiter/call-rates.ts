import { InvalidOptionError } from './errors.ts'
import { checkRate } from './options.ts'
import { formatRate } from './rate.ts'
import type { Rate } from './rate.ts'

/** Rates that callers give with a question are rules of their program, not strangers' input; this many are no accident. */
const MAX_CALL_RATES = 16

/** All rates without a limit are one, which counts nothing, and so takes none of the places. */
const UNLIMITED = 'unlimited'

/** What is counted for each rate that is given with a call, by what the rate says. */
export class CallRates<Counts> {
  readonly #counts = new Map<string, Counts>()
  readonly #make: (rate: Rate) => Counts

  constructor (make: (rate: Rate) => Counts) {
    this.#make = make
  }

  /** @throws {@link InvalidOptionError} for one that is none, and for one too many */
  of (given: Rate): Counts {
    const rate = checkRate('rate', given)
    const key = rate.limit === Infinity ? UNLIMITED : formatRate(rate)
    const known = this.#counts.get(key)
    if (known != null) return known

    const limited = this.#counts.size - Number(this.#counts.has(UNLIMITED))
    if (key !== UNLIMITED && limited >= MAX_CALL_RATES) {
      throw new InvalidOptionError('rate', `one of at most ${MAX_CALL_RATES} different ones over the gate's life`, rate)
    }

    const made = this.#make(rate)
    this.#counts.set(key, made)
    return made
  }
}
