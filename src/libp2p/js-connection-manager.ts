import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * js-libp2p's own connection manager as it is at run time (libp2p 3.3). The type it publishes hides most of this, so every field may
 * have moved: each is asked for before it is used.
 */
export interface JsConnectionManager {
  getMaxConnections?: () => number
  setMaxConnections?: (max: number) => void
  getConnections?: () => unknown[]
  acceptIncomingConnection?: (maConn: MultiaddrConnection) => boolean
  afterUpgradeInbound?: () => void

  maxConnections?: number
  connectionPruner?: { start?: () => void, stop?: () => void }
  allow?: readonly IpNet[]
  deny?: readonly IpNet[]
  incomingPendingConnections?: number
  maxIncomingPendingConnections?: number
  inboundConnectionRateLimiter?: { points?: number, consume?: (key: string, points: number) => unknown }
}

interface IpNet {
  contains (host: string): boolean
}
