import type { Gate } from '../limiter/ports.ts'
import type { Metrics } from '@libp2p/interface'

/**
 * Registers the gate's denials with libp2p's metrics. Their groups have one label, so stage and reason are joined in it: `accept/connect-rate`.
 *
 * @returns what counts them from then on, and returns what ends that: a gater may outlive its node
 */
export function registerGateMetrics (metrics: Metrics, gate: Gate): () => () => void {
  const denied = metrics.registerCounterGroup('libp2p_connmgr_denied_total', { label: 'stage_reason', help: 'Denials by stage and reason' })

  return () => gate.onDeny(({ stage, reason }) => { denied.increment({ [`${stage}/${reason}`]: true }) })
}
