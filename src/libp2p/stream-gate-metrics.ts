import type { StreamDenials } from '../stream-gate/stream-denials.ts'
import type { Metrics } from '@libp2p/interface'

/** Protocols are our own handlers' names; a node that makes them up as it goes must not fill its metrics with them. */
const MOST_PROTOCOLS = 256

/**
 * Registers refused streams with libp2p's metrics. Their groups have one label, so protocol and reason are joined in it:
 * `/ipfs/kad/1.0.0/protocol-rate`; before a protocol is known `unnegotiated/stream-rate`.
 */
export function registerStreamGateMetrics (metrics: Metrics, denials: StreamDenials): void {
  const denied = metrics.registerCounterGroup('libp2p_connmgr_streams_denied_total', { label: 'protocol_reason', help: 'Refused streams by protocol and reason' })
  const protocols = new Set<string>()

  function labelOf (protocol: string): string {
    if (protocol === '') return 'unnegotiated'
    if (protocols.size < MOST_PROTOCOLS) protocols.add(protocol)
    return protocols.has(protocol) ? protocol : 'others'
  }

  denials.onDeny.add(({ protocol, reason }) => { denied.increment({ [`${labelOf(protocol)}/${reason}`]: true }) })
}
