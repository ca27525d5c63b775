import { InvalidOptionError } from '../limiter/errors.ts'
import { checkRecord } from '../limiter/options.ts'

/**
 * Which rule a protocol falls under: at most one. Its exact name comes before a prefix, which ends in `/`, and a longer prefix before a shorter one.
 *
 * Names are taken literally, other than a path's: who negotiates a protocol has to write it as our own handler is called.
 */
export class ProtocolRules<Rule> {
  readonly #exact = new Map<string, Rule>()
  readonly #prefixes: ReadonlyArray<readonly [string, Rule]>

  constructor (rules: Iterable<readonly [string, Rule]> = []) {
    const prefixes: Array<readonly [string, Rule]> = []

    for (const [name, rule] of rules) {
      if (name.endsWith('/')) prefixes.push([name, rule])
      else this.#exact.set(name, rule)
    }
    this.#prefixes = prefixes.sort(([a], [b]) => b.length - a.length)
  }

  match (protocol: string): Rule | undefined {
    const exact = this.#exact.get(protocol)
    if (exact !== undefined || this.#prefixes.length === 0) return exact

    return this.#prefixes.find(([prefix]) => protocol.startsWith(prefix))?.[1]
  }

  get (name: string): Rule | undefined {
    return name.endsWith('/') ? this.#prefixes.find(([prefix]) => prefix === name)?.[1] : this.#exact.get(name)
  }

  entries (): Array<readonly [string, Rule]> {
    return [...this.#exact, ...this.#prefixes]
  }
}

/** @throws InvalidOptionError */
export function checkRules<Value> (option: string, rules: unknown, check: (option: string, value: unknown) => Value): Readonly<Record<string, Value>> {
  return Object.freeze(Object.fromEntries(Object.entries(checkRecord(option, rules)).map(([name, value]) => {
    if (name === '') throw new InvalidOptionError(option, 'an object whose keys are protocols', name)
    return [name, check(`${option}['${name}']`, value)]
  })))
}
