import { MemoryDatastore } from 'datastore-core'
import { datastoreRules } from '../../src/store/datastore-rules.ts'
import type { RuleStore, StoredRule } from '../../src/connection-gater/rule-store.ts'

export const FULL = new Error('The disk is full')
export const never = async (): Promise<never> => new Promise(() => {})

export function brokenStore (broken: Partial<RuleStore>): RuleStore {
  return { load: async () => [], put: async () => {}, delete: async () => {}, ...broken }
}

/** A store in memory, what is in it, and a part of it that can be broken. */
export function openStore (broken: (store: RuleStore) => Partial<RuleStore> = () => ({})) {
  const rules = datastoreRules(new MemoryDatastore())

  return {
    store: { ...rules, ...broken(rules) },
    rules,
    content: async (): Promise<StoredRule[]> => rules.load((_, error) => { throw error })
  }
}

/** Microtasks of promises that were settled. */
export async function settle (): Promise<void> {
  for (let n = 0; n < 50; n++) await Promise.resolve()
}
