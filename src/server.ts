export { limitConnections } from './server/limit-connections.ts'

export type { GuardCounts, Unlimit } from './server/limit-connections.ts'
export type { LimitConnectionsOptions, ProxyProtocolOptions } from './server/options.ts'
export type { DenyAction, DenyHandler } from './server/refuse.ts'
export type { Connection } from './server/sockets.ts'
