/** One rule as it is stored. */
export interface StoredRule {
  /** A block was set by an operator, a ban by the risk score. */
  readonly list: 'block' | 'ban'
  readonly kind: 'peer' | 'address' | 'subnet'

  /** The peer id, the address or the CIDR, as text. */
  readonly value: string

  /** Epoch ms; absent where it has no end. */
  readonly until?: number
  readonly reason?: string
}

/** What a gater asks of a store: implemented over an interface-datastore in `src/store/`. */
export interface RuleStore {
  /** @param onCorrupt - told of each entry that cannot be read, which is skipped */
  load (onCorrupt: (key: string, error: unknown) => void): Promise<StoredRule[]>
  put (rule: StoredRule): Promise<void>
  delete (rule: Pick<StoredRule, 'list' | 'kind' | 'value'>): Promise<void>
}
