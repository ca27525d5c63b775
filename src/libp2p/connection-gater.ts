import { logger } from '@libp2p/logger'
import { makeGater } from '../connection-gater/connection-gater.ts'
import type { ConnectionGater } from '../connection-gater/contract.ts'
import type { ConnectionGaterInit } from '../connection-gater/options.ts'
import type { RuleStore } from '../connection-gater/rule-store.ts'

/** A gater with libp2p's logger, and the defaults of the runtime that it is in. */
export function makeLibp2pGater (init: ConnectionGaterInit, store: RuleStore | undefined): ConnectionGater {
  return makeGater(init, { log: logger('libp2p:connmgr:gater'), store, isBrowser: isBrowser() })
}

function isBrowser (): boolean {
  return 'window' in globalThis && 'document' in globalThis
}
