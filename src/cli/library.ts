import type { ConnManager, ConnManagerInit } from '../conn-manager/contract.ts'
import type { ConnectionGater } from '../connection-gater/contract.ts'
import type { ConnectionGaterInit } from '../connection-gater/options.ts'
import type { ConnectionManagerInit, ServiceFactoryMap } from 'libp2p'

/** What a user imports from this package. Handed in by `src/cli.ts`, because below the doors nobody imports one. */
export interface Library {
  readonly connManager: (init: ConnManagerInit) => ServiceFactoryMap<{ connManager: ConnManager }>['connManager']
  readonly connectionGater: (init: ConnectionGaterInit) => ConnectionGater
  readonly connectionManagerDefaults: ConnectionManagerInit
}
