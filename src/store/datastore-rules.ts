import { Key } from 'interface-datastore'
import { InvalidOptionError } from '../limiter/errors.ts'
import { checkRecord } from '../limiter/options.ts'
import type { RuleStore, StoredRule } from '../connection-gater/rule-store.ts'
import type { Datastore } from 'interface-datastore'

/** The version is in the key: a later layout is read beside this one, never over it. */
const PREFIX = '/libp2p-connmgr/gater/v1'

const LISTS = ['block', 'ban'] as const
const KINDS = ['peer', 'address', 'subnet'] as const

/**
 * Blocks and bans in an `interface-datastore`: one entry for each, `/libp2p-connmgr/gater/v1/<list>/<kind>/<value>`, the value URI-encoded, whose
 * bytes are JSON of its end and its reason.
 *
 * @throws {@link InvalidOptionError} for what is none, such as a path
 */
export function datastoreRules (datastore: Datastore): RuleStore {
  const { query, put, delete: remove } = checkRecord('datastore', datastore)
  if (![query, put, remove].every(method => typeof method === 'function')) throw new InvalidOptionError('datastore', 'an interface-datastore', datastore)

  return {
    async load (onCorrupt) {
      const rules: StoredRule[] = []

      for await (const { key, value } of datastore.query({ prefix: PREFIX })) {
        try {
          rules.push(readRule(key, value))
        } catch (error) {
          onCorrupt(key.toString(), error)
        }
      }
      return rules
    },

    async put ({ list, kind, value, until, reason }) {
      await datastore.put(keyOf({ list, kind, value }), new TextEncoder().encode(JSON.stringify({ until, reason })))
    },

    async delete (rule) {
      await datastore.delete(keyOf(rule))
    }
  }
}

function keyOf ({ list, kind, value }: Pick<StoredRule, 'list' | 'kind' | 'value'>): Key {
  return new Key(`${PREFIX}/${list}/${kind}/${encodeURIComponent(value)}`)
}

function readRule (key: Key, bytes: Uint8Array): StoredRule {
  const [list, kind, encoded, ...rest] = key.toString().slice(PREFIX.length + 1).split('/')
  const { until, reason } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>

  if (encoded == null || rest.length > 0) throw new Error(`Could not read the rule: its key is not of three parts, received ${key.toString()}`)
  return {
    list: oneOf(LISTS, list),
    kind: oneOf(KINDS, kind),
    value: decodeURIComponent(encoded),
    ...until != null && { until: timeOf(until) },
    ...typeof reason === 'string' && { reason }
  }
}

function oneOf<T extends string> (choices: readonly T[], value: string | undefined): T {
  const choice = choices.find(choice => choice === value)
  if (choice == null) throw new Error(`Could not read the rule: it must be one of ${choices.join(', ')}, received ${String(value)}`)
  return choice
}

function timeOf (value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Error(`Could not read the rule: until must be epoch milliseconds, received ${String(value)}`)
}
